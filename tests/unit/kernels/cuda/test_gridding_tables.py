"""Tables that the gridding kernels read, checked without a device."""

import numpy as np
import pytest

from daiss_bluesky.kernels.cuda import gridding_tables
from daiss_bluesky.kernels.cuda.gridding_tables import SIDE, Lines
from daiss_bluesky.kernels.gridding import PAD, Grid
from daiss_bluesky.kernels.kaiser_bessel import STEPS, WIDTH


def test_the_window_as_one_line_is_the_window_by_grid_points() -> None:
    grid = Grid(1, 40)
    knots, table = gridding_tables.knots(grid), grid.table
    for m in range(WIDTH):
        for s in (0, 1, 100, STEPS - 1):
            place = 1 + (m + 1) * STEPS - s
            assert knots[place] == table[s, m]
            np.testing.assert_allclose(knots[place - 1], table[s + 1, m], atol=1e-7)


def test_a_coordinate_just_below_a_grid_point_is_on_it() -> None:
    grid = Grid(1, 40)
    knots, table = gridding_tables.knots(grid), grid.table
    for m in range(WIDTH):
        assert knots[1 + m * STEPS] == pytest.approx(table[STEPS, m], abs=1e-7)
    assert knots[0] == knots[1] == 0


def test_lines_are_in_order_of_direction_and_know_their_places() -> None:
    angles = np.random.default_rng(0).uniform(-4, 9, 50)
    lines = Lines.of(angles)
    assert (np.diff(lines.directions) >= 0).all()
    assert sorted(lines.places) == list(range(50))
    np.testing.assert_array_equal(
        lines.cosines[lines.places], np.cos(angles, dtype="f8").astype("f4")
    )
    np.testing.assert_allclose(
        np.abs(np.sin(lines.directions[lines.places] - angles)), 0, atol=1e-6
    )


def test_shifts_and_frequencies_are_those_of_the_spectra() -> None:
    grid, rng = Grid(1, 21), np.random.default_rng(1)
    angles, weights = rng.uniform(0, 7, 6), rng.uniform(1, 2, 6)
    turns = grid.turns(angles, weights, 9.3)
    shifts = gridding_tables.shifts_px(angles, 9.3, 21)
    phase = -2 * np.pi * shifts[:, None] * grid.frequencies
    amplitude = weights[:, None] * grid.response
    np.testing.assert_allclose(turns[..., 0], amplitude * np.cos(phase), atol=1e-7)
    ascending = gridding_tables.frequencies(grid)
    assert (np.diff(ascending) > 0).all()
    assert ascending[grid.row_plan.length // 2] == 0


@pytest.mark.parametrize("size", [10, 12, 16, 54, 60])
def test_blocks_cover_the_grid_once_and_the_rim_where_windows_reach(size: int) -> None:
    inside, rim = gridding_tables.anchors(size)
    half = size // 2
    count = np.zeros((size + 2 * SIDE,) * 2, int)
    for u, v in np.concatenate([inside, rim]):
        for cell_u in range(u, u + SIDE):
            for cell_v in range(v, v + SIDE):
                # As the kernel: what sticks out of the grid is another block's.
                beyond_u = u < half <= cell_u
                beyond_v = v < half <= cell_v
                if not (beyond_u or beyond_v):
                    count[cell_u + half + SIDE, cell_v + half + SIDE] += 1
    assert count.max() == 1
    middle = np.arange(-half - SIDE, half + SIDE)
    v, u = np.meshgrid(middle, middle)
    inner = (np.abs(u + 0.5) < half) & (np.abs(v + 0.5) < half)
    reached = np.hypot(u, v) < half + PAD
    assert (count[inner | reached] == 1).all()


def test_what_takes_long_comes_first() -> None:
    inside, _ = gridding_tables.anchors(256)
    away = np.hypot(*(inside + SIDE / 2).T)
    dense = int((away < 60).sum())
    assert away[:dense].max() < away[-dense:].min()
    assert (np.diff(inside[-32:, 0]) == SIDE).all()
