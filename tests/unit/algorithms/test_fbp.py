import dataclasses
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from daiss_bluesky.algorithms.accumulation import METHODS, Method
from daiss_bluesky.algorithms.fbp import FbpAlgorithm
from daiss_bluesky.core.errors import InputError
from daiss_bluesky.core.frames import Batch
from daiss_bluesky.core.geometry import ORDERS, angle_weights, projection_angles_deg
from daiss_bluesky.core.registry import ALGORITHMS, find
from daiss_bluesky.core.scan import Scan
from daiss_bluesky.engine.inline import (
    calibration_batches,
    projection_batches,
    reconstruct_scan,
)
from daiss_bluesky.kernels import reference
from daiss_bluesky.kernels.lane_fft import fast_length
from daiss_bluesky.testing.algorithm_contract import assert_same
from daiss_bluesky.testing.ball_scan import (
    DARK_COUNTS,
    ball_truth,
    make_ball_scan,
    true_transmission,
)
from daiss_bluesky.testing.measures import memory_share, relative_error
from daiss_bluesky.testing.streaming import (
    begin,
    feed,
    feed_projections,
    gone,
    rereader,
    split,
    without,
)

EVEN = projection_angles_deg(90)


def test_entry_point_names_it() -> None:
    assert find(ALGORITHMS, "fbp") is FbpAlgorithm


def test_volume_is_the_truth_and_equals_the_reference() -> None:
    stored = make_ball_scan(EVEN, rows=19, columns=65, center_px=33.7)
    plain = FbpAlgorithm(zingers=False, method="backprojection")
    final = reconstruct_scan(stored, plain)
    volume = final.arrays["volume"]
    truth = ball_truth(19, 65)
    assert final.status == "complete"
    assert final.progress.parameters["center_source"] == "pair"
    center_px = final.progress.parameters["center_px"]
    assert abs(center_px - 33.7) < 0.05
    t = true_transmission(stored)
    weights = np.full(90, np.pi / 90)
    expected = reference.reconstruct(-np.log(t), stored.angles_rad, weights, center_px)
    assert np.abs(volume - expected).max() < 1e-5 * np.abs(expected).max()
    assert relative_error(volume, truth) < 1.01 * relative_error(expected, truth) < 0.15
    inside = ball_truth(19, 65) > 0
    assert abs(np.sum(volume[inside]) / np.sum(truth[inside]) - 1) < 0.02
    gridded = reconstruct_scan(stored, FbpAlgorithm(zingers=False, method="gridding"))
    found = gridded.arrays["volume"]
    exact = reference.interpolate_exactly(
        -np.log(t), stored.angles_rad, weights, center_px, length=fast_length(130)
    )
    assert np.abs(found - exact).max() < 1e-3 * np.abs(exact).max()
    assert relative_error(found, truth) < relative_error(expected, truth)


def test_noisy_scan_is_as_good_as_the_float64_reference() -> None:
    angles_deg = projection_angles_deg(120, order="golden")
    stored = make_ball_scan(angles_deg, rows=24, columns=48, noise_seed=3)
    final = reconstruct_scan(stored, FbpAlgorithm())
    center_px = 48 / 2 + 1.25
    assert abs(final.progress.parameters["center_px"] - center_px) < 0.05
    t = true_transmission(stored)
    weights = angle_weights(stored.angles_rad)
    expected = reference.reconstruct(-np.log(t), stored.angles_rad, weights, center_px)
    truth = ball_truth(24, 48)
    error = relative_error(expected, truth)
    assert relative_error(final.arrays["volume"], truth) < 1.02 * error < 0.2


@settings(
    max_examples=15,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow],
    derandomize=True,
)
@given(data=st.data())
def test_any_history_gives_the_answer_of_the_frames_there_are(
    data: st.DataObject,
) -> None:
    n = 24
    order = data.draw(st.sampled_from(ORDERS))
    stored = make_ball_scan(projection_angles_deg(n, order=order), rows=4, columns=20)
    shuffled = data.draw(st.permutations(range(n)))
    arrived = np.array(shuffled[: data.draw(st.integers(2, n))])
    repeats = np.array(data.draw(st.lists(st.sampled_from(list(arrived)), max_size=5)))
    sizes = data.draw(st.lists(st.integers(1, 9), min_size=1, max_size=4))
    calibration_at = data.draw(st.integers(0, len(arrived)))
    reconstruction = FbpAlgorithm().start(stored.scan, stored.frame_shape)
    history = np.concatenate([arrived, repeats]).astype(int)
    for i, part in enumerate(split(history, sizes)):
        if i == calibration_at:
            feed(reconstruction, calibration_batches(stored))
        feed_projections(reconstruction, stored, part)
    feed(reconstruction, calibration_batches(stored))
    if reconstruction.stale():
        reconstruction.restart()
        feed_projections(reconstruction, stored, arrived)
    expected = reconstruct_scan(without(stored, np.sort(arrived)), FbpAlgorithm())
    assert_same(reconstruction.finish(rereader(stored)), expected.arrays)
    assert reconstruction.progress().frames_used == len(arrived)


