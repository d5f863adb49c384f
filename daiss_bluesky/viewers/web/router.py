"""The web viewer, served by the Tiled server itself under /custom/daiss/.

Named under `routers:` of the server's configuration. Its files are static and open to
all; what they show is asked for with the user's own key.
"""

from fastapi import APIRouter, Request, Response
from fastapi.responses import RedirectResponse

from daiss_bluesky.viewers.web.assets import INDEX, Asset, assets, index, version
from daiss_bluesky.viewers.web.live_slices import live_slices
from daiss_bluesky.viewers.web.reading import read

POLICY = "; ".join(
    [
        "default-src 'none'",
        "script-src 'self'",
        "style-src 'self'",
        "connect-src 'self'",
        "img-src 'self' data: blob:",
        "base-uri 'none'",
        "form-action 'none'",
        "frame-ancestors 'self'",
    ]
)
HEADERS = {
    "Content-Security-Policy": POLICY,
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    # A notebook at another address imports the same modules; they hold no data.
    "Access-Control-Allow-Origin": "*",
    "Cross-Origin-Resource-Policy": "cross-origin",
}
FRESH = {"Cache-Control": "no-store"}
REVALIDATE, FOR_EVER = "no-cache", "public, max-age=31536000, immutable"

router = APIRouter(prefix="/daiss", include_in_schema=False)


@router.get("")
async def without_slash() -> Response:
    """Send to the address against which the page's files are found."""
    return RedirectResponse("daiss/", 308, HEADERS)


@router.post("/read")
async def read_from_elsewhere(request: Request) -> Response:
    """Read for a page of another origin, which has the key but may not ask Tiled."""
    return await read(request, HEADERS | FRESH)


@router.post("/slices")
async def slices_while_it_runs(request: Request) -> Response:
    """Give slices at any place of a result that is being made."""
    return await live_slices(request, HEADERS | FRESH)


@router.api_route("/{path:path}", methods=["GET", "HEAD"])
async def serve(path: str, request: Request) -> Response:
    """Give the page or one of its files.

    Files stand under the version they belong to, so a browser may keep them for ever;
    under `any/` they stand for pages that know no version.
    """
    folder, _, name = path.partition("/")
    asset = index() if path in {"", INDEX} else assets().get(name)
    if asset is None:
        return Response(f"no {path!r} here", 404, HEADERS, "text/plain")
    kept = FOR_EVER if folder == version() and name else REVALIDATE
    headers = HEADERS | {"ETag": asset.etag, "Cache-Control": kept}
    if _has(request, asset):
        return Response(None, 304, headers)
    return Response(asset.content, 200, headers, asset.media_type)


def _has(request: Request, asset: Asset) -> bool:
    known = request.headers.get("if-none-match", "")
    tags = [tag.strip().removeprefix("W/") for tag in known.split(",")]
    return asset.etag in tags
