"""The method is chosen from geometry, memory, rate and speeds, and says why."""

import numpy as np
import pytest

from daiss_bluesky.algorithms import fbp
from daiss_bluesky.algorithms.accumulation import METHODS, Method
from daiss_bluesky.algorithms.fbp import FbpAlgorithm
from daiss_bluesky.algorithms.method_choice import Prediction, choose_method, predict
from daiss_bluesky.core.geometry import projection_angles_deg
from daiss_bluesky.core.scan import Scan
from daiss_bluesky.engine.inline import (
    calibration_batches,
    projection_batches,
    reconstruct_scan,
)
from daiss_bluesky.kernels.method_speeds import MethodSpeeds, method_speeds
from daiss_bluesky.testing.ball_scan import make_ball_scan
from daiss_bluesky.testing.streaming import rereader

SPEEDS = MethodSpeeds(2, 9e-8, 3e-8, 7e-11, 1.5e-9)
SLOW_END = MethodSpeeds(2, 9e-8, 3e-6, 7e-11, 1.5e-9)
"""A machine whose gridding takes ages at the end."""


def predictions(
    gridding: tuple[float, float], other: tuple[float, float]
) -> dict[Method, Prediction]:
    return {"gridding": Prediction(*gridding), "backprojection": Prediction(*other)}


@pytest.mark.parametrize(
    ("fits", "gridding", "other", "arrival_fps", "chosen", "said"),
    [
        pytest.param(
            ["backprojection"], (900, 0.2), (100, 0.2), None,
            "backprojection", "alone fits into memory", id="memory",
        ),
        pytest.param(
            ["gridding"], (900, 9.0), (9000, 0.2), None,
            "gridding", "alone fits into memory", id="memory-gridding",
        ),
        pytest.param(
            METHODS, (900, 9.0), (100, 0.2), 200.0,
            "gridding", "alone keeps up with 200 frames/s", id="only-gridding-keeps-up",
        ),
        pytest.param(
            METHODS, (100, 0.1), (900, 0.2), 200.0,
            "backprojection", "alone keeps up", id="only-backprojection-keeps-up",
        ),
        pytest.param(
            METHODS, (900, 0.5), (300, 0.2), 200.0,
            "backprojection", "is there sooner", id="both-keep-up",
        ),
        pytest.param(
            METHODS, (900, 0.5), (300, 0.3), 200.0,
            "gridding", "not there clearly sooner", id="within-the-margin",
        ),
        pytest.param(
            METHODS, (900, 0.09), (300, 0.001), 200.0,
            "gridding", "not there clearly sooner", id="nobody-notices",
        ),
        pytest.param(
            METHODS, (900, 0.5), (100, 0.1), None,
            "gridding", "not there clearly sooner", id="frames-are-all-there",
        ),
        pytest.param(
            METHODS, (90, 0.5), (30, 0.1), 100.0,
            "gridding", "not there clearly sooner", id="neither-keeps-up",
        ),
        pytest.param(
            METHODS, (30, 0.5), (90, 0.1), 100.0,
            "backprojection", "is there sooner", id="neither-but-one-waits-less",
        ),
    ],
)  # fmt: skip
def test_each_reason(
    fits: list[Method],
    gridding: tuple[float, float],
    other: tuple[float, float],
    arrival_fps: float | None,
    chosen: Method,
    said: str,
) -> None:
    both = predictions(gridding, other)
    found = choose_method(fits, both, 4, 1000, arrival_fps)
    assert found.method == chosen
    assert found.reason.startswith(chosen)
    assert said in found.reason
    assert f"{gridding[0]} frames/s" in found.reason
    assert f"{other[0]} frames/s" in found.reason


def test_a_busy_machine_does_not_change_the_method_of_a_scan_of_many_rows() -> None:
    """What was measured is told, but a live run and its file must not differ."""
    both = predictions((30, 0.5), (900, 0.1))
    assert choose_method(METHODS, both, 15, 1000, 100.0).method == "backprojection"
    found = choose_method(METHODS, both, 16, 1000, 100.0)
    assert found.method == "gridding"
    assert "less to do from 16 rows on" in found.reason
    assert choose_method(["backprojection"], both, 16, 9, None).method != "gridding"