def test_views_are_scaled_like_the_volume_at_any_moment() -> None:
    stored = make_ball_scan(projection_angles_deg(90, order="golden"), rows=5)
    reconstruction = begin(FbpAlgorithm(), stored)
    means = []
    for part in split(np.arange(90), [30]):
        feed_projections(reconstruction, stored, part)
        means.append(float(reconstruction.views()["slice_xy"].sum()))
    volume = reconstruction.finish(rereader(stored))["volume"]
    views = reconstruction.views()
    np.testing.assert_allclose(means, np.sum(volume[2]), rtol=0.02)
    np.testing.assert_array_equal(views["slice_xy"], volume[2])
    np.testing.assert_array_equal(views["slice_xz"], volume[:, 16])
    np.testing.assert_array_equal(views["slice_yz"], volume[:, :, 16])


def test_without_a_pair_opposite_projections_give_the_center() -> None:
    stored = make_ball_scan(np.arange(0.0, 181.0, 4.0), pair=False)
    offline = reconstruct_scan(stored, FbpAlgorithm())
    assert offline.progress.parameters["center_source"] == "pair"
    reconstruction = FbpAlgorithm().start(stored.scan, stored.frame_shape)
    darks, flats, _ = calibration_batches(stored)
    feed(reconstruction, [darks, flats])
    everything = np.arange(len(stored.angles_rad))
    feed_projections(reconstruction, stored, everything[:32])
    parameters = reconstruction.progress().parameters
    assert parameters["center_source"] == "detector middle"
    assert "cover" in parameters["center_unsure"]
    assert reconstruction.stale() is None
    feed_projections(reconstruction, stored, everything[32:-1])
    assert "center" in (reconstruction.stale() or "")
    reconstruction.restart()
    feed_projections(reconstruction, stored, everything[:-1])
    parameters = reconstruction.progress().parameters
    assert parameters["center_source"] == "sinogram"
    assert abs(parameters["center_px"] - 17.25) < 0.1
    assert reconstruction.stale() is None
    feed_projections(reconstruction, stored, everything[-1:])
    assert "center" in (reconstruction.stale() or "")
    reconstruction.restart()
    feed_projections(reconstruction, stored, everything)
    assert reconstruction.stale() is None
    assert reconstruction.progress().parameters["center_source"] == "projections"
    assert_same(reconstruction.finish(rereader(stored)), offline.arrays)


def test_a_pair_that_does_not_match_is_not_believed(
    caplog: pytest.LogCaptureFixture,
) -> None:
    stored = make_ball_scan(EVEN)
    noise = np.random.default_rng(0).integers(20_000, 40_000, (2, 18, 32))
    stored = dataclasses.replace(stored, pair=noise.astype(np.uint16))
    parameters = reconstruct_scan(stored, FbpAlgorithm()).progress.parameters
    assert parameters["center_source"] == "sinogram"
    assert abs(parameters["center_px"] - 17.25) < 0.1
    assert parameters["center_error_px"] < 0.25
    assert parameters["center_unsure"] is None
    assert parameters["center_correlation"] < 0.5
    assert "do not match" in caplog.text


def test_a_given_center_is_used() -> None:
    stored = make_ball_scan(EVEN)
    algorithm = FbpAlgorithm(center_px=15.25)
    parameters = reconstruct_scan(stored, algorithm).progress.parameters
    assert (parameters["center_px"], parameters["center_source"]) == (15.25, "given")
    of_scan = stored.scan.model_copy(update={"center_px": 14.5})
    stored = dataclasses.replace(stored, scan=of_scan)
    assert reconstruct_scan(stored, FbpAlgorithm()).progress.parameters[
        "center_px"
    ] == pytest.approx(14.5)


def test_flats_after_the_scan_make_stale() -> None:
    stored = make_ball_scan(EVEN)
    expected = reconstruct_scan(stored, FbpAlgorithm())
    darks, flats, pair = calibration_batches(stored)
    reconstruction = FbpAlgorithm().start(stored.scan, stored.frame_shape)
    feed(reconstruction, [darks, flats.select(np.arange(3)), pair])
    feed_projections(reconstruction, stored)
    assert reconstruction.stale() is None
    feed(reconstruction, [flats.select(np.arange(3, 6))])
    assert "flats" in (reconstruction.stale() or "")
    assert_same(reconstruction.finish(rereader(stored)), expected.arrays)


