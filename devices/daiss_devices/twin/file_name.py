"""Names of the files the twin writes: areaDetector's rules, inside one directory."""

import re
from pathlib import Path

from daiss_bluesky.core.errors import InputError

_CONVERSION = re.compile(r"%[-+ 0#]*\d*(?:\.\d+)?([sdi])")
MOST_LEVELS = 64


def expand_template(template: str, path: str, name: str, number: int) -> str:
    """Fill a FileTemplate: path, name and number, as many as it asks for."""
    kinds = "".join(_CONVERSION.findall(template))
    if template.count("%") != len(kinds) or kinds not in {"ss", "ssd", "ssi"}:
        raise InputError(
            f"FileTemplate {template!r} must ask for path, name and number,"
            " such as %s%s_%6.6d.h5"
        )
    return template % (path, name, number)[: len(kinds)]


def inside(root: Path, path: Path) -> Path | None:
    """Resolve a path; None where it leads out of the root."""
    resolved = path.resolve()
    return resolved if resolved.is_relative_to(root) else None


def make_directory(root: Path, path: str, depth: int) -> bool:
    """Tell whether a directory is there, after making up to -depth levels of it."""
    if not path.startswith("/"):
        return False
    directory = inside(root, Path(path))
    if directory is None:
        return False
    missing = [p for p in (directory, *directory.parents) if not p.exists()]
    if missing:
        if len(missing) > min(-depth, MOST_LEVELS):
            return False
        try:
            directory.mkdir(parents=True)
        except OSError:
            return False
    return directory.is_dir()
