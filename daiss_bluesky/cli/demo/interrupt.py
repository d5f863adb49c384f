"""Ctrl-C during the demo's scan: one is enough, and it aborts."""

import os
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Any

from bluesky.utils import TransitionError

from daiss_bluesky.cli.told_to_end import let_go_of_the_terminal

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


def end_when_told_to() -> None:
    """Let SIGTERM, and a terminal that goes away, do what Ctrl-C does."""

    def interrupt(number: int, _frame: FrameType | None) -> None:
        if number == signal.SIGHUP:
            let_go_of_the_terminal()
        os.kill(os.getpid(), signal.SIGINT)

    for number in (signal.SIGTERM, signal.SIGHUP):
        if signal.getsignal(number) == signal.SIG_DFL:
            signal.signal(number, interrupt)