def test_weights_stay_as_guessed_when_frames_cannot_be_read_again() -> None:
    stored = make_ball_scan(projection_angles_deg(40, order="golden"))
    reconstruction = begin(FbpAlgorithm(), stored)
    feed_projections(reconstruction, stored, np.arange(25))

    volume = reconstruction.finish(gone)["volume"]
    truth = ball_truth(18, 32)
    assert np.isfinite(volume).all()
    assert relative_error(volume, truth) < 0.5


def _flat_batch(pixels: Any) -> Batch:
    n = len(pixels)
    nothing = np.full(n, np.nan)
    return Batch("flat", "flat", np.arange(n), nothing, np.zeros(n), pixels)


def test_saturated_flats_are_refused() -> None:
    reconstruction = FbpAlgorithm().start(Scan(run_uid="x"), (4, 8))
    with pytest.raises(InputError, match=r"saturated.*65535"):
        reconstruction.add(_flat_batch(np.full((1, 4, 8), 65535, np.uint16)))


def test_flats_darker_than_darks_are_refused_with_figures() -> None:
    stored = make_ball_scan(EVEN)
    swapped = dataclasses.replace(
        stored,
        flats=stored.darks,
        flat_times_s=stored.dark_times_s,
        darks=stored.flats,
        dark_times_s=stored.flat_times_s,
    )
    with pytest.raises(InputError, match=r"100.*not brighter.*dark"):
        reconstruct_scan(swapped, FbpAlgorithm())


def test_missing_darks_need_a_dark_level() -> None:
    stored = make_ball_scan(EVEN)
    none = dataclasses.replace(
        stored, darks=stored.darks[:0], dark_times_s=stored.dark_times_s[:0]
    )
    with pytest.raises(InputError, match=r"no dark field.*dark_level"):
        reconstruct_scan(none, FbpAlgorithm())
    final = reconstruct_scan(none, FbpAlgorithm(dark_level=100))
    assert_same(final.arrays, reconstruct_scan(stored, FbpAlgorithm()).arrays)


def test_a_projection_without_angle_counts_as_missing() -> None:
    stored = make_ball_scan(EVEN)
    batch = next(projection_batches(stored, np.arange(3)))
    angles = batch.angles_rad.copy()
    angles[1] = np.nan
    reconstruction = begin(FbpAlgorithm(), stored)
    reconstruction.add(dataclasses.replace(batch, angles_rad=angles))
    progress = reconstruction.progress()
    assert progress.frames_received == 2
    assert progress.parameters["frames_without_angle"] == 1


@pytest.mark.parametrize("method", METHODS)
def test_the_stated_memory_is_enough(method: Method) -> None:
    stored = make_ball_scan(EVEN, rows=140, columns=64)
    assert 0.5 < memory_share(FbpAlgorithm(method=method), stored) < 1


def test_too_large_a_scan_is_refused_with_both_figures() -> None:
    algorithm = FbpAlgorithm(memory_limit_gb=4)
    scan = Scan(run_uid="x")
    needed = algorithm.memory_bytes(scan, (2048, 2048)) / 1e9
    assert needed > 4 * 2048**3 / 1e9
    with pytest.raises(InputError, match=rf"needs {needed:.2f} GB.*limit is 4.00 GB"):
        algorithm.start(scan, (2048, 2048))


def test_unknown_filter_is_refused_with_the_known() -> None:
    with pytest.raises(InputError, match=r"filter = 'rampe'.*shepp-logan"):
        FbpAlgorithm(filter="rampe")


def test_projections_without_beam_or_with_nan_are_left_out() -> None:
    stored = make_ball_scan(EVEN)
    frames = stored.projections.astype(np.float32)
    frames[7] = 0
    frames[20, 3, 4] = np.nan
    # The beam was lost: noise, and a hit.
    frames[31:33] = np.random.default_rng(0).normal(DARK_COUNTS, 5, (2, 18, 32))
    frames[31, 4, 4] = 60_000
    spoiled = dataclasses.replace(stored, projections=frames)
    final = reconstruct_scan(spoiled, FbpAlgorithm(center_px=17.25))
    there = np.delete(np.arange(90), [7, 20, 31, 32])
    right = reconstruct_scan(without(stored, there), FbpAlgorithm(center_px=17.25))
    assert final.status == "incomplete"
    assert final.progress.parameters["frames_unusable"] == 4
    assert final.progress.frames_missing == 4
    assert_same(final.arrays, right.arrays)
    nothing = dataclasses.replace(stored, projections=np.zeros_like(frames))
    with pytest.raises(InputError, match="all 90 projections are without beam"):
        reconstruct_scan(nothing, FbpAlgorithm(center_px=17.25))
