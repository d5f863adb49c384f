"""A detector that sees half of the sample at a time reconstructs all of it."""

import dataclasses
import tracemalloc
from functools import partial
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from daiss_bluesky.algorithms.backends.registry import BACKENDS
from daiss_bluesky.algorithms.fbp import BASE_BYTES, FbpAlgorithm
from daiss_bluesky.algorithms.fbp_parameters import FbpParameters
from daiss_bluesky.algorithms.iterative import SirtAlgorithm, TvAlgorithm
from daiss_bluesky.algorithms.peer import PeerAlgorithm
from daiss_bluesky.algorithms.preprocessing import MeanProjection
from daiss_bluesky.core.errors import InputError
from daiss_bluesky.core.scan import Scan
from daiss_bluesky.core.stored import StoredScan
from daiss_bluesky.engine.inline import (
    calibration_batches,
    projection_batches,
    reconstruct_scan,
)
from daiss_bluesky.kernels.ellipsoids import voxelize
from daiss_bluesky.testing.algorithm_contract import assert_same
from daiss_bluesky.testing.ball_scan import BALLS
from daiss_bluesky.testing.streaming import feed, rereader
from tests.unit.kernels.center_scans import even_angles, phantom, sinogram

FULL, N, ROWS = 128, 240, 4
CENTER_PX = 64.0
KEPT = 90


def stored(p: NDArray[np.float32], angles: NDArray[np.float64]) -> StoredScan:
    counts = np.rint(500 + 50_000 * np.exp(-p)).astype(np.uint16)
    one = np.ones((3, *p.shape[1:]), np.uint16)
    scan = Scan(run_uid="half", angles_deg=np.rad2deg(angles).tolist())
    return StoredScan(
        scan=scan,
        projections=counts,
        projection_indices=np.arange(len(p)),
        angles_rad=angles,
        times_s=np.arange(len(p), dtype=float),
        flats=one * np.uint16(50_500),
        flat_times_s=np.zeros(3),
        darks=one * np.uint16(500),
        dark_times_s=np.zeros(3),
    )


def error(volume: Any, truth: Any) -> float:
    n = truth.shape[-1]
    away = np.arange(n) - (n - 1) / 2
    inside = np.hypot(away[:, None], away) <= 0.95 * n / 2
    difference = (volume - truth)[:, inside]
    return float(np.sqrt(np.mean(difference**2) / np.mean(truth[:, inside] ** 2)))


