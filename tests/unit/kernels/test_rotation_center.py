import numpy as np
import pytest
from numpy.typing import NDArray

from daiss_bluesky.core.geometry import projection_angles_deg
from daiss_bluesky.kernels.ellipsoids import FieldGeometry, project
from daiss_bluesky.kernels.rotation_center import (
    find_center,
    opposite_group,
    opposite_pair,
)
from daiss_bluesky.testing.ball_scan import BALLS

Frame = NDArray[np.float32]


def noisy_pair(center_px: float, n: int = 128, seed: int = 0) -> tuple[Frame, Frame]:
    """Attenuation at 0 and 180 degrees, as 40,000 counts show it."""
    rng = np.random.default_rng(seed)
    geometry = FieldGeometry(n, n, center_px)
    counts = [40_000 * np.exp(-project(BALLS, a, geometry)) for a in (0.0, np.pi)]
    first, second = (
        (-np.log(np.maximum(rng.poisson(c), 1) / 40_000)).astype(np.float32)
        for c in counts
    )
    return first, second


@pytest.mark.parametrize("center_px", [63.5, 60.123, 66.25, 70.71, 48.9])
def test_center_is_found_to_a_fiftieth_of_a_pixel(center_px: float) -> None:
    for seed in range(3):
        center = find_center(*noisy_pair(center_px, seed=seed))
        assert abs(center.center_px - center_px) < 0.02
        assert center.is_reliable
        assert center.error_px < 0.02


def test_sample_wider_than_the_field() -> None:
    first, second = noisy_pair(60.3)
    center = find_center(first[:, 35:90], second[:, 35:90])
    assert abs(center.center_px - (60.3 - 35)) < 0.05
    assert center.is_reliable


def test_a_brighter_beam_and_a_spot_do_not_move_it() -> None:
    first, second = noisy_pair(66.25)
    second = second * np.float32(1.02) - np.float32(0.1)
    first[50, 40] = 9.0
    assert abs(find_center(first, second).center_px - 66.25) < 0.05


def test_noise_and_emptiness_are_not_reliable() -> None:
    rng = np.random.default_rng(0)
    noise = rng.normal(size=(2, 64, 64)).astype(np.float32)
    assert not find_center(noise[0], noise[1]).is_reliable
    empty = np.zeros((64, 64), np.float32)
    assert not find_center(empty, empty).is_reliable
    different = noisy_pair(63.5, n=64)[0]
    assert not find_center(different, noise[1]).is_reliable


def test_opposite_pair_is_the_best_and_first() -> None:
    assert opposite_pair(np.deg2rad([0, 90, 180.3, 270.1])) == (1, 3)
    assert opposite_pair(np.deg2rad([5, 0, 180, 185])) == (0, 3)
    assert opposite_pair(np.deg2rad([-88.2, 0, 91.79])) == (0, 2)
    assert opposite_pair(np.deg2rad([180, 0])) == (0, 1)
    assert opposite_pair(np.deg2rad([0, 179.3])) is None
    assert opposite_pair([1.0]) is None
    jitter = 1e-5 * np.sin(np.arange(720))
    full_turn = np.deg2rad(projection_angles_deg(720, range_deg=360)) + jitter
    assert opposite_pair(full_turn) == (0, 360)


def test_neighbors_come_along_where_the_pair_is_not_exact() -> None:
    assert opposite_group(np.deg2rad(np.arange(0, 180.5, 0.5))) == (0, 360)
    assert opposite_group(np.deg2rad(np.arange(0, 180, 0.5))) == (0, 1, 358, 359)
    turn = np.deg2rad(np.arange(401) * 360 / 401)
    assert len(opposite_group(turn)) == 4
    assert opposite_group(np.deg2rad([0, 179.6])) == (0, 1)
    assert opposite_group(np.deg2rad([0, 40, 140, 179.6])) == (0, 3)
    assert opposite_group(np.deg2rad([0, 0, 0, 90])) == ()
