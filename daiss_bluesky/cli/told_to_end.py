"""A terminal that goes away, or a kill, ends a scan as an abort does."""

import os
import signal
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from types import FrameType
from typing import Any

from bluesky.utils import DefaultDuringTask

REASONS = {
    signal.SIGHUP: "the terminal was closed",
    signal.SIGTERM: "the shell was told to end",
}
AT_WORK = ("running", "pausing", "suspending", "paused")
AT_REST = ("idle", "panicked")
POLL_S = 0.05


class Attentive(DefaultDuringTask):
    """A RunEngine's `during_task` that hears every signal.

    Python handles signals in the main thread, which does not wake for one that the
    system gave to another thread: a kill, or Ctrl-C, waited for the end of the scan.
    """

    def block(self, blocking_event: threading.Event) -> None:
        """Wait for the end of the plan."""
        super().block(_InSteps(blocking_event))


@dataclass(frozen=True, slots=True)
class _InSteps:
    event: threading.Event

    def wait(self, timeout: float | None = None) -> bool:
        if timeout is not None:
            return self.event.wait(timeout)
        while not self.event.wait(POLL_S):
            pass
        return True


def abort_when_told_to_end(run_engine: Any, leave: Callable[[], None]) -> None:
    """Let SIGHUP and SIGTERM abort what runs; the process ends once that is safe.

    `leave` is called before. Otherwise a lost connection would leave the shutter open
    and the motors turning. What was ignored at the start, as by nohup, still is.
    """

    def told(number: int, _frame: FrameType | None) -> None:
        # A second abort would end the cleanup of the first.
        for one in REASONS:
            signal.signal(one, signal.SIG_IGN)
        if number == signal.SIGHUP:
            let_go_of_the_terminal()
        threading.Thread(target=_leave, args=(run_engine, leave, number)).start()
        if run_engine.state in AT_WORK:
            run_engine.abort(reason=REASONS[signal.Signals(number)])

    for number in REASONS:
        if signal.getsignal(number) == signal.SIG_DFL:
            signal.signal(number, told)


def _leave(run_engine: Any, leave: Callable[[], None], number: int) -> None:
    while run_engine.state not in AT_REST:
        time.sleep(POLL_S)
    leave()
    # The main thread may be at a prompt that nobody answers any more.
    os._exit(128 + number)


def let_go_of_the_terminal() -> None:
    """Write to nowhere from now on: the cleanup must not fail by what it prints."""
    nowhere = os.open(os.devnull, os.O_RDWR)
    for descriptor in range(3):
        os.dup2(nowhere, descriptor)
