"""Every frame's time is published once, however many updates are overtaken."""

import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from daiss_bluesky.core.errors import InputError, UnavailableError
from daiss_bluesky.core.reconstruction import Progress
from daiss_bluesky.core.results import Final, Result, Update
from daiss_bluesky.publishers import pacing
from daiss_bluesky.publishers.pacing import PacedPublisher
from daiss_bluesky.testing.publisher_contract import make_result, make_views

LIMIT_S = 30.0


class SlowPublisher:
    """Writes and closes when it is let, failing as often as it is told to."""

    name = "slow"

    def __init__(self) -> None:
        self.entered = threading.Semaphore(0)
        self.may_go = threading.Semaphore(0)
        self.failures: list[Exception] = []
        self.updates: list[Update] = []
        self.finals: list[Final] = []

    def open(self, result: Result) -> None:
        """Needs nothing."""

    def write(self, update: Update) -> None:
        self._pass()
        self.updates.append(update)

    def close(self, final: Final) -> None:
        self._pass()
        self.finals.append(final)

    def _pass(self) -> None:
        self.entered.release()
        assert self.may_go.acquire(timeout=LIMIT_S)
        if self.failures:
            raise self.failures.pop(0)

    def wait(self) -> None:
        """Wait until it has been called once more."""
        assert self.entered.acquire(timeout=LIMIT_S)

    def let(self, calls: int = 1) -> None:
        self.may_go.release(calls)

    def times(self) -> list[float]:
        """Times of all frames published, in the order they were."""
        shown: list[Update | Final] = [*self.updates, *self.finals]
        return [float(t) for one in shown for t in one.frame_times_s]


def update(number: int, *times_s: float) -> Update:
    times = np.array(times_s, np.float64)
    return Update(number, 0.0, Progress(), make_views(number), times)


def final(*times_s: float, **arrays: Any) -> Final:
    times = np.array(times_s, np.float64)
    return Final("complete", Progress(), frame_times_s=times, **arrays)


@pytest.fixture
def slow() -> SlowPublisher:
    return SlowPublisher()


@pytest.fixture
def paced(slow: SlowPublisher) -> Iterator[PacedPublisher]:
    paced = PacedPublisher(slow)
    paced.open(make_result())
    yield paced
    slow.let(100)
    paced.stop()


@pytest.fixture
def end(paced: PacedPublisher) -> Iterator[Callable[[Final], threading.Thread]]:
    """Close in a thread of its own, as it waits for the publisher."""
    threads: list[threading.Thread] = []

    def close(final: Final) -> threading.Thread:
        threads.append(threading.Thread(target=paced.close, args=(final,)))
        threads[-1].start()
        return threads[-1]

    yield close
    for thread in threads:
        thread.join(LIMIT_S)


def test_overtaken_updates_leave_their_frames_to_the_next(
    paced: PacedPublisher,
    slow: SlowPublisher,
    end: Callable[[Final], threading.Thread],
) -> None:
    paced.write(update(1, 1.0))
    slow.wait()
    paced.write(update(2, 2.0, 2.5))
    paced.write(update(3))
    paced.write(update(4, 4.0))
    slow.let()
    slow.wait()
    slow.let()
    end(final(5.0))
    slow.wait()
    slow.let()
    assert paced.settled.wait(LIMIT_S)
    assert [one.number for one in slow.updates] == [1, 4]
    assert slow.updates[1].frame_times_s.tolist() == [2.0, 2.5, 4.0]
    assert slow.times() == [1.0, 2.0, 2.5, 4.0, 5.0]


def test_a_failed_update_is_tried_again_with_its_frames(
    paced: PacedPublisher, slow: SlowPublisher
) -> None:
    slow.failures = [UnavailableError("away"), UnavailableError("away")]
    paced.write(update(1, 1.0))
    slow.wait()
    slow.let(3)
    slow.wait()
    slow.wait()
    slow.let()
    paced.close(final(2.0))
    assert [one.number for one in slow.updates] == [1]
    assert slow.times() == [1.0, 2.0]


def test_a_failed_update_leaves_its_frames_to_one_that_came_meanwhile(
    paced: PacedPublisher, slow: SlowPublisher
) -> None:
    slow.failures = [UnavailableError("away")]
    paced.write(update(1, 1.0))
    slow.wait()
    paced.write(update(2, 2.0))
    paced.write(update(3, 3.0))
    slow.let()
    slow.wait()
    slow.let(2)
    paced.close(final())
    assert [one.number for one in slow.updates] == [3]
    assert slow.times() == [1.0, 2.0, 3.0]


