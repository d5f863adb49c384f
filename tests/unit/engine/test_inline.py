import os
from pathlib import Path

import numpy as np
import pytest

from daiss_bluesky.algorithms.fbp import FbpAlgorithm
from daiss_bluesky.core.errors import InputError
from daiss_bluesky.core.geometry import projection_angles_deg
from daiss_bluesky.core.reconstruction import Progress
from daiss_bluesky.core.stored_batches import read_frames
from daiss_bluesky.engine.inline import calibration_batches, reconstruct_scan
from daiss_bluesky.readers import open_scan
from daiss_bluesky.testing.ball_scan import make_ball_scan

DATA = Path(os.environ.get("DAISS_DATA", "../shared/data"))


def measured(name: str) -> Path:
    path = DATA / name
    if not path.is_file():
        pytest.skip(f"DAISS_DATA names no folder with {name}")
    return path


def test_progress_is_told_after_each_batch() -> None:
    told: list[Progress] = []
    stored = make_ball_scan(projection_angles_deg(70), rows=4, columns=16)
    final = reconstruct_scan(stored, FbpAlgorithm(), told.append)
    assert [progress.frames_used for progress in told] == [32, 64, 70]
    assert final.status == "complete"
    assert final.progress == told[-1]
    assert set(final.arrays) == {"volume"}
    assert set(final.views) == {"slice_xy", "slice_xz", "slice_yz", "projection"}
    assert final.finished_s > 0


def test_frames_are_read_in_the_order_asked_for() -> None:
    frames = np.arange(10)[:, None, None] * np.ones((10, 2, 4))
    for wanted in ([3, 4, 5], [5, 3, 4], [9, 0], [2]):
        found = read_frames(frames, np.array(wanted))
        assert found[:, 0, 0].tolist() == wanted


def test_the_pair_of_the_scan_is_preferred_to_projections() -> None:
    angles_deg = np.arange(0.0, 181.0, 5.0)
    own = make_ball_scan(angles_deg, pair=True)
    *_, pair = calibration_batches(own)
    assert pair.kind == "pair"
    np.testing.assert_array_equal(pair.pixels, own.pair)
    lent = make_ball_scan(angles_deg, pair=False)
    *_, pair = calibration_batches(lent)
    np.testing.assert_array_equal(pair.pixels, lent.projections[[0, -1]])
    none = make_ball_scan(projection_angles_deg(30), pair=False)
    assert [batch.kind for batch in calibration_batches(none)] == ["dark", "flat"]


@pytest.mark.data
def test_measured_scan_is_reconstructed_about_its_center() -> None:
    stored = open_scan(measured("tomo_savu_image_test.npz"))
    final = reconstruct_scan(stored, FbpAlgorithm())
    volume = final.arrays["volume"]
    progress = final.progress
    assert (progress.frames_used, progress.frames_missing) == (91, 0)
    assert volume.shape == (135, 160, 160)
    assert progress.parameters["center_source"] == "pair"
    assert abs(progress.parameters["center_px"] - 86.34) < 0.05
    # The dead pixel at [0, 0] leaves no trace, and the sharpest center is this one.
    assert np.abs(volume[0]).max() < 3 * np.abs(volume[1]).max()
    found = _spread(volume[80])
    for other_px in (85.0, 88.0):
        other = reconstruct_scan(stored, FbpAlgorithm(center_px=other_px))
        assert _spread(other.arrays["volume"][80]) > found


def _spread(values: np.ndarray[tuple[int, ...], np.dtype[np.float32]]) -> float:
    """Entropy of the histogram: least when edges are sharp."""
    counts, _ = np.histogram(values, 200, range=(-0.02, 0.08))
    share = counts[counts > 0] / counts.sum()
    return float(-np.sum(share * np.log(share)))


@pytest.mark.data
def test_measured_stack_without_angles_is_refused() -> None:
    with pytest.raises(InputError, match=r"none of the layouts.*image_key"):
        open_scan(measured("tomo_k11_image_key.h5"))
