"""A tilted axis is taken out before anything that needs rows to be rows."""

import dataclasses
import tracemalloc
from functools import cache, partial
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from daiss_bluesky.algorithms.fbp import BASE_BYTES, FbpAlgorithm
from daiss_bluesky.algorithms.iterative import SirtAlgorithm
from daiss_bluesky.core.errors import InputError
from daiss_bluesky.core.geometry import projection_angles_deg
from daiss_bluesky.core.stored import StoredScan
from daiss_bluesky.engine.inline import (
    calibration_batches,
    projection_batches,
    reconstruct_scan,
)
from daiss_bluesky.testing.algorithm_contract import AlgorithmContract, assert_same
from daiss_bluesky.testing.ball_scan import ball_truth, make_ball_scan
from daiss_bluesky.testing.streaming import feed, rereader

ROWS, COLUMNS, TILT_DEG = 128, 64, 3.0
ANGLES_DEG = projection_angles_deg(96)


@cache
def tilted(tilt_deg: float = TILT_DEG, **options: Any) -> StoredScan:
    size = {"rows": ROWS, "columns": COLUMNS, "noise_seed": 5}
    return make_ball_scan(ANGLES_DEG, tilt_deg=tilt_deg, **(size | options))


def error(volume: NDArray[np.float32]) -> float:
    """RMSE over RMS of the truth, inside the 0.95 circle and away from the ends."""
    truth = ball_truth(*volume.shape[:2])
    n = volume.shape[-1]
    away = np.arange(n) - (n - 1) / 2
    inside = np.hypot(away[:, None], away) <= 0.95 * n / 2
    part = (volume - truth)[4:-4, inside]
    return float(np.sqrt(np.mean(part**2) / np.mean(truth[4:-4, inside] ** 2)))


def reconstructed(
    stored: StoredScan, make: Any = FbpAlgorithm, **parameters: Any
) -> tuple[float, dict[str, Any]]:
    final = reconstruct_scan(stored, make(**parameters))
    return error(final.arrays["volume"]), dict(final.progress.parameters)


@pytest.mark.parametrize("make", [FbpAlgorithm, partial(SirtAlgorithm, iterations=9)])
def test_a_tilted_axis_reconstructs_as_an_upright_one(make: Any) -> None:
    upright, _ = reconstructed(tilted(0.0), make)
    crooked, _ = reconstructed(tilted(), make)
    found, parameters = reconstructed(tilted(), make, axis_tilt_deg="auto")
    assert found < 1.15 * upright < 0.08
    assert crooked > 3 * upright
    assert abs(parameters["axis_tilt_deg"] - TILT_DEG) < 0.02
    assert parameters["axis_tilt_source"] == "pair"
    assert abs(parameters["center_px"] - (COLUMNS / 2 + 1.25)) < 0.02


def test_a_given_tilt_needs_no_pair() -> None:
    """The rows that give the center are moved until they share one."""
    alone = tilted(pair=False)
    upright, _ = reconstructed(tilted(0.0))
    found, parameters = reconstructed(alone, axis_tilt_deg=TILT_DEG)
    assert found < 1.15 * upright
    assert parameters["center_source"] == "sinogram"
    assert abs(parameters["center_px"] - (COLUMNS / 2 + 1.25)) < 0.03
    assert parameters["axis_tilt_source"] == "given"
    _, parameters = reconstructed(alone, axis_tilt_deg="auto")
    assert parameters["axis_tilt_deg"] == 0.0
    assert "half a turn apart" in parameters["axis_tilt_note"]


def test_what_is_not_sure_or_does_not_matter_stays() -> None:
    plain = reconstruct_scan(tilted(0.0), FbpAlgorithm()).arrays
    final = reconstruct_scan(tilted(0.0), FbpAlgorithm(axis_tilt_deg="auto"))
    assert "may be none" in final.progress.parameters["axis_tilt_note"]
    assert_same(final.arrays, plain, 0.0)
    clean = tilted(0.1, noise_seed=None)
    _, parameters = reconstructed(clean, axis_tilt_deg="auto")
    assert "move no pixel by 0.25" in parameters["axis_tilt_note"]
    few = make_ball_scan(ANGLES_DEG, rows=9)
    final = reconstruct_scan(few, FbpAlgorithm(axis_tilt_deg="auto"))
    note = final.progress.parameters["axis_tilt_note"]
    assert "9 rows are fewer than the 16" in note


def test_a_tilt_found_late_makes_stale() -> None:
    stored = tilted()
    expected = reconstruct_scan(stored, FbpAlgorithm(axis_tilt_deg="auto")).arrays
    *fields, pair = calibration_batches(stored)
    live = FbpAlgorithm(axis_tilt_deg="auto").start(stored.scan, stored.frame_shape)
    feed(live, fields)
    feed(live, projection_batches(stored, np.arange(40)))
    assert live.progress().parameters["axis_tilt_deg"] == 0.0
    assert live.stale() is None
    feed(live, [pair])
    assert (live.stale() or "").startswith("the tilt of the axis was found: 3")
    live.restart()
    feed(live, projection_batches(stored, np.arange(len(ANGLES_DEG))))
    assert live.stale() is None
    assert_same(live.finish(rereader(stored)), expected)


@pytest.mark.parametrize("stripes", ["mean", "sorting"])
def test_stripes_stay_with_their_pixels(stripes: str) -> None:
    """A fixed pattern is one after straightening as well."""
    stored = tilted(noise_seed=None)
    gains = np.exp(np.random.default_rng(1).normal(0, 0.05, (ROWS, COLUMNS)))
    gains[np.random.default_rng(2).random(gains.shape) > 0.1] = 1.0
    seen = np.round((stored.projections - 100.0) * gains + 100.0).astype(np.uint16)
    striped = dataclasses.replace(stored, projections=seen)
    ringed, _ = reconstructed(striped, axis_tilt_deg=TILT_DEG)
    mended, _ = reconstructed(striped, axis_tilt_deg=TILT_DEG, stripes=stripes)
    assert mended < 0.8 * ringed


@pytest.mark.parametrize("stripes", ["none", "sorting"])
def test_the_stated_memory_is_enough(stripes: str) -> None:
    stored = tilted()
    algorithm = FbpAlgorithm(axis_tilt_deg="auto", stripes=stripes)
    reconstruct_scan(stored, algorithm)
    tracemalloc.start()
    try:
        reconstruct_scan(stored, algorithm)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    arrays = algorithm.memory_bytes(stored.scan, stored.frame_shape) - BASE_BYTES
    assert 0.5 * arrays < peak < arrays


@pytest.mark.parametrize(
    ("tilt_deg", "said"),
    [("slightly", "degrees or 'auto' are expected"), (12, "by 10 degrees at most")],
)
def test_wild_tilts_are_refused(tilt_deg: Any, said: str) -> None:
    with pytest.raises(InputError, match=rf"axis_tilt_deg = .*{said}"):
        FbpAlgorithm(axis_tilt_deg=tilt_deg)


class TestTiltedAxis(AlgorithmContract):
    """The answer depends on the frames, not on when the tilt was found."""

    def make(self, **parameters: Any) -> FbpAlgorithm:
        return FbpAlgorithm(axis_tilt_deg="auto", **parameters)

    def stored(self) -> StoredScan:
        angles_deg = projection_angles_deg(self.n_projections, order="golden")
        return make_ball_scan(angles_deg, rows=40, tilt_deg=TILT_DEG)
