"""Tells whether the reconstructor is there, from its heartbeat."""

import time
from threading import Event, Thread
from typing import Any, Protocol

READ_S = 0.5
PATIENCE_S = 5.0
"""At the start nothing has been heard yet, which is no absence."""
AWAY = "the reconstructor is away: pictures wait for it, no frame is lost"


class StatusSource(Protocol):
    """What is followed; used in one thread only."""

    @property
    def connected(self) -> bool:
        """Tell whether it has been heard of lately."""
        ...

    def read(self, timeout_s: float) -> Any:
        """Wait for news."""
        ...

    def close(self) -> None:
        """Let go of it."""
        ...


class ReconstructorWatch:
    """Listens in a thread of its own; `message` may be read from any."""

    def __init__(self, source: StatusSource) -> None:
        self._source = source
        self._ended = Event()
        self._began_s = time.monotonic()
        self._away = False
        self._thread = Thread(target=self._listen, name="watch", daemon=True)
        self._thread.start()

    @property
    def message(self) -> str:
        """A sentence for a banner; empty while the reconstructor is there."""
        return AWAY if self._away else ""

    def close(self) -> None:
        """Stop listening."""
        self._ended.set()
        self._thread.join()
        self._source.close()

    def _listen(self) -> None:
        while not self._ended.is_set():
            self._source.read(READ_S)
            early = time.monotonic() - self._began_s < PATIENCE_S
            self._away = not self._source.connected and not early
