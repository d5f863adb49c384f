"""What a source hands on, from whatever thread it runs in."""

from collections.abc import Mapping, Sequence
from typing import Any, Protocol

from numpy.typing import NDArray

from daiss_bluesky.viewers.model.connection import Lane, State
from daiss_bluesky.viewers.sources.tiled_reader import Array


class Sink(Protocol):
    """Takes what sources find; every call returns at once."""

    def line(self, state: State, lane: Lane, message: str = "") -> None:
        """Say how the line is, with a sentence for a banner."""
        ...

    def heard(self, lane: Lane) -> None:
        """Say that something came."""
        ...

    def run(
        self, uid: str, start: Mapping[str, Any], stop: Mapping[str, Any] | None
    ) -> None:
        """Hand on a run's documents."""
        ...

    def result(self, uid: str, metadata: Mapping[str, Any]) -> None:
        """Hand on a result's metadata."""
        ...

    def rows(self, uid: str, rows: Sequence[Mapping[str, Any]]) -> None:
        """Hand on rows of a result's progress table; repeats are harmless."""
        ...

    def arrays(self, uid: str, known: Mapping[str, Array]) -> None:
        """Hand on which final arrays a result has."""
        ...

    def picture(
        self,
        uid: str,
        view: str,
        pixels: NDArray[Any],
        published_s: float | None,
        lane: Lane,
        number: int | None = None,
        angle_deg: float | None = None,
        place: int | None = None,
    ) -> None:
        """Hand on a picture, with what the lane tells of it.

        `published_s` is Unix time, `number` that of its update, `place` which slice it
        is. What is None, the progress table will tell.
        """
        ...

    def began_anew(self, uid: str) -> None:
        """Say that a result's updates count from 1 again."""
        ...

    def problem(self, uid: str, sentence: str) -> None:
        """Say why a result cannot be shown."""
        ...
