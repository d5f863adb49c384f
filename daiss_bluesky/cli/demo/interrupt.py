"""Ctrl-C during the demo's scan: one is enough, and it aborts."""

import signal
import threading
from types import FrameType, TracebackType
from typing import Any, Self

from bluesky.utils import TransitionError


class InterruptPauses:
    """Context manager for a RunEngine: SIGINT pauses it at once.

    The RunEngine's own handler waits for a checkpoint first, which suits a person at
    a prompt who may resume; the demo only ever aborts.
    """

    def __init__(self, run_engine: Any) -> None:
        """Keep the RunEngine that will be paused."""
        self._run_engine = run_engine
        self._before: Any = None

    def __enter__(self) -> Self:
        """Take SIGINT over."""
        self._before = signal.signal(signal.SIGINT, self._handle)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Give SIGINT back."""
        signal.signal(signal.SIGINT, self._before)

    def _handle(self, _signal: int, _frame: FrameType | None) -> None:
        # Not in the handler: the pause waits for the RunEngine's own thread.
        threading.Thread(target=self._pause, daemon=True).start()

    def _pause(self) -> None:
        try:
            self._run_engine.request_pause(defer=False)
        except TransitionError:
            return  # it has ended meanwhile
