"""What a source hands on, from whatever thread it runs in."""

from collections.abc import Mapping, Sequence
from typing import Any, Protocol

from numpy.typing import NDArray

from daiss_bluesky.viewers.model.connection import Lane, State


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

    def arrays(self, uid: str, names: Sequence[str]) -> None:
        """Hand on which final arrays a result has."""
        ...

    def picture(
        self,
        uid: str,
        view: str,
        pixels: NDArray[Any],
        published_s: float,
        lane: Lane,
        number: int | None = None,
        angle_deg: float | None = None,
    ) -> None:
        """Hand on a picture; `number` is its update's, where the lane tells it."""
        ...

    def problem(self, uid: str, sentence: str) -> None:
        """Say why a result cannot be shown."""
        ...
