import numpy as np
import pytest

from daiss_bluesky.core.errors import InputError
from daiss_bluesky.kernels.overlap import (
    add_illumination,
    differ,
    find_overlap,
    probe_diameter_px,
)


def disc(
    diameter: float, n: int = 64
) -> np.ndarray[tuple[int, int], np.dtype[np.complex128]]:
    y, x = np.meshgrid(*2 * [np.arange(n) - n // 2], indexing="ij")
    return np.asarray((np.hypot(y, x) < diameter / 2) + 0j)


def grid(step: float) -> np.ndarray[tuple[int, int], np.dtype[np.float64]]:
    lines = np.arange(8) * step
    return np.stack(np.meshgrid(lines, lines, indexing="ij"), -1).reshape(-1, 2)


def test_the_diameter_of_a_disc_is_its_own() -> None:
    # The smallest disc with 90 % of the light is a little smaller.
    expected = 40 * np.sqrt(0.9)
    assert probe_diameter_px(disc(40)) == pytest.approx(expected, rel=0.02)
    assert probe_diameter_px(np.stack(2 * [disc(40)])) == pytest.approx(
        expected, rel=0.02
    )


def test_overlap_follows_from_step_and_diameter() -> None:
    diameter = probe_diameter_px(disc(40))
    twice = np.concatenate([grid(12.0), grid(12.0)])
    for positions in (grid(12.0), twice):
        found = find_overlap(positions, disc(40))
        assert found.distance_px == pytest.approx(12.0)
        assert found.linear == pytest.approx(1 - 12.0 / diameter)
        assert found.warning is None
    far = find_overlap(grid(30.0), disc(40))
    assert far.warning is not None
    assert "overlap by 21 % (30.0 px apart, probe 37.8 px wide)" in far.warning
    assert "\n" not in far.warning


def test_a_scan_of_one_place_is_refused() -> None:
    with pytest.raises(InputError, match="1 different positions"):
        find_overlap(np.ones((5, 2)), disc(40))
    with pytest.raises(InputError, match="dark everywhere"):
        find_overlap(grid(3.0), np.zeros((8, 8), complex))


def test_every_pixel_is_counted_as_often_as_it_was_lit() -> None:
    rng = np.random.default_rng(4)
    probe = rng.normal(size=(2, 12, 9)) + 1j * rng.normal(size=(2, 12, 9))
    corners = rng.uniform(-9, 27, (40, 2))
    counts = np.zeros((30, 25), np.int32)
    add_illumination(counts, corners[:15], probe, share=0.2)
    add_illumination(counts, corners[15:], probe, share=0.2)
    bright = (np.abs(probe) ** 2).sum(axis=0)
    expected = np.zeros_like(counts)
    lit = np.argwhere(bright > 0.2 * bright.max())
    for corner in np.rint(corners).astype(int):
        for y, x in lit + corner:
            if 0 <= y < 30 and 0 <= x < 25:
                expected[y, x] += 1
    np.testing.assert_array_equal(counts, expected)


def test_positions_that_are_one_are_told() -> None:
    assert not differ(np.zeros((5, 2)))
    assert not differ(np.array([[3.0, 4.0], [3.0001, 4.0]]))
    assert differ(np.array([[3.0, 4.0], [3.0, 4.1]]))


def test_a_probe_that_is_dark_or_no_number_lights_nothing() -> None:
    counts = np.zeros((8, 8), np.int32)
    for value in (0.0, np.nan):
        add_illumination(counts, np.zeros((2, 2)), np.full((4, 4), value))
    assert not counts.any()
