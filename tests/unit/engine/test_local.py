"""The local engine: order, repeats, loss, late knowledge, failure and giving up."""

import threading
from collections.abc import Iterator, Sequence
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from daiss_bluesky.core.errors import InputError, UnavailableError
from daiss_bluesky.core.frames import Batch, FrameKey, FrameKind, FrameRef
from daiss_bluesky.core.reconstruction import Arrays, OnStep, Progress, Reread
from daiss_bluesky.core.results import Final, Update
from daiss_bluesky.core.scan import Scan
from daiss_bluesky.engine.local import Listener, LocalEngine
from tests.conftest import wait_until

N = 20


class Sum:
    """A reconstruction that sums frames, and needs one flat before the first."""

    expected: int | None = N

    def __init__(self) -> None:
        self.total = np.zeros((4, 5), np.float32)
        self.keys: set[FrameKey] = set()
        self.flats = 0
        self.flats_at_start = 0
        self.restarts = 0

    def add(self, batch: Batch) -> None:
        if batch.kind == "flat":
            self.flats += len(batch)
            return
        if batch.pixels.max() > 1000:
            raise InputError("frame 1001 is too bright")
        if not self.keys:
            self.flats_at_start = self.flats
        self.keys.update(batch.keys)
        self.total += batch.pixels.sum(axis=0)

    def progress(self) -> Progress:
        return Progress(frames_expected=self.expected, frames_received=len(self.keys))

    def views(self) -> Arrays:
        return {"slice_xy": self.total.copy()}

    def stale(self) -> str | None:
        late = self.keys and self.flats != self.flats_at_start
        return "flats came late" if late else None

    def restart(self) -> None:
        self.total[:] = 0
        self.keys.clear()
        self.restarts += 1

    def finish(self, reread: Reread, on_step: OnStep) -> Arrays:
        first = min(self.keys)
        [again] = list(reread([first]))
        assert again.keys == [first]
        return {"volume": self.total[None]}


class Source:
    """Frame i is full of i; the lost ones never come."""

    def __init__(self, lost: set[int]) -> None:
        self.lost = lost

    def load(self, refs: Sequence[FrameRef]) -> Batch:
        numbers = [ref.key.index for ref in refs]
        if self.lost & set(numbers):
            raise UnavailableError(f"frames {numbers} are not there")
        pixels = np.ones((len(refs), 4, 5)) * np.reshape(numbers, (-1, 1, 1))
        times = np.asarray(numbers, dtype=float)
        kind, stream = refs[0].kind, refs[0].key.stream
        return Batch(kind, stream, np.asarray(numbers), times, times, pixels)


class Run:
    """An engine over Sum, and what it told."""

    def __init__(self, lost: set[int], **options: Any) -> None:
        self.updates: list[Update] = []
        self.finals: list[Final] = []
        self.made: list[Sum] = []
        self.ended = threading.Event()
        algorithm = SimpleNamespace(
            name="sum", parameters=None, memory_bytes=lambda *_: 1, start=self._start
        )
        self.engine = LocalEngine(
            algorithm,
            Scan(run_uid="run"),
            Source(lost),
            Listener(lambda *_: None, self.updates.append, self._final),
            max_batch=4,
            **options,
        )

    def _start(self, _scan: Scan, _shape: tuple[int, int]) -> Sum:
        self.made.append(Sum())
        return self.made[-1]

    def _final(self, final: Final) -> None:
        self.finals.append(final)
        self.ended.set()

    def result(self) -> Final:
        assert self.ended.wait(30)
        [final] = self.finals
        return final


def refs(kind: FrameKind, stream: str, numbers: Sequence[int]) -> list[FrameRef]:
    return [FrameRef(FrameKey(stream, i), kind, None) for i in numbers]


@pytest.fixture
def run(request: pytest.FixtureRequest) -> Iterator[Run]:
    made = Run(getattr(request, "param", set()), update_period_s=0.01)
    yield made
    made.engine.stop()
    assert made.engine.join(30)


def test_all_frames_arrive(run: Run) -> None:
    run.engine.submit(refs("flat", "flat", [0]))
    for i in range(N):
        run.engine.submit(refs("projection", "primary", [i]))
    run.engine.end()
    final = run.result()
    assert final.status == "complete"
    assert final.arrays["volume"][0, 0, 0] == sum(range(N))
    assert run.made[0].restarts == 0
    told = np.concatenate([update.frame_times_s for update in run.updates])
    assert len(told) == len(set(told))


@pytest.mark.parametrize("run", [{3, 7}], indirect=True)
def test_lost_frames_are_counted_and_the_rest_is_used(run: Run) -> None:
    run.engine.submit(refs("flat", "flat", [0]))
    run.engine.submit(refs("projection", "primary", range(N)))
    run.engine.end()
    final = run.result()
    assert final.status == "incomplete"
    assert "2 of 20 frames never came" in final.message
    assert final.arrays["volume"][0, 0, 0] == sum(range(N)) - 10


@pytest.mark.parametrize("run", [{3, 7}], indirect=True)
def test_lost_frames_are_missing_from_a_run_of_unknown_length(
    run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Sum, "expected", None)
    run.engine.submit(refs("projection", "primary", range(N)))
    run.engine.end()
    final = run.result()
    assert (final.status, final.progress.frames_missing) == ("incomplete", 2)
    assert "2 of 20 frames never came" in final.message


def test_flats_after_the_scan_are_used_for_every_frame(run: Run) -> None:
    run.engine.submit(refs("projection", "primary", range(N)))
    run.engine.submit(refs("flat", "flat", [0, 1]))
    run.engine.end()
    final = run.result()
    assert final.arrays["volume"][0, 0, 0] == sum(range(N))
    assert run.made[0].flats_at_start == 2


def test_frames_read_again_are_told_of_once(run: Run) -> None:
    run.engine.submit(refs("projection", "primary", range(N)))
    wait_until(lambda: sum(len(one.frame_times_s) for one in run.updates) == N, "all")
    run.engine.submit(refs("flat", "flat", [0]))
    run.engine.end()
    final = run.result()
    assert run.made[0].restarts == 1
    shown = [one.frame_times_s for one in run.updates]
    told = np.concatenate([*shown, final.frame_times_s])
    assert sorted(told) == list(range(N))


def test_a_refusal_is_the_final_message(run: Run) -> None:
    run.engine.submit(refs("projection", "primary", [1001]))
    run.engine.end()
    final = run.result()
    assert final.status == "failed"
    assert final.message == "frame 1001 is too bright"


def test_an_aborted_run_is_incomplete_with_its_reason(run: Run) -> None:
    run.engine.submit(refs("projection", "primary", range(5)))
    run.engine.end(succeeded=False, message="the user pressed Ctrl-C")
    final = run.result()
    assert (final.status, final.message) == ("incomplete", "the user pressed Ctrl-C")
    assert final.arrays["volume"][0, 0, 0] == sum(range(5))


def test_a_run_without_frames_fails_and_says_so(run: Run) -> None:
    run.engine.end()
    assert run.result().status == "failed"
    assert run.result().message == "no frame arrived"


def test_giving_up_tells_nobody() -> None:
    run = Run(set())
    run.engine.submit(refs("projection", "primary", range(5)))
    run.engine.stop()
    assert run.engine.join(30)
    assert run.finals == []


def test_runs_wait_for_each_other_in_the_slot() -> None:
    slot = threading.Lock()
    with slot:
        run = Run(set(), slot=slot)
        run.engine.submit(refs("projection", "primary", range(N)))
        run.engine.end()
        assert run.made == []
    assert run.result().status == "complete"
    assert run.engine.join(30)