@pytest.mark.parametrize("method", ["gridding", "backprojection"])
def test_half_of_the_sample_at_a_time_gives_all_of_it(method: str) -> None:
    angles = even_angles(N, 360)
    whole = sinogram(phantom("balls"), FULL, CENTER_PX, angles, rows=ROWS)
    algorithm = FbpAlgorithm(
        half_acquisition=True, center_px=CENTER_PX, method=method, zingers=False
    )
    final = reconstruct_scan(stored(whole[:, :, :KEPT], angles), algorithm)
    volume = final.arrays["volume"]
    assert volume.shape == (ROWS, FULL, FULL)
    ordinary = FbpAlgorithm(center_px=CENTER_PX, method=method, zingers=False)
    # Beyond the overlap each point is seen from half of the angles.
    half_turn = even_angles(N // 2, 180)
    wide = sinogram(phantom("balls"), FULL, CENTER_PX, half_turn, rows=ROWS)
    full = reconstruct_scan(stored(wide, half_turn), ordinary).arrays["volume"]
    truth = voxelize(BALLS, (ROWS, FULL, FULL)) * np.float32(2 / FULL)
    gain = np.sum(full * truth) / np.sum(truth * truth)
    assert error(volume, truth * gain) < 1.1 * error(full, truth * gain) < 0.2
    assert final.views["slice_xz"].shape == (ROWS, FULL)


def scan_of(side: str = "left", n: int = N, *, striped: bool = False) -> StoredScan:
    angles = even_angles(n, 360)
    whole = sinogram(phantom("balls"), FULL, CENTER_PX, angles, rows=ROWS)
    p = whole[:, :, :KEPT] if side == "left" else whole[:, :, FULL - KEPT :]
    if striped:
        gains = np.random.default_rng(1).normal(0, 0.1, (ROWS, KEPT))
        gains[np.random.default_rng(2).random(gains.shape) > 0.12] = 0.0
        p = np.maximum(p + gains, 0).astype(np.float32)
    return stored(p, angles)


def truth_of(volume: NDArray[np.float32]) -> NDArray[np.float32]:
    n = volume.shape[-1]
    wider = BALLS * np.array([FULL / n] * 2 + [1] + [FULL / n] * 2 + [1, 1, 1])
    return voxelize(wider, (ROWS, n, n)) * np.float32(2 / FULL)


@pytest.mark.parametrize("side", ["left", "right"])
@pytest.mark.parametrize("n", [N, N + 1])
@pytest.mark.parametrize(
    "make",
    [FbpAlgorithm, *(partial(a, iterations=9) for a in (SirtAlgorithm, TvAlgorithm))],
)
def test_the_center_is_found(side: str, n: int, make: Any) -> None:
    """Nearly the middle of a wide detector, so that the truth is on the same pixels."""
    algorithm = make(half_acquisition=True, zingers=False)
    final = reconstruct_scan(scan_of(side, n), algorithm)
    parameters = final.progress.parameters
    expected_px = CENTER_PX - (0 if side == "left" else FULL - KEPT)
    assert abs(parameters["center_px"] - expected_px) < 0.02
    assert parameters["center_source"] == "sinogram"
    assert parameters["center_unsure"] is None
    volume = final.arrays["volume"]
    assert FULL <= volume.shape[-1] <= FULL + 1
    # Half a pixel between middle and axis is what the live sum may leave.
    assert error(volume, truth_of(volume)) < 0.2


@pytest.mark.parametrize("backend", ["astra:fbp", "algotom:fbp"])
def test_other_programs_get_joined_projections(backend: str) -> None:
    if not BACKENDS[backend].is_importable:
        pytest.skip(f"{backend} is not installed")
    algorithm = PeerAlgorithm(backend, half_acquisition=True, zingers=False)
    volume = reconstruct_scan(scan_of("right", N + 1), algorithm).arrays["volume"]
    assert error(volume, truth_of(volume)) < 0.12


@pytest.mark.parametrize("stripes", ["mean", "sorting", "combined"])
@pytest.mark.parametrize("make", [FbpAlgorithm, partial(SirtAlgorithm, iterations=9)])
def test_rings_go(stripes: str, make: Any) -> None:
    make = partial(make, half_acquisition=True, center_px=CENTER_PX, zingers=False)
    clean = reconstruct_scan(scan_of(), make()).arrays["volume"]
    striped = scan_of(striped=True)
    ringed = reconstruct_scan(striped, make()).arrays["volume"]
    final = reconstruct_scan(striped, make(stripes=stripes))
    assert final.progress.parameters["stripes_in_views"] == stripes
    assert error(final.arrays["volume"], clean) < 0.8 * error(ringed, clean)


def test_the_mean_is_taken_off_as_from_every_projection() -> None:
    striped = scan_of(striped=True)
    # Backprojection interpolates between columns, as the rings taken off do.
    make = partial(
        FbpAlgorithm,
        half_acquisition=True,
        center_px=CENTER_PX,
        method="backprojection",
        zingers=False,
    )
    mended = reconstruct_scan(striped, make(stripes="mean"))
    ringed = reconstruct_scan(striped, make()).arrays["volume"]
    stripes = MeanProjection((ROWS, KEPT))
    flats = np.float32(50_000)
    p = -np.log((striped.projections - np.float32(500)) / flats).astype(np.float32)
    stripes.add(p, np.ones(N))
    image = stripes.stripes(FbpParameters(stripes="mean").mean_window_px(KEPT))
    alone = np.rint(500 + 50_000 * np.exp(-(p - image))).astype(np.uint16)
    expected = reconstruct_scan(
        dataclasses.replace(striped, projections=alone), make()
    ).arrays["volume"]
    taken = error(mended.arrays["volume"], ringed)
    assert error(mended.arrays["volume"], expected) < 0.15 * taken
    slices = mended.views
    np.testing.assert_array_equal(slices["slice_xy"], mended.arrays["volume"][2])


def test_live_begins_when_the_center_is_found() -> None:
    scan = scan_of()
    algorithm = FbpAlgorithm(half_acquisition=True)
    expected = reconstruct_scan(scan, algorithm).arrays
    live = algorithm.start(scan.scan, scan.frame_shape)
    feed(live, calibration_batches(scan))
    everything = np.arange(N)
    feed(live, projection_batches(scan, everything[:130]))
    assert live.views() == {}
    assert live.stale() is None
    unsure = live.progress().parameters["center_unsure"]
    assert "beyond half a turn" in unsure
    assert live.progress().frames_received == 130
    feed(live, projection_batches(scan, everything[130:180]))
    assert "center" in (live.stale() or "")
    live.restart()
    feed(live, projection_batches(scan, everything[:180]))
    assert live.stale() is None
    assert live.views()["slice_xy"].shape[0] >= FULL
    parameters = live.progress().parameters
    assert parameters["center_unsure"] is None
    assert abs(parameters["center_px"] - CENTER_PX) < 0.1
    feed(live, projection_batches(scan, everything[180:]))
    assert_same(live.finish(rereader(scan)), expected)


def test_a_center_can_be_given_while_it_is_looked_for() -> None:
    scan = scan_of()
    make = partial(FbpAlgorithm, half_acquisition=True)
    expected = reconstruct_scan(scan, make(center_px=63.5)).arrays
    live = make().start(scan.scan, scan.frame_shape)
    feed(live, calibration_batches(scan))
    feed(live, projection_batches(scan, np.arange(40)))
    live.set_center(63.5)
    assert live.stale()
    live.restart()
    feed(live, projection_batches(scan, np.arange(N)))
    assert live.views()["slice_xy"].shape == (127, 127)
    live.set_center(60.0)
    live.restart()
    feed(live, projection_batches(scan, np.arange(N)))
    live.set_center(63.5)
    assert_same(live.finish(rereader(scan)), expected)
    given = make(center_px=63.5).start(scan.scan, scan.frame_shape)
    given.set_center(64.5)
    with pytest.raises(InputError, match=r"80 px makes slices of 160 columns.*143"):
        given.set_center(80.0)


@pytest.mark.parametrize("algorithm", ["fbp", "sirt"])
@pytest.mark.parametrize("stripes", ["none", "mean", "sorting"])
def test_the_stated_memory_is_enough(algorithm: str, stripes: str) -> None:
    scan = scan_of()
    make = FbpAlgorithm if algorithm == "fbp" else partial(SirtAlgorithm, iterations=1)
    made = make(half_acquisition=True, center_px=CENTER_PX, stripes=stripes)
    reconstruct_scan(scan, made)
    tracemalloc.start()
    try:
        reconstruct_scan(scan, made)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    arrays = made.memory_bytes(scan.scan, scan.frame_shape) - BASE_BYTES
    assert peak < arrays
    found = make(half_acquisition=True, stripes=stripes)
    assert found.memory_bytes(scan.scan, scan.frame_shape) > arrays + BASE_BYTES


def test_what_it_needs_is_said() -> None:
    angles = even_angles(N, 360)
    p = np.full((N, ROWS, KEPT), 0.1, np.float32)
    with pytest.raises(InputError, match=r"is not sure \(.*give center_px"):
        reconstruct_scan(stored(p, angles), FbpAlgorithm(half_acquisition=True))
    half = FbpAlgorithm(half_acquisition=True, center_px=CENTER_PX)
    with pytest.raises(InputError, match="full 360 degrees"):
        reconstruct_scan(stored(p, even_angles(N, 180)), half)
