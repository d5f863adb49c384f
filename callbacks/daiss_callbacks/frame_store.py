"""Pixels, angles and times of frames known to exist."""

from collections.abc import Mapping, Sequence
from pathlib import Path

from daiss_bluesky.core.frames import Batch, FrameRef


class FrameStore:
    """Reads frames from where their documents say they are (a core FrameSource)."""

    def __init__(
        self,
        allowed_roots: Sequence[Path],
        path_map: Mapping[str, str] | None = None,
        timeout_s: float = 30.0,
    ) -> None:
        """Files outside allowed_roots are refused; path_map: IOC prefix to ours."""
        self._allowed_roots = allowed_roots
        self._path_map = path_map or {}
        self._timeout_s = timeout_s

    def load(self, refs: Sequence[FrameRef]) -> Batch:
        """Read frames of one kind and stream; see core FrameSource."""
        raise NotImplementedError

    def close(self) -> None:
        """Let go of files."""
