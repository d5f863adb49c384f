import numpy as np
import pytest
from numpy.typing import NDArray

from daiss_bluesky.core.errors import InputError
from daiss_bluesky.core.geometry import angle_weights
from daiss_bluesky.kernels import reference
from daiss_bluesky.kernels.backprojection import (
    Blocks,
    backproject,
    filter_projections,
    to_volume,
)
from daiss_bluesky.kernels.center_sinogram import find_sinogram_center
from daiss_bluesky.kernels.ellipsoids import voxelize
from daiss_bluesky.kernels.half_acquisition import (
    OffsetField,
    find_turn_center,
    fold,
    is_full_turn,
    shared_rad,
    widen,
)
from daiss_bluesky.kernels.reference_center import fold as defined_fold
from daiss_bluesky.kernels.reference_center import widen as defined_widen
from daiss_bluesky.testing.ball_scan import BALLS
from daiss_bluesky.testing.measures import relative_error
from tests.unit.kernels.center_scans import even_angles, phantom, sinogram

FULL = 256
CENTER_PX = 128.3


def one_side(p: NDArray[np.float32], kept: int, side: str) -> NDArray[np.float32]:
    return p[:, :, :kept] if side == "left" else p[:, :, FULL - kept :]


@pytest.mark.parametrize("name", ["balls", "grain"])
@pytest.mark.parametrize("side", ["left", "right"])
@pytest.mark.parametrize("kept", [145, 180, 256])
@pytest.mark.parametrize("n", [180, 91])
def test_the_axis_is_found_wherever_it_is(
    name: str, side: str, kept: int, n: int
) -> None:
    angles = even_angles(n, 360)
    p = one_side(sinogram(phantom(name), FULL, CENTER_PX, angles, rows=8), kept, side)
    expected_px = CENTER_PX - (0 if side == "left" else FULL - kept)
    found = find_turn_center(p, angles)
    assert abs(found.center_px - expected_px) < 0.1
    assert found.unsure is None or kept == 145
    overall = find_sinogram_center(p, angles)
    assert abs(overall.center_px - expected_px) < 0.1 or overall.unsure


def test_a_turn_that_ends_where_it_began() -> None:
    angles = np.linspace(0, 2 * np.pi, 121)
    p = sinogram(phantom("grain"), 101, 55.3, angles)
    found = find_turn_center(p, angles)
    assert found.unsure is None
    assert abs(found.center_px - 55.3) < 0.05


@pytest.mark.parametrize("level", [0.0, 0.3])
def test_without_a_sample_it_is_unsure(level: float) -> None:
    noise = np.random.default_rng(0).normal(level, 0.01, (90, 4, 64))
    assert find_turn_center(noise.astype(np.float32), even_angles(90, 360)).unsure
    empty = np.full((90, 4, 64), level, np.float32)
    assert find_turn_center(empty, even_angles(90, 360)).unsure


def test_what_is_no_full_turn_is_refused() -> None:
    p = np.ones((60, 2, 64), np.float32)
    with pytest.raises(InputError, match=r"60 angles from 0 to 196.7 degrees show"):
        find_turn_center(p, even_angles(60, 200))
    with pytest.raises(InputError, match="show less than 30 degrees"):
        find_turn_center(p[:40], even_angles(40, 360))
    assert is_full_turn(even_angles(60, 360) + 5)
    assert not is_full_turn(even_angles(40, 360))
    assert not is_full_turn(even_angles(60, 180))
    assert not is_full_turn([1.0])


@pytest.mark.parametrize("center_px", [3.4, 11.0, 30.0, 31.8, 52.05, 57.9])
def test_weights_of_opposite_columns_sum_to_one(center_px: float) -> None:
    field = OffsetField(60, center_px)
    s = np.arange(60) + 0.5 - center_px
    order = np.argsort(s)
    t = np.linspace(-0.9, 0.9, 11) * max(0.0, field.near_px - 1)
    weights = np.interp(np.concatenate([t, -t]), s[order], field.weights()[order])
    np.testing.assert_allclose(weights[:11] + weights[11:], 1, atol=0.02)
    far = np.abs(s) > field.near_px
    np.testing.assert_array_equal(field.weights()[far], 1)
    assert abs(field.wide_center_px - field.wide_columns / 2) <= 0.5
    assert field.wide_columns < 2 * 60 + 1


@pytest.mark.parametrize("center_px", [4.2, 17.0, 20.5, 36.9])
@pytest.mark.parametrize("shape", [(1, 1, 41), (5, 3, 41)])
def test_widened_equals_its_definition(
    center_px: float, shape: tuple[int, int, int]
) -> None:
    p = np.random.default_rng(1).normal(size=shape).astype(np.float32)
    field = OffsetField(41, center_px)
    expected, expected_px = defined_widen(p.astype(float), center_px)
    wide = widen(p, field)
    assert wide.dtype == np.float32
    assert field.wide_center_px == expected_px
    np.testing.assert_allclose(wide, expected, atol=2e-6)