def test_work_grows_with_what_is_computed() -> None:
    two, one = (predict(rows, 2048, SPEEDS) for rows in (64, 32))
    assert two["gridding"].tail_s == pytest.approx(2 * one["gridding"].tail_s)
    assert two["gridding"].frames_per_s == pytest.approx(
        one["gridding"].frames_per_s / 2
    )
    single = predict(1, 2048, SPEEDS)
    # 31 of 32 slices are wasted, and 15 of 16.
    assert single["gridding"] == one["gridding"]
    assert single["backprojection"].frames_per_s == pytest.approx(
        2 * one["backprojection"].frames_per_s
    )
    assert single["backprojection"].tail_s < one["backprojection"].tail_s / 30


@pytest.mark.parametrize("threads", [1, 2, 3, 4, 8])
def test_a_thread_without_a_block_is_no_help(threads: int) -> None:
    speeds = MethodSpeeds(threads, 9e-8, 3e-8, 7e-11, 1.5e-9)
    fps = [predict(rows, 256, speeds)["gridding"].frames_per_s for rows in (32, 128)]
    alone = 1 / (9e-8 * 512)
    # One block is shared by two threads at most; four blocks are not shared.
    assert fps[0] == pytest.approx(alone * min(threads, 2))
    assert fps[1] == pytest.approx(alone / np.ceil(4 / threads))


def test_a_few_slices_of_a_slow_scan_are_backprojected() -> None:
    assert method_speeds() == SPEEDS
    scan = Scan(run_uid="x", counts={"projection": 1500}, exposure_s=0.01)
    algorithm = FbpAlgorithm(memory_limit_gb=10)
    assert algorithm.choice(scan, (1, 2048)).method == "backprojection"
    assert algorithm.choice(scan, (16, 2048)).method == "gridding"
    at_once = scan.model_copy(update={"exposure_s": None})
    assert algorithm.choice(at_once, (1, 2048)).method == "gridding"


@pytest.mark.parametrize(
    "given",
    [{"method": "gridding"}, {"method": "backprojection"}, {"filter": "sharp"}],
)
def test_what_is_given_wins_and_nothing_is_measured(
    given: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse() -> MethodSpeeds:
        raise AssertionError("measured")

    monkeypatch.setattr(fbp, "method_speeds", refuse)
    algorithm = FbpAlgorithm(memory_limit_gb=0.001, **given)
    found = algorithm.choice(Scan(run_uid="x"), (64, 64))
    assert found.method == given.get("method", "gridding")
    assert ("parameters say" if "method" in given else "'sharp' needs") in found.reason


def test_memory_is_stated_for_the_method_chosen(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    scan, shape = Scan(run_uid="x", counts={"projection": 400}), (256, 256)
    stated = {m: FbpAlgorithm(method=m).memory_bytes(scan, shape) for m in METHODS}
    assert (
        FbpAlgorithm(memory_limit_gb=4).memory_bytes(scan, shape)
        == (stated["gridding"])
    )
    between_gb = (stated["gridding"] + stated["backprojection"]) / 2e9
    tight = FbpAlgorithm(memory_limit_gb=between_gb)
    assert tight.choice(scan, shape).method == "backprojection"
    assert "alone fits" in tight.choice(scan, shape).reason
    assert tight.memory_bytes(scan, shape) == stated["backprojection"]


@pytest.mark.parametrize(("speeds", "method"), [(SPEEDS, 0), (SLOW_END, 1)])
def test_live_and_offline_runs_choose_alike_and_say_so(
    speeds: MethodSpeeds, method: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(fbp, "method_speeds", lambda: speeds)
    stored = make_ball_scan(projection_angles_deg(30), rows=5, columns=512)
    offline = reconstruct_scan(stored, FbpAlgorithm())
    live = FbpAlgorithm().start(stored.scan, stored.frame_shape)
    for batch in calibration_batches(stored):
        live.add(batch)
    for first in range(0, 30, 7):
        for batch in projection_batches(stored, np.arange(first, min(30, first + 7))):
            live.add(batch)
    volume = live.finish(rereader(stored))["volume"]
    expected = offline.arrays["volume"]
    assert np.abs(volume - expected).max() < 1e-5 * np.abs(expected).max()
    for progress in (live.progress(), offline.progress):
        assert progress.parameters["method"] == ["gridding", "backprojection"][method]
        assert "predicted" in progress.parameters["method_reason"]


def test_a_choice_that_is_settled_stays_for_other_sizes() -> None:
    scan = Scan(run_uid="x", counts={"projection": 1500}, exposure_s=0.01)
    algorithm = FbpAlgorithm(memory_limit_gb=10)
    last = (1, 2048)
    assert algorithm.choice(scan, last).method == "backprojection"
    algorithm.settle(scan, (64, 2048))
    assert algorithm.choice(scan, last).method == "gridding"
