import numpy as np
import pytest
from numpy.typing import NDArray

from daiss_bluesky.core.errors import InputError
from daiss_bluesky.kernels.axis_tilt import find_tilt, margin_rows, straighten
from daiss_bluesky.kernels.reference_center import straighten as defined_straighten
from daiss_bluesky.kernels.rotation_center import find_center

Frame = NDArray[np.float32]
ANGLE = 0.3


def balls() -> NDArray[np.float64]:
    """x, y, z, radius, density: a large one that holds forty others."""
    rng = np.random.default_rng(4)
    small = [
        rng.uniform(-0.4, 0.4, (40, 2)),
        rng.uniform(-0.8, 0.8, 40),
        rng.uniform(0.04, 0.15, 40),
        rng.uniform(0.3, 1.5, 40),
    ]
    return np.vstack([[0, 0, 0, 0.55, 0.6], np.column_stack(small)])


def picture(
    shape: tuple[int, int],
    angle_rad: float,
    center_px: float,
    tilt_deg: float,
    seed: int | None = None,
) -> Frame:
    """Balls about an axis that crosses row v at center + tan(tilt) (v - middle)."""
    rows, n = shape
    u = np.arange(n) + 0.5 - center_px
    v = np.arange(rows)[:, None] - (rows - 1) / 2
    cosine, sine = np.cos(np.deg2rad(tilt_deg)), np.sin(np.deg2rad(tilt_deg))
    s, z = (u * cosine - v * sine) / (n / 2), (u * sine + v * cosine) / (n / 2)
    p = np.zeros(shape)
    for x, y, height, radius, density in balls():
        away = s - x * np.cos(angle_rad) - y * np.sin(angle_rad)
        inside = radius**2 - away**2 - (z - height) ** 2
        p += density * 2 * np.sqrt(np.maximum(inside, 0))
    if seed is not None:
        counts = np.random.default_rng(seed).poisson(40_000 * np.exp(-p))
        p = -np.log(counts / 40_000)
    return p.astype(np.float32)


def noisy_pair(
    shape: tuple[int, int], center_px: float, tilt_deg: float, angle_rad: float = ANGLE
) -> tuple[Frame, Frame]:
    first = picture(shape, angle_rad, center_px, tilt_deg, seed=1)
    return first, picture(shape, angle_rad + np.pi, center_px, tilt_deg, seed=2)


@pytest.mark.parametrize("tilt_deg", [0.0, 0.2, -0.5, 3.0])
@pytest.mark.parametrize(
    ("shape", "center_px"), [((128, 128), 66.3), ((65, 201), 95.2), ((301, 101), 52.0)]
)
def test_tilt_is_found(
    tilt_deg: float, shape: tuple[int, int], center_px: float
) -> None:
    found = find_tilt(*noisy_pair(shape, center_px, tilt_deg))
    assert found.unsure is None
    away_deg = abs(np.rad2deg(found.tilt_rad) - tilt_deg)
    assert away_deg < 0.03
    assert away_deg < 4 * np.rad2deg(found.error_rad)
    assert abs(found.center_px - center_px) < 0.05


def test_many_pairs_are_better_than_one() -> None:
    pairs = [noisy_pair((48, 96), 50.2, 0.4, angle) for angle in (0.1, 0.9, 1.7)]
    one = find_tilt(*pairs[0])
    first, second = (np.stack(frames) for frames in zip(*pairs, strict=True))
    many = find_tilt(first, second)
    assert many.error_rad < one.error_rad
    assert abs(np.rad2deg(many.tilt_rad) - 0.4) < 0.03


def test_large_frames_are_averaged() -> None:
    first, second = noisy_pair((96, 96), 50.2, 0.4)
    large = [np.kron(frame, np.ones((8, 8), np.float32)) for frame in (first, second)]
    found = find_tilt(*large)
    assert abs(np.rad2deg(found.tilt_rad) - 0.4) < 0.03
    assert abs(found.center_px - 8 * 50.2) < 0.5


def test_what_has_no_tilt_is_unsure() -> None:
    rng = np.random.default_rng(0)
    noise = rng.normal(size=(2, 64, 64)).astype(np.float32)
    assert find_tilt(noise[0], noise[1]).unsure
    empty = np.zeros((64, 64), np.float32)
    assert find_tilt(empty, empty).unsure
    first, _ = noisy_pair((64, 64), 33.0, 0.2)
    assert find_tilt(first, noise[1]).unsure


