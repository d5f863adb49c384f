"""The local engine while the end takes many steps: told, asked, given up."""

import threading
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from typing import Any

import numpy as np
import pytest

from daiss_bluesky.algorithms.iterative import (
    CglsAlgorithm,
    SirtAlgorithm,
    TvAlgorithm,
)
from daiss_bluesky.core.errors import InputError
from daiss_bluesky.core.frames import Batch, FrameKey, FrameKind, FrameRef
from daiss_bluesky.core.geometry import projection_angles_deg
from daiss_bluesky.core.results import Final, Update
from daiss_bluesky.engine.inline import (
    calibration_batches,
    projection_batches,
    reconstruct_scan,
)
from daiss_bluesky.engine.local import Listener, LocalEngine
from daiss_bluesky.testing.ball_scan import make_ball_scan

ITERATIONS = 6
STORED = make_ball_scan(projection_angles_deg(20))


class Source:
    """Frames of the stored scan."""

    def load(self, refs: Sequence[FrameRef]) -> Batch:
        kind, numbers = refs[0].kind, np.array([ref.key.index for ref in refs])
        if kind == "projection":
            [batch] = projection_batches(STORED, numbers)
            return batch
        return next(b for b in calibration_batches(STORED) if b.kind == kind)


class Run:
    """The whole scan through an engine that publishes whenever it may."""

    def __init__(
        self,
        algorithm: SirtAlgorithm,
        on_update: Callable[["Run", Update], None] = lambda *_: None,
    ) -> None:
        self.updates: list[Update] = []
        self.finals: list[Final] = []
        self._on_update = on_update
        self._made = threading.Event()
        listener = Listener(lambda *_: None, self._updated, self.finals.append)
        self.engine = LocalEngine(
            algorithm, STORED.scan, Source(), listener, update_period_s=0
        )
        self._made.set()
        kinds: dict[FrameKind, int] = {"dark": 1, "flat": 1, "pair": 1}
        for kind, count in (kinds | {"projection": 20}).items():
            keys = [FrameKey(kind, i) for i in range(count)]
            self.engine.submit([FrameRef(key, kind, None) for key in keys])
        self.engine.end()
        assert self.engine.join(60)

    def _updated(self, update: Update) -> None:
        assert self._made.wait(60)
        self.updates.append(update)
        self._on_update(self, update)


@pytest.mark.parametrize("make", [SirtAlgorithm, CglsAlgorithm, TvAlgorithm])
def test_each_iteration_can_be_seen(make: type[SirtAlgorithm]) -> None:
    run = Run(make(iterations=ITERATIONS))
    [final] = run.finals
    seen = [update for update in run.updates if update.progress.step]
    progress = [update.progress for update in seen]
    assert [one.step for one in progress] == list(range(1, ITERATIONS + 1))
    assert {one.steps for one in progress} == {ITERATIONS}
    assert [one.parameters["iteration"] for one in progress] == [
        one.step for one in progress
    ]
    residuals = [one.parameters["residual"] for one in progress]
    assert residuals == final.progress.parameters["residuals"]
    assert 0 < residuals[-1] < residuals[0] < 1
    pictures = [update.views["slice_xy"] for update in seen]
    assert len({picture.tobytes() for picture in pictures}) == ITERATIONS
    for name, view in final.views.items():
        np.testing.assert_array_equal(seen[-1].views[name], view)
    expected = reconstruct_scan(STORED, make(iterations=ITERATIONS)).arrays["volume"]
    away = np.abs(final.arrays["volume"] - expected).max()
    assert away <= 1e-5 * np.abs(expected).max()


def test_it_can_be_given_up_in_the_midst() -> None:
    def stop(run: Run, update: Update) -> None:
        if update.progress.step == 2:
            run.engine.stop()

    run = Run(SirtAlgorithm(iterations=1_000_000), stop)
    assert run.updates[-1].progress.step == 2
    assert run.finals == []


def test_questions_are_answered_in_the_midst() -> None:
    """Slices anywhere; the views move; the center has been used and stays."""
    answers: list[Future[Any]] = []

    def ask(run: Run, update: Update) -> None:
        if update.progress.step == 2:
            answers.append(run.engine.ask(lambda one: one.slices(3, 4, 5)))
            answers.append(run.engine.ask(lambda one: one.look_at(3, 4, 5)))
            answers.append(run.engine.ask(lambda one: one.set_center(12.0)))

    run = Run(SirtAlgorithm(iterations=ITERATIONS), ask)
    slices, looked, center = answers
    third = next(one for one in run.updates if one.progress.step == 3)
    np.testing.assert_array_equal(slices.result(0)["slice_xz"], third.views["slice_xz"])
    assert looked.exception(0) is None
    with pytest.raises(InputError, match="being made; its center stays"):
        center.result(0)
    volume = run.finals[0].arrays["volume"]
    np.testing.assert_array_equal(run.finals[0].views["slice_yz"], volume[:, :, 5])
