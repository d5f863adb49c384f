"""Gridding on a device is its NumPy reference to rounding, whatever the size."""

from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from daiss_bluesky.kernels import reference_gridding
from daiss_bluesky.kernels.cuda.gridding import SlabGridding
from daiss_bluesky.kernels.gridding import Grid
from tests.gpu.poison import poisoned

pytestmark = pytest.mark.gpu

SCALE = 0.7
SHAPES = [
    (1, 1, 3),
    (5, 24, 7),
    (3, 33, 40),
    (67, 20, 9),
    (7, 101, 130),
    (130, 17, 5),
    (2, 256, 300),
    (66, 511, 12),
    (3, 1024, 9),
    (1, 2045, 7),
]


def a_scan(
    rows: int, n: int, n_angles: int
) -> tuple[NDArray[np.float32], NDArray[np.float64], NDArray[np.float64]]:
    rng = np.random.default_rng(rows * n)
    p = rng.normal(size=(n_angles, rows, n)).astype(np.float32)
    angles = rng.uniform(-np.pi, 2 * np.pi, n_angles)
    angles[:3] = 0, np.pi / 2, np.pi
    return p, angles, rng.uniform(0.5, 1.5, n_angles)


def right(
    p: NDArray[Any],
    angles: NDArray[np.float64],
    weights: NDArray[np.float64],
    center_px: float,
    name: str,
) -> NDArray[np.float64]:
    grid = Grid(p.shape[1], p.shape[2], name)
    grids = reference_gridding.spread(p, grid, angles, weights, center_px)
    return reference_gridding.slices(grids, grid, SCALE)


@pytest.mark.parametrize("name", ["sharp", "ramp"])
@pytest.mark.parametrize(("rows", "n", "n_angles"), SHAPES)
def test_slices_are_the_reference(
    cp: Any, rows: int, n: int, n_angles: int, name: str
) -> None:
    p, angles, weights = a_scan(rows, n, n_angles)
    made = SlabGridding(rows, n, n_angles + 2, name)
    made.set_lines(angles, weights, n / 2 + 1.3)
    out = poisoned(cp, (rows, n, n))
    frames = cp.asarray(p).transpose(1, 0, 2)
    for first in range(0, rows, made.rows):
        part = slice(first, first + made.rows)
        made.slices(frames[part], SCALE, out[part])
    wanted = right(p, angles, weights, n / 2 + 1.3, name)
    close = 1e-5 * np.abs(wanted).max()
    np.testing.assert_allclose(out.get(), wanted, atol=close)


def test_equally_spaced_angles_from_sinograms(cp: Any) -> None:
    p, _, weights = a_scan(4, 64, 90)
    angles = np.linspace(0, np.pi, 90, endpoint=False)
    made = SlabGridding(4, 64, 90)
    made.set_lines(angles, weights, 31.0)
    out = poisoned(cp, (4, 64, 64))
    made.slices(cp.asarray(np.ascontiguousarray(p.transpose(1, 0, 2))), SCALE, out)
    wanted = right(p, angles, weights, 31.0, "ramp")
    np.testing.assert_allclose(out.get(), wanted, atol=1e-5 * np.abs(wanted).max())


def test_a_wide_detector_is_no_less_exact(cp: Any) -> None:
    p, _, weights = a_scan(1, 1001, 400)
    angles = np.pi * np.random.default_rng(0).permutation(400) / 400
    made = SlabGridding(1, 1001, 400, "sharp")
    made.set_lines(angles, weights, 470.0)
    out = poisoned(cp, (1, 1001, 1001))
    made.slices(cp.asarray(p).transpose(1, 0, 2), SCALE, out)
    wanted = right(p, angles, weights, 470.0, "sharp")
    away = np.linalg.norm(out.get() - wanted) / np.linalg.norm(wanted)
    assert away < 1e-5


@pytest.mark.parametrize("rows", [5, 70])
def test_half_precision_is_close(cp: Any, rows: int) -> None:
    p, angles, weights = a_scan(rows, 60, 50)
    made = SlabGridding(rows, 60, 50, half=True)
    made.set_lines(angles, weights, 30.0)
    out = poisoned(cp, (rows, 60, 60), "float16")
    made.slices(cp.asarray(p.transpose(1, 0, 2).astype(np.float16)), SCALE, out)
    wanted = right(p, angles, weights, 30.0, "ramp")
    np.testing.assert_allclose(out.get(), wanted, atol=5e-3 * np.abs(wanted).max())


def test_a_new_center_needs_no_new_tables(cp: Any) -> None:
    p, angles, weights = a_scan(3, 40, 30)
    made = SlabGridding(3, 40, 30)
    made.set_lines(angles, weights, 20.0)
    made.set_center(angles, 2 * weights, 18.5)
    out = poisoned(cp, (3, 40, 40))
    made.slices(cp.asarray(p).transpose(1, 0, 2), SCALE, out)
    wanted = right(p, angles, 2 * weights, 18.5, "ramp")
    np.testing.assert_allclose(out.get(), wanted, atol=1e-5 * np.abs(wanted).max())


def test_grids_grow_to_the_same(cp: Any) -> None:
    p, angles, weights = a_scan(7, 50, 41)
    made = SlabGridding(7, 50, 16)
    grids, out = cp.zeros_like(made._grids), poisoned(cp, (7, 50, 50))
    for part in np.array_split(np.random.default_rng(0).permutation(41), 3):
        made.set_lines(angles[part], weights[part], 25.0)
        made.gather(cp.asarray(p[part]).transpose(1, 0, 2), grids, adds=True)
    made.invert(grids, 7, SCALE, out)
    wanted = right(p, angles, weights, 25.0, "ramp")
    np.testing.assert_allclose(out.get(), wanted, atol=1e-5 * np.abs(wanted).max())


def test_memory_is_told_in_advance(cp: Any) -> None:
    pool = cp.get_default_memory_pool()
    pool.free_all_blocks()
    before = pool.used_bytes()
    made = SlabGridding(128, 300, 400)
    assert pool.used_bytes() - before < SlabGridding.bytes(128, 300, 400)
    del made
