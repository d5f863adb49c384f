"""A signal that comes while a plan runs."""

import signal
import threading
from collections.abc import Iterator
from types import FrameType

import pytest
from bluesky import RunEngine
from bluesky import plan_stubs as bps
from bluesky.utils import RunEngineInterrupted

from daiss_bluesky.cli.told_to_end import Attentive

LONG_S = 60.0


@pytest.fixture
def engine() -> Iterator[RunEngine]:
    """One that SIGUSR1 aborts."""
    engine = RunEngine(context_managers=[], during_task=Attentive())

    def abort(_number: int, _frame: FrameType | None) -> None:
        engine.abort()

    before = signal.signal(signal.SIGUSR1, abort)
    yield engine
    signal.signal(signal.SIGUSR1, before)


def test_one_that_another_thread_got_is_heard(engine: RunEngine) -> None:
    begun = threading.Event()

    def get_it() -> None:
        begun.wait()
        signal.pthread_kill(threading.get_ident(), signal.SIGUSR1)

    def plan() -> Iterator[object]:
        begun.set()
        yield from bps.sleep(LONG_S)

    thread = threading.Thread(target=get_it)
    thread.start()
    with pytest.raises(RunEngineInterrupted):
        engine(plan())
    thread.join()
