"""Where the web viewer is."""

from urllib.parse import urlencode

PAGE = "/custom/daiss/"


def page_uri(tiled_uri: str, result_uid: str | None = None, api_key: str = "") -> str:
    """Give the page of a Tiled server, on one result or on the newest.

    A key goes into the fragment, which browsers send to nobody.
    """
    root = tiled_uri.rstrip("/").removesuffix("/api/v1")
    query = f"?{urlencode({'result': result_uid})}" if result_uid else ""
    return f"{root}{PAGE}{query}" + (f"#key={api_key}" if api_key else "")
