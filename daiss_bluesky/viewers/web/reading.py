"""Reading for pages of other origins, as a notebook's, which may not ask Tiled itself.

A browser asks Tiled's own door beforehand whether it may be asked with a key, and Tiled
says no to all origins it was not told of. What comes here is a simple request with the
key inside, so it needs nobody's leave and nothing of the user's cookies.
"""

from collections.abc import Sequence
from typing import Annotated, Any, TypeVar

import httpx
from fastapi import Request, Response
from pydantic import Field

from daiss_bluesky.core.scan import Model

PASSED_ON = ("content-type", "content-encoding", "date")
LIMIT_BYTES = 4096
INSIDE = "http://inside"


Key = Annotated[str, Field(pattern=r"^[!-~]*$")]
"""What may stand in a header."""


class Reading(Model):
    """One GET of Tiled's API."""

    path: str = Field(pattern=r"^\P{Cc}*$")
    """Behind /api/v1/."""
    parameters: tuple[tuple[str, str], ...] = ()
    api_key: Key


Body = TypeVar("Body", bound=Model)


async def read(request: Request, headers: dict[str, str]) -> Response:
    """Answer with what Tiled answers; 400 for what is no reading, or has no key."""
    wanted = await body_of(request, Reading)
    if wanted is None:
        return Response("a reading was expected", 400, headers, "text/plain")
    if not wanted.api_key or ".." in wanted.path:
        return Response("a key and a plain path are needed", 400, headers, "text/plain")
    answer = await ask_inside(
        request.app,
        wanted.path.lstrip("/"),
        wanted.parameters,
        api_key=wanted.api_key,
    )
    kept = {k: v for k, v in answer.headers.items() if k in PASSED_ON}
    return Response(answer.content, answer.status_code, headers | kept)


async def body_of(request: Request, kind: type[Body]) -> Body | None:
    """Give what was asked; None for anything else, of which no more is read."""
    body = b""
    async for part in request.stream():
        body += part
        if len(body) > LIMIT_BYTES:
            return None
    try:
        return kind.model_validate_json(body)
    except ValueError:
        return None


async def ask_inside(
    app: Any,
    path: str,
    parameters: Sequence[tuple[str, str]] = (),
    *,
    api_key: str = "",
) -> httpx.Response:
    """GET a path of Tiled's API, with its own checks; without a key, as anybody."""
    # Straight into the server, as one of its own requests: no socket.
    transport = httpx.ASGITransport(app, raise_app_exceptions=False)
    headers = {"Accept-Encoding": "identity"}
    if api_key:
        headers["Authorization"] = f"Apikey {api_key}"
    async with httpx.AsyncClient(transport=transport, base_url=INSIDE) as client:
        return await client.get(
            f"/api/v1/{path}", params=list(parameters), headers=headers
        )
