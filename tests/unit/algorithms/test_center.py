"""The rotation center of a reconstruction: found without a pair, set in mid-scan."""

import dataclasses
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from daiss_bluesky.algorithms.fbp import FbpAlgorithm
from daiss_bluesky.algorithms.fbp_reconstruction import FbpReconstruction
from daiss_bluesky.algorithms.sinogram_rows import (
    MAX_PROJECTIONS,
    SinogramRows,
    kept_rows,
    kept_stride,
)
from daiss_bluesky.core.errors import InputError
from daiss_bluesky.core.frames import Batch
from daiss_bluesky.core.geometry import projection_angles_deg
from daiss_bluesky.core.reconstruction import Reconstruction
from daiss_bluesky.core.stored import StoredScan
from daiss_bluesky.core.stored_batches import field_batches
from daiss_bluesky.engine.inline import reconstruct_scan
from daiss_bluesky.testing.algorithm_contract import assert_same
from daiss_bluesky.testing.ball_scan import make_ball_scan
from daiss_bluesky.testing.streaming import (
    begin,
    feed,
    feed_projections,
    rereader,
    split,
    without,
)

CENTER_PX = 17.25
OFF_AXIS_PX = 66.3


def partial_scan(order: Any = "sequential", n: int = 60, **options: Any) -> StoredScan:
    """150 degrees, so that no projection has an opposite one."""
    angles = projection_angles_deg(n, range_deg=150, order=order)
    return make_ball_scan(angles, pair=False, noise_seed=1, **options)


def stream(
    reconstruction: Reconstruction, stored: StoredScan, which: Any, sizes: Any = (7,)
) -> None:
    """Feed projections as an engine does, reading again what is stale."""
    fed: list[int] = []
    for part in split(np.asarray(which), sizes):
        feed_projections(reconstruction, stored, part)
        fed += part.tolist()
        while reconstruction.stale():
            reconstruction.restart()
            feed_projections(reconstruction, stored, np.array(fed))


@pytest.mark.parametrize("order", ["sequential", "golden"])
def test_partial_scans_give_their_center(order: Any) -> None:
    parameters = reconstruct_scan(
        partial_scan(order), FbpAlgorithm()
    ).progress.parameters
    assert parameters["center_source"] == "sinogram"
    assert parameters["center_unsure"] is None
    assert abs(parameters["center_px"] - CENTER_PX) < 0.25
    assert parameters["center_error_px"] < 0.25


def test_a_streamed_scan_ends_with_the_center_of_the_stored_one() -> None:
    stored = partial_scan("golden")
    offline = reconstruct_scan(stored, FbpAlgorithm())
    for order in (np.arange(60), np.random.default_rng(0).permutation(60)):
        live = begin(FbpAlgorithm(), stored)
        stream(live, stored, order, sizes=(5, 11))
        arrays = live.finish(rereader(stored))
        assert live.progress().parameters == offline.progress.parameters
        assert_same(arrays, offline.arrays)


def test_missing_projections_give_the_center_of_those_there_are() -> None:
    stored = partial_scan()
    there = np.delete(np.arange(60), [5, 6, 31, 59])
    expected = reconstruct_scan(without(stored, there), FbpAlgorithm())
    live = begin(FbpAlgorithm(), stored)
    stream(live, stored, there)
    assert_same(live.finish(rereader(stored)), expected.arrays)


def test_without_a_plan_the_end_of_the_scan_decides() -> None:
    stored = partial_scan()
    expected = reconstruct_scan(stored, FbpAlgorithm())
    scan = stored.scan.model_copy(update={"angles_deg": None, "counts": {}})
    unplanned = dataclasses.replace(stored, scan=scan)
    live = begin(FbpAlgorithm(), unplanned)
    stream(live, unplanned, np.arange(60))
    assert live.progress().parameters["center_source"] == "sinogram"
    assert_same(live.finish(rereader(unplanned)), expected.arrays)


def test_a_short_arc_keeps_the_middle_and_says_so() -> None:
    angles = projection_angles_deg(40, range_deg=20)
    stored = make_ball_scan(angles, pair=False, noise_seed=1)
    parameters = reconstruct_scan(stored, FbpAlgorithm()).progress.parameters
    assert parameters["center_source"] == "detector middle"
    assert parameters["center_px"] == 16
    assert parameters["center_unsure"]
    assert parameters["center_error_px"] is None


def test_an_empty_beam_keeps_the_middle_and_says_so() -> None:
    stored = partial_scan()
    rng = np.random.default_rng(0)
    light = stored.flats[0].astype(float)
    empty = rng.poisson(light, stored.projections.shape).astype(np.uint16)
    stored = dataclasses.replace(stored, projections=empty)
    parameters = reconstruct_scan(stored, FbpAlgorithm()).progress.parameters
    assert parameters["center_source"] == "detector middle"
    assert parameters["center_unsure"]


