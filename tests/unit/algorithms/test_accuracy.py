import numpy as np

from daiss_bluesky.algorithms.fbp import FbpAlgorithm
from daiss_bluesky.core.geometry import projection_angles_deg
from daiss_bluesky.engine.inline import reconstruct_scan
from daiss_bluesky.testing.accuracy import gain, nrmse, reference_slices
from daiss_bluesky.testing.ball_scan import ball_truth, make_ball_scan


def test_measures_know_a_perfect_and_a_dim_volume() -> None:
    truth = ball_truth(6, 24)
    assert nrmse(truth, truth) == 0.0
    assert abs(nrmse(0.9 * truth, truth) - 0.1) < 1e-12
    assert abs(gain(0.9 * truth, truth) - 0.9) < 1e-12


def test_noisy_scan_is_as_good_as_the_float64_reference() -> None:
    angles = projection_angles_deg(120, order="golden")
    stored = make_ball_scan(angles, rows=24, columns=48, noise_seed=3)
    final = reconstruct_scan(stored, FbpAlgorithm())
    truth = ball_truth(24, 48)
    center_px = (48 - 1) / 2 + 1.25
    assert abs(final.progress.parameters["center_px"] - center_px) < 0.05
    expected = reference_slices(stored, center_px)
    error = nrmse(expected, truth)
    assert nrmse(final.arrays["volume"], truth) < 1.02 * error
    assert error < 0.2
    rows = slice(11, 13)
    some = reference_slices(stored, center_px, rows)
    np.testing.assert_allclose(some, expected[rows], atol=1e-12)