def test_a_failed_update_counts_once_when_the_end_is_waiting(
    paced: PacedPublisher,
    slow: SlowPublisher,
    end: Callable[[Final], threading.Thread],
) -> None:
    slow.failures = [UnavailableError("away")]
    paced.write(update(1, 1.0))
    slow.wait()
    paced.write(update(2, 2.0))
    end(final(3.0, views=make_views(3)))
    wait_for_final(paced)
    slow.let(3)
    assert paced.settled.wait(LIMIT_S)
    assert [one.frame_times_s.tolist() for one in slow.updates] == [[1.0, 2.0]]
    assert slow.times() == [1.0, 2.0, 3.0]


def test_an_end_with_pictures_takes_over_a_waiting_update(
    paced: PacedPublisher,
    slow: SlowPublisher,
    end: Callable[[Final], threading.Thread],
) -> None:
    paced.write(update(1, 1.0))
    slow.wait()
    paced.write(update(2, 2.0))
    end(final(3.0, views=make_views(3)))
    wait_for_final(paced)
    slow.let()
    slow.wait()
    # What it took over must outlast a failure of its own.
    slow.failures = [UnavailableError("away"), UnavailableError("away")]
    slow.let(3)
    assert paced.settled.wait(LIMIT_S)
    assert [one.number for one in slow.updates] == [1]
    (shown,) = slow.finals
    assert shown.frame_times_s.tolist() == [2.0, 3.0]


def test_an_end_without_pictures_lets_the_newest_update_be_shown(
    paced: PacedPublisher,
    slow: SlowPublisher,
    end: Callable[[Final], threading.Thread],
) -> None:
    paced.write(update(1, 1.0))
    slow.wait()
    paced.write(update(2, 2.0))
    end(final())
    wait_for_final(paced)
    slow.let(3)
    assert paced.settled.wait(LIMIT_S)
    assert [one.number for one in slow.updates] == [1, 2]
    assert slow.times() == [1.0, 2.0]


def test_the_end_does_not_wait_for_the_rest_after_an_update(
    slow: SlowPublisher, monkeypatch: pytest.MonkeyPatch
) -> None:
    published = threading.Event()
    # An update that took so long that the rest after it would outlast the test.
    ticks = iter([0.0, 1000 * LIMIT_S])
    clock = SimpleNamespace(monotonic=lambda: next(ticks), time=time.time)
    monkeypatch.setattr(pacing, "time", clock)
    monkeypatch.setattr(pacing, "LONGEST_REST_S", 100 * LIMIT_S)
    paced = PacedPublisher(slow, on_published=lambda *_: published.set())
    paced.open(make_result())
    paced.write(update(1, 1.0))
    slow.let(2)
    assert published.wait(LIMIT_S)
    paced.close(final())
    assert paced.settled.is_set()
    assert len(slow.finals) == 1


@pytest.mark.parametrize(
    ("failure", "said"),
    [
        (InputError("no such place"), "no such place"),
        (KeyError("data"), "internal error: KeyError('data')"),
    ],
)
def test_a_refusal_ends_it(
    paced: PacedPublisher,
    slow: SlowPublisher,
    caplog: pytest.LogCaptureFixture,
    failure: Exception,
    said: str,
) -> None:
    slow.failures = [failure]
    paced.write(update(1, 1.0))
    slow.let()
    assert paced.settled.wait(LIMIT_S)
    assert str(paced.failure) == said
    assert str(failure) in caplog.text
    assert slow.times() == []


class Keeping(SlowPublisher):
    """Takes final arrays before its server does."""

    def keep(self, final: Final) -> Final:
        return replace(final, arrays={})


@pytest.mark.parametrize("slow", [Keeping()])
def test_an_end_that_waits_holds_no_volume(
    slow: SlowPublisher,
    paced: PacedPublisher,
    end: Callable[[Final], threading.Thread],
) -> None:
    slow.failures = [UnavailableError("away")]
    end(final(arrays={"volume": np.zeros((2, 3, 4))}))
    slow.let(2)
    assert paced.settled.wait(LIMIT_S)
    assert [dict(one.arrays) for one in slow.finals] == [{}]


def wait_for_final(paced: PacedPublisher) -> None:
    """Wait until the end, given in another thread, has arrived."""
    changed = paced._changed
    with changed:
        assert changed.wait_for(lambda: paced._final is not None, LIMIT_S)