@pytest.mark.parametrize("changed_after", [0, 20, 45])
def test_a_center_set_in_mid_scan_is_as_good_as_one_set_before(
    changed_after: int,
) -> None:
    stored = make_ball_scan(projection_angles_deg(60), noise_seed=2)
    expected = reconstruct_scan(stored, FbpAlgorithm(center_px=15.5))
    live = begin(FbpAlgorithm(), stored)
    stream(live, stored, np.arange(changed_after))
    live.set_center(15.5)
    if changed_after:
        assert "center was set: 15.50 px" in (live.stale() or "")
        live.restart()
        feed_projections(live, stored, np.arange(changed_after))
    stream(live, stored, np.arange(changed_after, 60))
    progress = live.progress()
    assert (progress.frames_used, progress.frames_missing) == (60, 0)
    assert progress.parameters["center_source"] == "set"
    assert_same(live.finish(rereader(stored)), expected.arrays)


def test_a_center_set_at_the_last_moment_is_used_by_the_finish() -> None:
    stored = make_ball_scan(projection_angles_deg(40))
    expected = reconstruct_scan(stored, FbpAlgorithm(center_px=15.5))
    live = begin(FbpAlgorithm(), stored)
    stream(live, stored, np.arange(40))
    live.set_center(15.5)
    assert_same(live.finish(rereader(stored)), expected.arrays)
    with pytest.raises(InputError, match="finished"):
        live.set_center(16.0)


def test_a_center_can_be_left_to_be_found_again() -> None:
    stored = make_ball_scan(projection_angles_deg(40))
    expected = reconstruct_scan(stored, FbpAlgorithm())
    live = begin(FbpAlgorithm(center_px=12.0), stored)
    stream(live, stored, np.arange(30))
    live.set_center(None)
    assert "center was found" in (live.stale() or "")
    live.restart()
    stream(live, stored, np.arange(40))
    assert_same(live.finish(rereader(stored)), expected.arrays)


def test_a_fan_of_candidates_while_scanning() -> None:
    stored = make_ball_scan(projection_angles_deg(90, order="golden"), noise_seed=2)
    live = begin(FbpAlgorithm(center_px=12.0), stored)
    assert isinstance(live, FbpReconstruction)
    with pytest.raises(InputError, match="no projection"):
        live.center_fan(np.arange(10.0, 22.0))
    stream(live, stored, np.arange(40))
    before = live.views()["slice_xy"]
    row, fan = live.center_fan(CENTER_PX + np.arange(-4, 5), row=7)
    assert abs(row - 7) <= 1
    assert fan.unsure is None
    assert abs(fan.best_px - CENTER_PX) < 0.3
    np.testing.assert_array_equal(live.views()["slice_xy"], before)


@pytest.mark.parametrize("center_px", [-1.0, 0.0, 32.0, 400.0, np.nan])
def test_a_center_off_the_detector_is_refused(center_px: float) -> None:
    stored = make_ball_scan(projection_angles_deg(40))
    live = begin(FbpAlgorithm(), stored)
    with pytest.raises(InputError, match=r"outside of the detector.*32 columns"):
        live.set_center(center_px)
    if np.isfinite(center_px):
        algorithm = FbpAlgorithm(center_px=center_px)
        with pytest.raises(InputError, match=r"center_px = .*32 columns"):
            algorithm.start(stored.scan, stored.frame_shape)


TWO_RODS = [(0.0, 40.0, 16.0), (6.0, 33.0, 5.0)]
"""x, y, radius: 40 columns off the axis, along the first beam."""


def wide_scan(
    angles_deg: NDArray[np.float64], rods: Any = tuple(TWO_RODS)
) -> StoredScan:
    """Rods of 0.03 a column, thinner where they are many or thick."""
    angles = np.deg2rad(angles_deg)[:, None, None]
    columns = np.arange(128) + 0.5
    t = np.zeros((len(angles_deg), 8, 128))
    for x, y, radius in rods:
        away = columns - OFF_AXIS_PX - x * np.cos(angles) - y * np.sin(angles)
        t += 0.03 * np.sqrt(np.maximum(radius**2 - away**2, 0))
    t *= min(1.0, 1.5 / t.max())
    small = make_ball_scan(angles_deg, rows=8, columns=128, pair=False)
    flat = np.full((1, 8, 128), 40_000, np.uint16)
    return dataclasses.replace(
        small,
        scan=small.scan.model_copy(update={"center_px": None}),
        projections=np.round(40_000 * np.exp(-t)).astype(np.uint16),
        flats=flat,
        flat_times_s=np.zeros(1),
        darks=0 * flat,
        dark_times_s=np.zeros(1),
    )


