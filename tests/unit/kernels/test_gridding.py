"""Gridding is filtered backprojection with exact interpolation, in any order."""

import numpy as np
import pytest
from numpy.typing import NDArray

from daiss_bluesky.kernels import gridding_inverse, reference, reference_gridding
from daiss_bluesky.kernels.gridding import BLOCK, Grid, add_projections, clear

SCALE = 0.7
SHAPES = [(5, 24, 7), (BLOCK + 3, 33, 5), (4 * BLOCK + 1, 20, 9)]


def random_scan(
    rows: int, n: int, n_angles: int
) -> tuple[NDArray[np.float32], NDArray[np.float64], NDArray[np.float64]]:
    rng = np.random.default_rng(rows * n)
    p = rng.normal(size=(n_angles, rows, n)).astype(np.float32)
    # All directions, the axes among them.
    angles = rng.uniform(-np.pi, 2 * np.pi, n_angles)
    angles[:2] = 0, np.pi / 2
    return p, angles, rng.uniform(0.5, 1.5, n_angles)


def grids_of(
    grid: Grid,
    p: NDArray[np.float32],
    angles: NDArray[np.float64],
    weights: NDArray[np.float64],
    center_px: float,
) -> NDArray[np.float32]:
    grids = grid.zeros()
    add_projections(grids, grid.remainders(), grid, p, angles, weights, center_px)
    return grids


@pytest.mark.parametrize("name", ["sharp", "ramp"])
@pytest.mark.parametrize(("rows", "n", "n_angles"), SHAPES)
def test_the_volume_is_the_definition(
    rows: int, n: int, n_angles: int, name: str
) -> None:
    p, angles, weights = random_scan(rows, n, n_angles)
    grid, center_px = Grid(rows, n, name), n / 2 + 1.3
    right = SCALE * reference.interpolate_exactly(
        p.astype(np.float64), angles, weights, center_px, name, grid.row_plan.length
    )
    grids = grids_of(grid, p, angles, weights, center_px)
    volume = gridding_inverse.to_volume(grids, grid, SCALE)
    # The window's aliasing. A rounding error is a thousand times smaller.
    np.testing.assert_allclose(volume, right, atol=2e-3 * np.abs(right).max())
    away = np.sqrt(np.mean((volume - right) ** 2) / np.mean(right**2))
    assert away < 5e-4


def test_a_volume_of_many_slices_takes_over_the_memory_of_the_grids() -> None:
    grid = Grid(3 * BLOCK, 16)
    grids = grid.zeros()
    assert np.shares_memory(gridding_inverse.to_volume(grids, grid, SCALE), grids)


@pytest.mark.parametrize(("rows", "n", "n_angles"), SHAPES)
def test_slices_are_those_of_the_volume(rows: int, n: int, n_angles: int) -> None:
    p, angles, weights = random_scan(rows, n, n_angles)
    grid = Grid(rows, n)
    grids = grids_of(grid, p, angles, weights, n / 2)
    before = grids.copy()
    y, x = n // 3, n // 2
    axial = [gridding_inverse.axial_slice(grids, grid, z, SCALE) for z in (0, rows - 1)]
    upright = gridding_inverse.upright_slices(grids, grid, y, x, SCALE)
    parts = dict(gridding_inverse.slabs(grids, grid, SCALE))
    np.testing.assert_array_equal(grids, before)
    volume = gridding_inverse.to_volume(grids, grid, SCALE)
    close = 2e-6 * np.abs(volume).max()
    np.testing.assert_allclose(axial, volume[[0, rows - 1]], atol=close)
    np.testing.assert_allclose(upright[0], volume[:, y], atol=close)
    np.testing.assert_allclose(upright[1], volume[:, :, x], atol=close)
    np.testing.assert_allclose(
        np.concatenate([parts[k] for k in parts]), volume, atol=close
    )


def test_one_slice_is_the_same_among_many() -> None:
    p, angles, weights = random_scan(2 * BLOCK, 32, 6)
    many, one = Grid(2 * BLOCK, 32), Grid(1, 32)
    volume = gridding_inverse.to_volume(
        grids_of(many, p, angles, weights, 15.0), many, 1.0
    )
    row = BLOCK + LANE
    alone = gridding_inverse.to_volume(
        grids_of(one, p[:, row : row + 1], angles, weights, 15.0), one, 1.0
    )
    close = 1e-6 * np.abs(volume).max()
    np.testing.assert_allclose(alone[0], volume[row], atol=close)


LANE = 20


def test_order_and_batches_change_rounding_only() -> None:
    p, angles, weights = random_scan(40, 28, 21)
    grid = Grid(40, 28)
    at_once = grids_of(grid, p, angles, weights, 14.0)
    grids, kept = grid.zeros(), grid.remainders()
    for part in np.array_split(np.random.default_rng(0).permutation(21), 4):
        add_projections(grids, kept, grid, p[part], angles[part], weights[part], 14.0)
    np.testing.assert_allclose(grids, at_once, atol=1e-5 * np.abs(at_once).max())


def test_cleared_grids_are_empty() -> None:
    grid = Grid(3, 16)
    grids = np.full_like(grid.zeros(), np.nan)
    clear(grids)
    assert not grids.any()
    assert grids.nbytes == grid.bytes


@pytest.mark.parametrize("name", ["sharp", "hann"])
@pytest.mark.parametrize(("rows", "n", "n_angles"), SHAPES)
def test_compiled_gridding_is_its_reference_to_rounding(
    rows: int, n: int, n_angles: int, name: str
) -> None:
    p, angles, weights = random_scan(rows, n, n_angles)
    grid, center_px = Grid(rows, n, name), n / 2 - 0.7
    grids = reference_gridding.spread(p, grid, angles, weights, center_px)
    right = reference_gridding.slices(grids, grid, SCALE)
    found = gridding_inverse.to_volume(
        grids_of(grid, p, angles, weights, center_px), grid, SCALE
    )
    np.testing.assert_allclose(found, right, atol=1e-5 * np.abs(right).max())
