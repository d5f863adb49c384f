import numpy as np
import pytest

from daiss_bluesky.core.errors import InputError
from daiss_bluesky.core.geometry import angle_weights, projection_angles_deg
from daiss_bluesky.kernels import reference
from daiss_bluesky.kernels.center_fan import (
    INSIDE,
    SMOOTH_PX,
    TILES,
    center_fan,
    half_turn,
    is_noise,
    variation,
)
from daiss_bluesky.kernels.reference_center import variation as defined_variation
from tests.unit.kernels.center_scans import even_angles, phantom, sinogram


@pytest.mark.parametrize("name", ["balls", "grain"])
@pytest.mark.parametrize(("columns", "center_px"), [(64, 33.1), (127, 52.4)])
def test_the_true_center_scores_best(name: str, columns: int, center_px: float) -> None:
    angles = even_angles(60, 180)
    p = sinogram(phantom(name), columns, center_px, angles)
    fan = center_fan(p, angles, 5, center_px + 0.2 + np.arange(-10, 11) * 0.5)
    assert fan.unsure is None
    assert abs(fan.best_px - center_px) < 0.25
    assert fan.scores.argmin() == np.abs(fan.candidates_px - fan.best_px).argmin()
    assert fan.scores.min() == 1
    assert fan.slices.shape == (21, columns, columns)


def test_partial_data_of_an_even_order_are_enough() -> None:
    angles = np.deg2rad(projection_angles_deg(400, order="golden"))[:50]
    p = sinogram(phantom("grain"), 101, 48.3, angles)
    fan = center_fan(p, angles, 6, np.arange(40.0, 58.0))
    assert fan.unsure is None
    assert abs(fan.best_px - 48.3) < 0.3


@pytest.mark.parametrize("n", [120, 121, 480])
def test_a_full_turn_scores_like_half_a_turn(n: int) -> None:
    """All of it would blur a wrong center away, and score it best."""
    angles = even_angles(n, 360)
    p = sinogram(phantom("grain"), 128, 69.3, angles)
    fan = center_fan(p, angles, 5, np.arange(59.5, 80.0))
    assert fan.unsure is None
    assert abs(fan.best_px - 69.3) < 0.25


def test_half_a_turn_begins_behind_the_widest_gap() -> None:
    np.testing.assert_array_equal(half_turn(np.deg2rad([0, 90, 180])), [0, 1, 2])
    np.testing.assert_array_equal(half_turn(np.deg2rad([10, 350, 100, 171])), [0, 1, 2])
    turns = np.deg2rad([720, 810, 900, 1079.9999999999])
    np.testing.assert_array_equal(half_turn(turns), [0, 1, 2, 3])
    assert half_turn(even_angles(720, 360)).size == 361
    assert half_turn(np.array([3.0])).size == 1


def test_a_slice_is_the_reconstruction_with_that_center() -> None:
    """But for the smoothing, which the reference does not have."""
    angles = even_angles(90, 180)
    p = sinogram(phantom("grain"), 96, 50.5, angles, rows=3, seed=None)
    fan = center_fan(p, angles, 1, 50.5 + np.arange(-3, 4))
    columns = np.fft.rfftfreq(96 * 4)
    damped = np.fft.rfft(np.pad(p[:, 1:2], [(0, 0), (0, 0), (144, 144)]), axis=2)
    damped *= np.exp(-2 * (np.pi * SMOOTH_PX * columns) ** 2)
    smooth = np.fft.irfft(damped, axis=2)[:, :, 144:240]
    for k in (0, 3):
        center_px = fan.candidates_px[k]
        expected = reference.reconstruct(
            smooth, angles, angle_weights(angles), center_px
        )[0]
        offset = np.arange(96) - 47.5
        inside = offset[:, None] ** 2 + offset**2 < 40**2
        away = (fan.slices[k] - expected)[inside]
        assert np.abs(away).max() < 0.02 * expected.max()


@pytest.mark.parametrize("shape", [(17, 17, 3), (40, 40, 8), (33, 33, 13)])
def test_variation_equals_its_definition(shape: tuple[int, int, int]) -> None:
    volume = np.random.default_rng(1).normal(size=shape).astype(np.float32)
    expected = defined_variation(volume.astype(float), INSIDE * shape[0] / 2, TILES)
    np.testing.assert_allclose(variation(volume), expected, rtol=1e-5)


def test_flat_and_partial_fans_are_unsure() -> None:
    rng = np.random.default_rng(2)
    noise = rng.normal(0, 0.01, (60, 4, 64)).astype(np.float32)
    candidates = np.arange(22.0, 43.0)
    for row in range(4):
        assert center_fan(noise, even_angles(60, 180), row, candidates).unsure
    empty = np.zeros((60, 1, 64), np.float32)
    assert "same" in (
        center_fan(empty, even_angles(60, 180), 0, candidates).unsure or ""
    )
    angles = even_angles(60, 40)
    p = sinogram(phantom("grain"), 64, 32.0, angles)
    assert "22% of the half circle" in (
        center_fan(p, angles, 6, candidates).unsure or ""
    )


def test_noise_is_told_from_a_sample() -> None:
    rng = np.random.default_rng(5)
    noise = rng.normal(0.3, 0.01, (40, 90)).astype(np.float32)
    assert is_noise(noise)
    assert is_noise(np.zeros((40, 90), np.float32))
    weak = 0.02 * sinogram(phantom("balls"), 90, 45.0, even_angles(40, 180))[:, 5]
    assert not is_noise(weak + noise)


def test_a_fan_beside_the_center_says_so() -> None:
    angles = even_angles(60, 180)
    p = sinogram(phantom("grain"), 64, 34.0, angles)
    fan = center_fan(p, angles, 6, np.arange(24.0, 32.0))
    assert fan.unsure == "the best slice is at the end of the fan"


@pytest.mark.parametrize(
    ("row", "candidates", "said"),
    [
        (2, [14, 15, 16, 17, 18], "row 2 is outside"),
        (0, [28, 29, 30, 31, 33], "28 to 33 px are not all on the detector of 32"),
        (0, [16, 15, 14, 13, 12], "ascending"),
        (0, [16], "at least 5"),
    ],
)
def test_bad_input_is_refused(row: int, candidates: list[float], said: str) -> None:
    p = np.ones((9, 2, 32), np.float32)
    with pytest.raises(InputError, match=said):
        center_fan(p, even_angles(9, 180), row, candidates)