@pytest.mark.parametrize("side", ["left", "right"])
def test_a_sample_wider_than_the_detector_reconstructs(side: str) -> None:
    """Nearly as well as from a detector that is wide enough."""
    n, kept, rows = 128, 76, 6
    # A whole number of columns is cut off, so the axis stays half way between two.
    angles = even_angles(360, 360)
    p = sinogram(phantom("balls"), n, 64.0, angles, rows=rows, seed=None)
    cut = p[:, :, :kept] if side == "left" else p[:, :, n - kept :]
    field = OffsetField(kept, 64.0 if side == "left" else 64.0 - (n - kept))
    assert field.wide_columns == n

    def reconstruct(q: NDArray[np.float32], center_px: float) -> NDArray[np.float32]:
        blocks = Blocks(rows, n)
        volume = blocks.zeros()
        weights = angle_weights(angles, 2 * np.pi)
        filtered = filter_projections(q, weights, blocks)
        backproject(filtered, angles, center_px, volume)
        return to_volume(volume, rows, 1.0)

    truth = voxelize(BALLS, (rows, n, n)).astype(float) * 2 / n
    # A detector that is wide enough sees everything twice in a full turn.
    whole = reconstruct(p, 64.0) / 2
    offset = reconstruct(widen(cut, field), field.wide_center_px)
    assert relative_error(whole, truth) < 0.1
    assert relative_error(offset, truth) < 1.02 * relative_error(whole, truth)
    expected, center_px = defined_widen(cut[:, 2:3].astype(float), field.center_px)
    slice_ = reference.reconstruct(
        expected, angles, angle_weights(angles, 2 * np.pi), center_px
    )
    away = np.abs(offset[2] - slice_[0]).max()
    assert away < 1e-5 * np.abs(slice_).max()


def test_full_circle_weights_are_gaps_on_the_circle() -> None:
    angles = even_angles(90, 360)
    np.testing.assert_allclose(angle_weights(angles, 2 * np.pi), np.pi / 45)
    np.testing.assert_allclose(angle_weights(angles), np.pi / 90)
    uneven = np.deg2rad([0, 60, 180, 240])
    assert np.isclose(angle_weights(uneven, 2 * np.pi).sum(), 2 * np.pi)


def test_an_axis_outside_of_the_detector_is_refused() -> None:
    with pytest.raises(InputError, match="71 px is not on the detector of 60"):
        OffsetField(60, 71)
    with pytest.raises(InputError, match="30 columns do not fit a field of 60"):
        widen(np.ones((2, 2, 30), np.float32), OffsetField(60, 50))


@pytest.mark.parametrize(("arc_deg", "shared_deg"), [(180, 0), (240, 60), (360, 180)])
def test_what_is_seen_from_both_sides(arc_deg: int, shared_deg: int) -> None:
    found = np.rad2deg(shared_rad(even_angles(arc_deg, arc_deg)))
    assert abs(found - shared_deg) <= 3
    coarse = even_angles(arc_deg // 12, arc_deg)
    assert shared_rad(coarse) == 0


@pytest.mark.parametrize("side", ["left", "right"])
def test_part_of_a_turn_gives_the_center(side: str) -> None:
    angles = even_angles(150, 240)
    p = one_side(sinogram(phantom("grain"), FULL, CENTER_PX, angles), 180, side)
    found = find_turn_center(p, angles)
    expected_px = CENTER_PX - (0 if side == "left" else FULL - 180)
    assert found.unsure is None
    assert abs(found.center_px - expected_px) < 0.1


@pytest.mark.parametrize("center_px", [9.0, 12.5, 20.5, 30.0])
def test_joined_projections_equal_their_definition(center_px: float) -> None:
    angles = even_angles(50, 360)
    p = np.random.default_rng(3).normal(size=(50, 3, 41)).astype(np.float32)
    expected, half = defined_fold(p.astype(float), angles, center_px)
    shuffled = np.random.default_rng(4).permutation(50)
    joined, found = fold(p[shuffled], angles[shuffled], OffsetField(41, center_px))
    assert joined.dtype == np.float32
    np.testing.assert_allclose(found, half)
    np.testing.assert_allclose(joined, expected, atol=2e-6)
    with pytest.raises(InputError, match=r"20\.2 px.*whole or half column"):
        fold(p, angles, OffsetField(41, 20.2))


def test_an_opposite_between_two_angles_is_interpolated() -> None:
    angles = even_angles(101, 360)
    wide = sinogram(phantom("balls"), 96, 48.0, angles, rows=4, seed=None)
    joined, half = fold(wide[:, :, :70], angles, OffsetField(70, 48.0))
    expected = sinogram(phantom("balls"), 96, 48.0, half, rows=4, seed=None)
    assert joined.shape == expected.shape
    away = np.sqrt(np.mean((joined - expected) ** 2) / np.mean(expected**2))
    assert away < 0.02
