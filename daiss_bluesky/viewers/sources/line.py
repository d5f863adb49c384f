"""The line to a server, put together from those of all its streams."""

from daiss_bluesky.viewers.model.connection import Lane
from daiss_bluesky.viewers.sources.sink import Sink


class Line:
    """Connected while none of the streams is cut off."""

    def __init__(self, sink: Sink, lane: Lane) -> None:
        self._sink = sink
        self._lane = lane
        self._down: dict[str, str] = {}
        self._notes: dict[str, str] = {}

    def up(self, name: str) -> None:
        """Say that a stream has come, or come back."""
        self._down.pop(name, None)
        self._tell()

    def down(self, name: str, sentence: str) -> None:
        """Say that a stream is cut off, and why."""
        self._down[name] = sentence
        self._tell()

    def note(self, name: str, sentence: str) -> None:
        """Say what goes on being wrong with a stream though the server is there."""
        self._notes[name] = sentence
        self._tell()

    def forget(self, name: str) -> None:
        """Leave out a stream that is wanted no more."""
        if name in self._down or name in self._notes:
            self._down.pop(name, None)
            self._notes.pop(name, None)
            self._tell()

    def refused(self, sentence: str) -> None:
        """Say that the server does not let us in."""
        self._sink.line("refused", self._lane, sentence)

    def _tell(self) -> None:
        if self._down:
            sentence = next(iter(self._down.values()))
            self._sink.line("reconnecting", self._lane, f"{sentence}; reconnecting")
            return
        self._sink.line("connected", self._lane, " ".join(self._notes.values()))
