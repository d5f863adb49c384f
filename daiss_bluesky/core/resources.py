"""Files that travel with the package: configurations and profiles."""

from pathlib import Path

from daiss_bluesky.core.errors import UnavailableError

_PACKAGE = Path(__file__).parent.parent
_KNOWN = ("profiles", "tiled_config")


def resource(name: str) -> Path:
    """Find `tiled_config/embedded.yml` and the like, in a wheel or in a checkout."""
    if name.split("/", maxsplit=1)[0] in _KNOWN:
        for root in (_PACKAGE, _PACKAGE.parent):
            if (root / name).exists():
                return root / name
    raise UnavailableError(
        f"{name!r} is not a file of this installation (folders: {', '.join(_KNOWN)})"
    )
