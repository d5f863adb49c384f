"""Reading for pages of other origins, as a notebook's, which may not ask Tiled itself.

A browser asks Tiled's own door beforehand whether it may be asked with a key, and Tiled
says no to all origins it was not told of. What comes here is a simple request with the
key inside, so it needs nobody's leave and nothing of the user's cookies.
"""

from typing import Any

import httpx
from fastapi import Request, Response

from daiss_bluesky.core.scan import Model

PASSED_ON = ("content-type", "content-encoding", "date")
LIMIT_BYTES = 4096
INSIDE = "http://inside"


class Reading(Model):
    """One GET of Tiled's API."""

    path: str
    """Behind /api/v1/."""
    parameters: tuple[tuple[str, str], ...] = ()
    api_key: str


async def read(request: Request, headers: dict[str, str]) -> Response:
    """Answer with what Tiled answers; 400 for what is no reading, or has no key."""
    body = await request.body()
    try:
        if len(body) > LIMIT_BYTES:
            raise ValueError
        wanted = Reading.model_validate_json(body)
    except ValueError:
        return Response("a reading was expected", 400, headers, "text/plain")
    if not wanted.api_key or ".." in wanted.path:
        return Response("a key and a plain path are needed", 400, headers, "text/plain")
    answer = await _ask(request.app, wanted)
    kept = {k: v for k, v in answer.headers.items() if k in PASSED_ON}
    return Response(answer.content, answer.status_code, headers | kept)


async def _ask(app: Any, wanted: Reading) -> httpx.Response:
    # Straight into the server, as one of its own requests: the same checks, no socket.
    transport = httpx.ASGITransport(app, raise_app_exceptions=False)
    async with httpx.AsyncClient(transport=transport, base_url=INSIDE) as client:
        return await client.get(
            f"/api/v1/{wanted.path.lstrip('/')}",
            params=list(wanted.parameters),
            headers={
                "Authorization": f"Apikey {wanted.api_key}",
                "Accept-Encoding": "identity",
            },
        )