@pytest.mark.parametrize("in_order", [True, False])
def test_a_pair_that_lacks_a_little_to_half_a_turn_is_no_bias(in_order: bool) -> None:
    """Within half a degree a sample 40 columns off the axis moves by 0.3 columns."""
    angles = projection_angles_deg(400)
    stored = wide_scan(angles)
    whole = reconstruct_scan(stored, FbpAlgorithm()).progress.parameters
    assert whole["center_source"] == "pair"
    assert abs(whole["center_px"] - OFF_AXIS_PX) < 0.03
    assert whole["center_error_px"] < 0.05
    live = FbpAlgorithm().start(stored.scan, stored.frame_shape)
    feed(live, field_batches(stored))
    order = np.arange(400)
    if not in_order:
        np.random.default_rng(2).shuffle(order)
    stream(live, stored, order, (100,))
    live.finish(rereader(stored))
    found = live.progress().parameters
    assert found["center_source"] == "projections"
    assert found["center_px"] == pytest.approx(whole["center_px"], abs=1e-9)


def test_a_pair_alone_that_lacks_a_little_admits_an_error() -> None:
    stored = wide_scan(np.array([0.0, 60, 120, 179.55]))
    found = reconstruct_scan(stored, FbpAlgorithm()).progress.parameters
    off = abs(found["center_px"] - OFF_AXIS_PX)
    assert 0.1 < off < 2 * found["center_error_px"]


@pytest.mark.parametrize("end", [180, 360])
@pytest.mark.parametrize("sample", ["lattice", "smooth"])
def test_a_sample_that_matches_anywhere_gives_no_sure_center(
    sample: str, end: int
) -> None:
    """Opposite frames of a lattice match a period off, smooth ones anywhere."""
    angles = np.linspace(0, end, end + 1)
    grid = np.arange(-130.0, 131, 10)
    lattice = [(x, y, 2.5) for x in grid for y in grid]
    stored = wide_scan(angles, lattice if sample == "lattice" else [(0, 0, 300)])
    noise = np.random.default_rng(3)
    noisy = noise.poisson(stored.projections).astype(np.uint16)
    stored = dataclasses.replace(stored, projections=noisy)
    found = reconstruct_scan(stored, FbpAlgorithm()).progress.parameters
    off = abs(found["center_px"] - OFF_AXIS_PX)
    assert found["center_unsure"] or off < 0.1


def test_kept_rows_are_bounded_and_do_not_depend_on_order() -> None:
    rng = np.random.default_rng(0)
    frames = rng.integers(0, 9, (1000, 40, 8)).astype(np.uint16)
    angles = np.linspace(0, 3, 1000)

    def keep(order: Any) -> SinogramRows:
        rows = SinogramRows(40)
        for part in split(order, (17,)):
            times = np.zeros(len(part))
            rows.add(Batch("projection", "p", part, angles[part], times, frames[part]))
        return rows

    first, second = keep(np.arange(1000)), keep(rng.permutation(1000))
    assert MAX_PROJECTIONS / 2 < len(first) <= MAX_PROJECTIONS
    assert set(first._kept) == set(second._kept)
    assert set(first._kept) == set(range(0, 1000, kept_stride(1000)))
    assert all(rows.shape == (12, 8) for _, rows in first._kept.values())


@pytest.mark.parametrize("cut", [slice(0, 60), slice(36, 96)])
def test_an_axis_near_the_edge_is_found_in_a_full_turn(cut: slice) -> None:
    angles = projection_angles_deg(120, range_deg=360)
    stored = make_ball_scan(angles, columns=96, center_px=48.4, pair=False)
    half = dataclasses.replace(
        stored,
        projections=stored.projections[:, :, cut],
        flats=stored.flats[:, :, cut],
        darks=stored.darks[:, :, cut],
    )
    parameters = reconstruct_scan(half, FbpAlgorithm()).progress.parameters
    assert abs(parameters["center_px"] - (48.4 - cut.start)) < 0.25
    assert parameters["center_unsure"] is None


def test_kept_rows_lie_in_triples_over_the_detector() -> None:
    np.testing.assert_array_equal(kept_rows(5), np.arange(5))
    rows = kept_rows(100)
    np.testing.assert_array_equal(rows.reshape(4, 3)[:, 1], [12, 37, 62, 87])
    assert kept_rows(13).max() < 13
