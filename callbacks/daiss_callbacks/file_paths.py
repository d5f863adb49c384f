"""Paths that documents name, to files here: mapped, and held inside allowed roots."""

from collections.abc import Mapping, Sequence
from pathlib import Path, PurePosixPath
from urllib.parse import unquote, urlsplit

from daiss_bluesky.core.errors import InputError

LOCAL_HOSTS = ("", "localhost", "127.0.0.1")


class FilePaths:
    """Turns a document's path or file: URI into a local path, or refuses it.

    What a document says is outside input: it could name any file of this machine.
    """

    def __init__(
        self, allowed_roots: Sequence[Path], path_map: Mapping[str, str] | None = None
    ) -> None:
        """Allow files under the roots; path_map gives our prefix for the IOC's."""
        self._roots = [Path(root).resolve() for root in allowed_roots]
        prefixes = sorted((path_map or {}).items(), key=lambda item: -len(item[0]))
        self._prefixes = [(_plain(theirs), ours) for theirs, ours in prefixes]

    def resolve(self, uri: str) -> Path:
        """Give the local path, all links followed; raises InputError if refused."""
        path = self._map(_plain(_path_of(uri)))
        if not PurePosixPath(path).is_absolute() and not Path(path).is_absolute():
            raise InputError(f"file {uri!r} is refused: its path is not absolute")
        try:
            resolved = Path(path).resolve()
        except (OSError, RuntimeError) as error:
            raise InputError(f"file {uri!r} is refused: {error}") from None
        if not any(resolved.is_relative_to(root) for root in self._roots):
            roots = ", ".join(map(str, self._roots)) or "none"
            raise InputError(
                f"file {uri!r} is refused: it lies outside the allowed roots ({roots})"
            )
        return resolved

    def _map(self, path: str) -> str:
        for theirs, ours in self._prefixes:
            stem = theirs.rstrip("/")
            if path == stem or path.startswith(stem + "/"):
                return ours.rstrip("/") + path[len(stem) :]
        return path


def _path_of(uri: str) -> str:
    """Take the path out of a file: URI; a bare path is one already."""
    if "://" not in uri and not uri.startswith("file:"):
        path = uri
    else:
        try:
            parts = urlsplit(uri)
        except ValueError as error:
            raise InputError(f"file {uri!r} is refused: {error}") from None
        if parts.scheme != "file":
            raise InputError(
                f"file {uri!r} is refused: only file: URIs are read, not"
                f" {parts.scheme!r}"
            )
        if parts.netloc not in LOCAL_HOSTS:
            raise InputError(
                f"file {uri!r} is refused: it lies on host {parts.netloc!r}, not here"
            )
        if parts.query or parts.fragment:
            raise InputError(
                f"file {uri!r} is refused: a file: URI has no query or fragment"
            )
        path = unquote(parts.path)
    if "\0" in path or ".." in _plain(path).split("/"):
        raise InputError(f"file {uri!r} is refused: its path holds '..' or a null")
    return path


def _plain(path: str) -> str:
    """Write a Windows path with slashes, without the one a URI puts before it."""
    path = path.replace("\\", "/") if path[1:3] == ":\\" else path
    return path[1:] if path[:1] == "/" and path[2:4] == ":/" else path
