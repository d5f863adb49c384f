"""A detector that sees half of the sample at a time reconstructs all of it."""

import numpy as np
import pytest

from daiss_bluesky.algorithms.fbp import FbpAlgorithm
from daiss_bluesky.core.errors import InputError
from daiss_bluesky.engine.inline import reconstruct_scan
from daiss_bluesky.kernels.ellipsoids import voxelize
from daiss_bluesky.testing.ball_scan import BALLS, scan_of
from daiss_bluesky.testing.measures import relative_error
from tests.unit.kernels.center_scans import even_angles, phantom, sinogram

FULL, N, ROWS = 128, 240, 4
CENTER_PX = 64.0
KEPT = 90


@pytest.mark.parametrize("method", ["gridding", "backprojection"])
def test_half_of_the_sample_at_a_time_gives_all_of_it(method: str) -> None:
    angles = even_angles(N, 360)
    whole = sinogram(phantom("balls"), FULL, CENTER_PX, angles, rows=ROWS)
    algorithm = FbpAlgorithm(
        half_acquisition=True, center_px=CENTER_PX, method=method, zingers=False
    )
    final = reconstruct_scan(scan_of(whole[:, :, :KEPT], angles), algorithm)
    volume = final.arrays["volume"]
    assert volume.shape == (ROWS, FULL, FULL)
    ordinary = FbpAlgorithm(center_px=CENTER_PX, method=method, zingers=False)
    # Beyond the overlap each point is seen from half of the angles.
    half_turn = even_angles(N // 2, 180)
    wide = sinogram(phantom("balls"), FULL, CENTER_PX, half_turn, rows=ROWS)
    full = reconstruct_scan(scan_of(wide, half_turn), ordinary).arrays["volume"]
    truth = voxelize(BALLS, (ROWS, FULL, FULL)) * np.float32(2 / FULL)
    gain = np.sum(full * truth) / np.sum(truth * truth)
    assert (
        relative_error(volume, truth * gain)
        < 1.1 * relative_error(full, truth * gain)
        < 0.2
    )
    assert final.views["slice_xz"].shape == (ROWS, FULL)


def test_what_it_needs_is_said() -> None:
    angles = even_angles(N, 360)
    p = np.full((N, ROWS, KEPT), 0.1, np.float32)
    with pytest.raises(InputError, match="needs center_px"):
        reconstruct_scan(scan_of(p, angles), FbpAlgorithm(half_acquisition=True))
    half = FbpAlgorithm(half_acquisition=True, center_px=CENTER_PX)
    with pytest.raises(InputError, match="full 360 degrees"):
        reconstruct_scan(scan_of(p, even_angles(N, 180)), half)
    with pytest.raises(InputError, match="set one of the two"):
        FbpAlgorithm(half_acquisition=True, stripes="mean")
