"""Files of the web viewer, read once; a request names one of them, never a path."""

import hashlib
import json
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from daiss_bluesky.viewers.model import colormaps

STATIC = Path(__file__).parent / "static"
INDEX = "index.html"
COLORMAPS = "colormaps.json"
OF_NOTEBOOKS = ("widget.js", "view/cell.js")
MEDIA_TYPES = {
    ".html": "text/html; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".css": "text/css; charset=utf-8",
    ".svg": "image/svg+xml",
    ".json": "application/json",
}
_DIGITS = 16


@dataclass(frozen=True, slots=True)
class Asset:
    """One file as it is sent."""

    content: bytes
    media_type: str
    etag: str


@cache
def assets() -> dict[str, Asset]:
    """Give all files by name, as `view/pane.js`; the page itself is not among them."""
    found = {
        path.relative_to(STATIC).as_posix(): _asset(path.read_bytes(), path.suffix)
        for path in sorted(STATIC.rglob("*"))
        if path.suffix in MEDIA_TYPES and path.name != INDEX
    }
    return found | {COLORMAPS: _asset(_colormaps(), ".json")}


@cache
def version() -> str:
    """Name what these files are together; another one for every change."""
    page = (STATIC / INDEX).read_bytes()
    tags = [one.etag for _, one in sorted(assets().items())]
    return _digest(page + json.dumps(tags).encode())


@cache
def index() -> Asset:
    """Give the page, which names its files by version and has all sent at once."""
    page = (STATIC / INDEX).read_text(encoding="utf-8")
    modules = [n for n in assets() if n.endswith(".js") and n not in OF_NOTEBOOKS]
    ahead = [f'<link rel="modulepreload" href="{version()}/{m}">' for m in modules]
    page = page.replace("{ahead}", "\n  ".join(ahead)).replace("{version}", version())
    return _asset(page.encode(), ".html")


def _asset(content: bytes, suffix: str) -> Asset:
    return Asset(content, MEDIA_TYPES[suffix], f'"{_digest(content)}"')


def _digest(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()[:_DIGITS]


def _colormaps() -> bytes:
    return json.dumps(colormaps.as_json(), separators=(",", ":")).encode()
