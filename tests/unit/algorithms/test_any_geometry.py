"""Whatever the size, the axis and the angles: the answer is that of the frames."""

from dataclasses import replace
from functools import partial
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from daiss_bluesky.algorithms.accumulation import METHODS, Method
from daiss_bluesky.algorithms.fbp import FbpAlgorithm
from daiss_bluesky.core.geometry import projection_angles_deg
from daiss_bluesky.core.stored import StoredScan
from daiss_bluesky.engine.inline import (
    calibration_batches,
    projection_batches,
    reconstruct_scan,
)
from daiss_bluesky.engine.slab_scan import rows_of
from daiss_bluesky.testing.algorithm_contract import assert_same
from daiss_bluesky.testing.ball_scan import ball_truth, make_ball_scan
from daiss_bluesky.testing.streaming import feed, rereader, split

ONE_SLICE = 1e-6
"""RMS over RMS: two slices of a grid share a complex number, and its rounding."""

ANGLES_DEG = {
    "even": projection_angles_deg(40),
    "turn": projection_angles_deg(40, range_deg=360.0),
    "both ends of a turn": np.linspace(0.0, 360.0, 41),
    "wedge": np.arange(0.0, 120.0, 3.0),
    "golden": projection_angles_deg(41, order="golden"),
    "irregular": np.random.default_rng(0).uniform(-30, 200, 33),
    "two": np.array([0.0, 90.0]),
    "one half": np.array([0.0, 180.0]),
}


def streamed(stored: StoredScan, algorithm: FbpAlgorithm, seed: int) -> Any:
    """Feed frames in any order, start over where that is asked for, and finish."""
    live = algorithm.start(stored.scan, stored.frame_shape)
    feed(live, calibration_batches(stored))
    order = np.random.default_rng(seed).permutation(len(stored.angles_rad))
    for part in split(order, [1, 7, 3]):
        feed(live, projection_batches(stored, part))
        if live.stale():
            live.restart()
            feed(live, projection_batches(stored, order))
        live.views()
    return live.finish(rereader(stored))


@settings(
    max_examples=25,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow],
    derandomize=True,
)
@given(
    rows=st.sampled_from([1, 2, 7, 33]),
    columns=st.sampled_from([1, 2, 5, 31, 64, 97]),
    off=st.floats(-0.3, 0.3),
    angles=st.sampled_from(sorted(ANGLES_DEG)),
    method=st.sampled_from(METHODS),
    pair=st.booleans(),
    seed=st.integers(0, 99),
)
def test_live_equals_batch_and_one_slice_any_other(
    rows: int,
    columns: int,
    off: float,
    angles: str,
    method: Method,
    pair: bool,
    seed: int,
) -> None:
    stored = make_ball_scan(
        ANGLES_DEG[angles],
        rows=rows,
        columns=columns,
        center_px=columns * (0.5 + off),
        pair=pair,
    )
    # Dead pixels and zingers are judged by their neighbors in other rows.
    make = partial(FbpAlgorithm, method=method, zingers=False, dead_pixels=False)
    whole = reconstruct_scan(stored, make())
    assert_same(streamed(stored, make(), seed), whole.arrays)
    volume = whole.arrays["volume"]
    assert volume.shape == (rows, columns, columns)
    algorithm = make(center_px=whole.progress.parameters["center_px"])
    row = seed % rows
    alone = reconstruct_scan(rows_of(stored, row, row + 1), algorithm)
    away = alone.arrays["volume"][0] - volume[row]
    assert np.sqrt(np.mean(away**2)) <= ONE_SLICE * np.sqrt(np.mean(volume**2))


def error(volume: NDArray[np.float32]) -> float:
    truth = ball_truth(*volume.shape[:2])
    n = volume.shape[-1]
    offset = np.arange(n) - (n - 1) / 2
    inside = np.hypot(offset[:, None], offset) <= 0.95 * n / 2
    away = (volume - truth)[:, inside]
    return float(np.sqrt(np.mean(away**2) / np.mean(truth[:, inside] ** 2)))


@pytest.mark.parametrize("order", ["sequential", "golden"])
def test_odd_sizes_are_as_right_as_any(order: Any) -> None:
    angles_deg = projection_angles_deg(151, order=order)
    angles_deg = angles_deg + np.random.default_rng(0).normal(0, 0.1, 151)
    for rows, columns in ((7, 97), (1, 97), (7, 96)):
        stored = make_ball_scan(angles_deg, rows=rows, columns=columns)
        assert error(reconstruct_scan(stored, FbpAlgorithm()).arrays["volume"]) < 0.06


@pytest.mark.parametrize(
    "angles_deg",
    [
        pytest.param(np.linspace(0.0, 360.0, 301), id="both ends of a turn"),
        pytest.param(np.repeat(projection_angles_deg(151), 3), id="three of each"),
        pytest.param(np.r_[0:90:0.6, 90:180:2.0], id="coarser part"),
        pytest.param(np.random.default_rng(0).uniform(0, 180, 400), id="random"),
    ],
)
@pytest.mark.parametrize("method", METHODS)
def test_uneven_and_repeated_angles_are_as_right_as_any(
    angles_deg: NDArray[np.float64], method: Method
) -> None:
    stored = make_ball_scan(angles_deg, rows=3, columns=97)
    algorithm = FbpAlgorithm(method=method, center_px=stored.scan.center_px)
    assert error(reconstruct_scan(stored, algorithm).arrays["volume"]) < 0.07


@pytest.mark.parametrize("order", ["sequential", "golden", "interlaced"])
@pytest.mark.parametrize("method", METHODS)
def test_a_half_acquisition_in_any_order(order: Any, method: Method) -> None:
    """An axis 23 % off the middle of 47 columns that see 64."""
    angles_deg = projection_angles_deg(131, range_deg=360.0, order=order)
    wide = make_ball_scan(angles_deg, rows=7, columns=64, center_px=34.25, pair=False)
    stored = cut(wide, 47)
    algorithm = FbpAlgorithm(half_acquisition=True, method=method)
    whole = reconstruct_scan(stored, algorithm)
    assert abs(whole.progress.parameters["center_px"] - 34.25) < 0.1
    assert_same(streamed(stored, algorithm, 5), whole.arrays)


def cut(stored: StoredScan, columns: int) -> StoredScan:
    return replace(
        stored,
        projections=stored.projections[:, :, :columns],
        flats=stored.flats[:, :, :columns],
        darks=stored.darks[:, :, :columns],
    )
