"""One Ctrl-C pauses a RunEngine, however early it comes."""

import os
import signal
import threading

from bluesky.utils import TransitionError

from daiss_bluesky.cli.demo.interrupt import ScanInterrupts


class Engine:
    """Refuses to pause a number of times, as one that has hardly begun."""

    def __init__(self, refusals: int) -> None:
        self.refusals = refusals
        self.paused = threading.Event()

    def request_pause(self, *, defer: bool) -> None:
        assert not defer
        if self.refusals:
            self.refusals -= 1
            raise TransitionError("not yet")
        self.paused.set()


def test_it_is_tried_until_the_engine_takes_it() -> None:
    engine, interrupts = Engine(refusals=3), ScanInterrupts()
    with interrupts.pausing(engine):
        os.kill(os.getpid(), signal.SIGINT)
        assert engine.paused.wait(30)
    assert interrupts.asked


def test_one_that_came_too_late_is_known() -> None:
    engine, interrupts = Engine(refusals=10**9), ScanInterrupts()
    with interrupts.pausing(engine):
        os.kill(os.getpid(), signal.SIGINT)
    assert interrupts.asked
    assert not engine.paused.is_set()


def test_it_is_given_back() -> None:
    interrupts = ScanInterrupts()
    with interrupts.pausing(Engine(0)):
        pass
    assert not interrupts.asked
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler
