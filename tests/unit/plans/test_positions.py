"""Where the probe goes in a grid, a spiral or a list."""

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.spatial.distance import cdist

from daiss_bluesky.core.errors import InputError
from daiss_bluesky.plans.positions import grid_um, listed_um, spiral_um


def grid(**changed: float) -> NDArray[np.float64]:
    arguments = {"jitter": 0.0, "seed": 0} | changed
    return np.array(grid_um(0.5, (1.0, 1.5), (10.0, -20.0), **arguments))  # type: ignore[arg-type]


def test_a_grid_goes_row_by_row_every_other_one_backwards() -> None:
    rows, columns = [9.5, 10.0, 10.5], [-20.75, -20.25, -19.75, -19.25]
    expected = [
        (row, column)
        for number, row in enumerate(rows)
        for column in columns[:: 1 if number % 2 == 0 else -1]
    ]
    np.testing.assert_allclose(grid(), expected)


def test_jitter_moves_every_place_by_less_than_asked_for_and_is_seeded() -> None:
    off = grid(jitter=0.3) - grid()
    assert np.abs(off).max() <= 0.15
    assert np.abs(off).min(axis=1).max() > 0
    assert len(np.unique(off)) > 20
    np.testing.assert_array_equal(grid(jitter=0.3), grid(jitter=0.3))
    assert np.any(grid(jitter=0.3, seed=1) != grid(jitter=0.3))


def test_a_spiral_goes_outwards_by_the_golden_angle() -> None:
    places = np.array(spiral_um(0.2, (20.0, 20.0), (3.0, -4.0)))[:2000] - (3.0, -4.0)
    n = np.arange(len(places))
    radius = np.hypot(*places.T)
    np.testing.assert_allclose(radius, 0.2 * np.sqrt(n / np.pi), atol=2e-4)
    angle = np.unwrap(np.arctan2(places[200:, 0], places[200:, 1]))
    turn = np.diff(angle) % (2 * np.pi)
    np.testing.assert_allclose(turn, np.pi * (3 - np.sqrt(5)), atol=1e-3)


def test_a_spiral_stays_inside_and_has_a_grids_density() -> None:
    places = np.array(spiral_um(0.2, (4.0, 8.0), (0.0, 0.0)))
    assert np.abs(places).max(axis=0) == pytest.approx((2.0, 4.0), abs=0.1)
    assert np.abs(places)[:, 0].max() <= 2.0
    assert len(places) == pytest.approx(4 * 8 / 0.2**2, rel=0.05)
    apart = cdist(places, places) + np.eye(len(places)) * 9
    assert 0.7 * 0.2 < np.median(apart.min(axis=1)) < 1.3 * 0.2


def test_a_spiral_in_a_line_is_refused() -> None:
    with pytest.raises(InputError, match="too narrow for a spiral"):
        spiral_um(0.01, (0.05, 100.0), (0.0, 0.0))


def test_a_list_is_taken_as_it_is() -> None:
    assert listed_um([[1, 2], (3.5, -4)]) == [(1.0, 2.0), (3.5, -4.0)]


@pytest.mark.parametrize(
    ("listed", "sentence"),
    [
        pytest.param([], r"list of pairs \(row, column\)", id="none"),
        pytest.param([1.0, 2.0], "list of pairs", id="flat"),
        pytest.param([(1, 2), (3,)], "list of pairs", id="ragged"),
        pytest.param([(1, 2, 3), (1, 2, 3)], "list of pairs", id="threes"),
        pytest.param([("a", 2), (1, 2)], "list of pairs", id="text"),
        pytest.param([(1, 2)], "at least 2 positions, not 1", id="one"),
        pytest.param([(1, 2), (np.nan, 2)], r"positions_um\[1\]", id="nan"),
    ],
)
def test_what_is_no_list_of_pairs_is_refused(
    listed: list[object], sentence: str
) -> None:
    with pytest.raises(InputError, match=sentence):
        listed_um(listed)
