"""Ctrl-C during the demo's scan: one is enough, and it aborts."""

import os
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Any

from bluesky.utils import TransitionError

RETRY_S = 0.02


class ScanInterrupts:
    """What SIGINT does while a RunEngine is at work: it pauses it at once.

    The RunEngine's own handler waits for a checkpoint first, which suits a person at
    a prompt who may resume; the demo only ever aborts.
    """

    def __init__(self) -> None:
        self.asked = False
        """Ctrl-C came, perhaps too late to pause anything."""

    @contextmanager
    def pausing(self, run_engine: Any) -> Iterator[None]:
        """Take SIGINT over; one of the RunEngine's `context_managers`."""
        ended = threading.Event()

        def pause() -> None:
            while not ended.is_set():
                try:
                    run_engine.request_pause(defer=False)
                except TransitionError:
                    # It has hardly begun, or is about to end.
                    ended.wait(RETRY_S)
                else:
                    return

        def handle(_signal: int, _frame: FrameType | None) -> None:
            self.asked = True
            # Not in the handler: the pause waits for the RunEngine's own thread.
            threading.Thread(target=pause, daemon=True).start()

        before = signal.signal(signal.SIGINT, handle)
        try:
            yield
        finally:
            ended.set()
            signal.signal(signal.SIGINT, before)


def end_by_sigterm() -> None:
    """Let SIGTERM do what Ctrl-C does."""

    def interrupt(_signal: int, _frame: FrameType | None) -> None:
        os.kill(os.getpid(), signal.SIGINT)

    signal.signal(signal.SIGTERM, interrupt)
