import numpy as np
import pytest
from numpy.typing import NDArray

from daiss_bluesky.kernels import reference, reference_stripes
from daiss_bluesky.kernels.rings import (
    filter_constant,
    filter_series,
    ring_points,
    ring_slice,
    series_places,
    subtract_rings,
)

PI = np.pi
HALF, FULL = [[0.0, PI, 1.0]], [[0.0, 2 * PI, 0.5]]
PIECES = [[-0.4, 1.2, 1.0], [2.0, 2.7, 0.5], [5.0, 7.0, 1.0]]


def stripes_of(rows: int, n: int) -> NDArray[np.float32]:
    """Single columns, a pair, and noise in the last row."""
    d = np.zeros((rows, n), np.float32)
    d[:, n // 5], d[:, n // 2 : n // 2 + 2] = 0.3, -0.2
    d[-1] = np.random.default_rng(0).normal(0, 0.1, n)
    return d


def offsets(n: int) -> NDArray[np.float64]:
    return np.asarray(np.arange(n) - (n - 1) / 2)


@pytest.mark.parametrize("arcs", [HALF, FULL, PIECES], ids=["half", "full", "pieces"])
@pytest.mark.parametrize(
    ("rows", "n", "center_px"), [(2, 33, 16.5), (3, 32, 19.3), (2, 21, 4.0)]
)
def test_compiled_forms_equal_the_reference(
    arcs: list[list[float]], rows: int, n: int, center_px: float
) -> None:
    d = stripes_of(rows, n)
    where = np.array(arcs)
    y, x = (a.ravel() for a in np.meshgrid(offsets(n), offsets(n), indexing="ij"))
    expected = reference_stripes.backproject_constant(
        reference.filter_projections(d.astype(np.float64)), where, center_px, y, x
    ).reshape(rows, n, n)
    expected[:, ~reference.circle(n)] = 0.0
    top = np.abs(expected).max()
    q = filter_constant(d)
    volume = np.ones((rows, n, n), np.float32)
    subtract_rings(volume, q, where, center_px)
    assert np.abs(1.0 - volume - expected).max() < 0.03 * top
    assert np.sqrt(np.mean((1.0 - volume - expected) ** 2)) < 0.015 * expected.std()
    found = ring_slice(q, rows - 1, where, center_px)
    np.testing.assert_allclose(found, 1.0 - volume[-1], atol=1e-6)
    line = ring_points(q, where, center_px, np.full(n, offsets(n)[n // 2]), offsets(n))
    assert np.abs(line[:rows] - expected[:, n // 2]).max() < 1e-3 * top


def test_more_slices_than_fit_a_block_are_each_their_own() -> None:
    n, rows = 16, 150
    d = np.random.default_rng(1).normal(size=(rows, n)).astype(np.float32)
    arcs = np.array(HALF)
    volume = np.zeros((rows, n, n), np.float32)
    subtract_rings(volume, filter_constant(d), arcs, 8.2)
    for row in (0, 31, 32, 79, 80, 149):
        alone = ring_slice(filter_constant(d[row : row + 1]), 0, arcs, 8.2)
        np.testing.assert_allclose(-volume[row], alone, atol=2e-6)


@pytest.mark.parametrize("full_turn", [False, True])
def test_it_is_what_many_angles_sum_up_to(full_turn: bool) -> None:
    n, n_angles = 48, 1500
    d = stripes_of(2, n)
    turn = 2 * PI if full_turn else PI
    angles = np.arange(n_angles) * turn / n_angles
    p = np.broadcast_to(d.astype(np.float64), (n_angles, 2, n))
    weights = np.full(n_angles, PI / n_angles)
    expected = reference.reconstruct(p, angles, weights, 25.75)
    volume = expected.astype(np.float32)
    arcs = np.array(FULL if full_turn else HALF)
    subtract_rings(volume, filter_constant(d), arcs, 25.75)
    assert np.sqrt(np.mean(volume**2)) < 0.015 * expected.std()


@pytest.mark.parametrize("name", ["sharp", "ramp", "hann"])
@pytest.mark.parametrize(("n", "center_px"), [(48, 24.0), (33, 19.4)])
def test_a_series_is_what_many_angles_of_it_sum_up_to(
    name: str, n: int, center_px: float
) -> None:
    n_angles, rows = 300, 35
    d = stripes_of(rows, n)
    angles = np.arange(n_angles) * PI / n_angles
    some = [0, 31, 32, rows - 1]
    p = np.broadcast_to(d[some].astype(np.float64), (n_angles, len(some), n))
    weights = np.full(n_angles, PI / n_angles)
    exact = reference.interpolate_exactly(p, angles, weights, center_px, name)
    places, arcs = series_places(n, center_px), np.array(HALF)
    q = filter_series(d, name, places)
    volume = np.zeros((rows, n, n), np.float32)
    subtract_rings(volume, q, arcs, center_px, places)
    assert np.sqrt(np.mean((volume[some] + exact) ** 2)) < 0.03 * exact.std()
    found = ring_slice(q, 32, arcs, center_px, places)
    np.testing.assert_allclose(found, -volume[32], atol=1e-6)
    at = np.full(n, offsets(n)[n // 3])
    line = ring_points(q, arcs, center_px, offsets(n), at, places)
    away = line[:rows] + volume[:, :, n // 3]
    assert np.abs(away).max() < 0.03 * np.abs(exact).max()