def test_too_few_rows_are_refused() -> None:
    few = np.ones((12, 64), np.float32)
    with pytest.raises(InputError, match="at least 16 rows, not 12"):
        find_tilt(few, few)
    with pytest.raises(InputError, match=r"\(12, 64\) and \(11, 64\)"):
        find_tilt(few, few[:11])


@pytest.mark.parametrize("tilt_deg", [0.2, -0.5, 2.0])
def test_straightened_frames_have_an_upright_axis(tilt_deg: float) -> None:
    first, second = (
        picture((128, 128), ANGLE + turn, 66.3, tilt_deg) for turn in (0, np.pi)
    )
    upright = straighten(np.stack([first, second]), np.deg2rad(tilt_deg), 66.3)
    expected = picture((128, 128), ANGLE, 66.3, 0.0)
    inner = (slice(8, -8), slice(8, -8))
    # Spheres have infinitely steep rims, which no interpolation follows.
    assert np.abs(upright[0] - expected)[inner].mean() < 0.002 * expected.max()
    assert abs(np.rad2deg(find_tilt(upright[0], upright[1]).tilt_rad)) < 0.01
    centers = [
        find_center(upright[0][rows], upright[1][rows]).center_px
        for rows in (slice(8, 64), slice(64, 120))
    ]
    assert np.abs(np.array(centers) - 66.3).max() < 0.05


@pytest.mark.parametrize("shape", [(1, 17, 23), (3, 20, 9)])
@pytest.mark.parametrize("tilt_rad", [0.0, 0.03, -0.11])
def test_straightening_equals_its_definition(
    shape: tuple[int, int, int], tilt_rad: float
) -> None:
    frames = np.random.default_rng(5).normal(size=shape).astype(np.float32)
    found = straighten(frames, tilt_rad, 4.3)
    assert found.dtype == np.float32
    for frame, expected in zip(found, frames.astype(float), strict=True):
        definition = defined_straighten(expected, tilt_rad, 4.3)
        np.testing.assert_allclose(frame, definition, atol=2e-5)


def test_no_tilt_changes_nothing() -> None:
    frames = np.random.default_rng(5).normal(size=(2, 20, 30)).astype(np.float32)
    np.testing.assert_allclose(straighten(frames, 0.0, 15.5), frames, atol=1e-6)


@pytest.mark.parametrize("tilt_rad", [0.2, -3.0, np.nan])
def test_wild_tilts_are_refused(tilt_rad: float) -> None:
    with pytest.raises(InputError, match=r"not within 0\.175 rad"):
        straighten(np.zeros((1, 8, 8), np.float32), tilt_rad, 4.0)


@pytest.mark.parametrize("shape", [(1, 1, 40), (2, 7, 97), (1, 33, 5), (1, 20, 301)])
@pytest.mark.parametrize("tilt_rad", [2e-4, -0.004, 0.05, -0.17])
def test_any_shape_equals_its_definition(
    shape: tuple[int, int, int], tilt_rad: float
) -> None:
    frames = np.random.default_rng(6).uniform(0.01, 2, shape).astype(np.float32)
    found = straighten(frames, tilt_rad, 0.8 * shape[2], -3.25)
    lines = straighten(frames, tilt_rad, 0.8 * shape[2], -3.25, logarithm=True)
    for frame, line, exact in zip(found, lines, frames.astype(float), strict=True):
        definition = defined_straighten(exact, tilt_rad, 0.8 * shape[2], -3.25)
        np.testing.assert_allclose(frame, definition, atol=2e-5)
        light = np.maximum(frame, np.float32(1e-5))
        np.testing.assert_allclose(line, -np.log(light), rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("tilt_rad", [0.003, -0.09])
def test_a_margin_of_rows_is_all_that_is_needed(tilt_rad: float) -> None:
    frames = np.random.default_rng(7).normal(size=(1, 90, 60)).astype(np.float32)
    whole = straighten(frames, tilt_rad, 30.0)
    margin = margin_rows(tilt_rad, (90, 60))
    low, high = 40 - margin, 50 + margin
    part = straighten(frames[:, low:high], tilt_rad, 30.0, 45.0 - low)
    np.testing.assert_allclose(part[:, margin:-margin], whole[:, 40:50], atol=1e-5)
    assert margin_rows(0.0, (90, 60)) == 0
