import numpy as np
import pytest

from daiss_bluesky.core.errors import InputError
from daiss_bluesky.kernels.scan_map import ScanMap


def field(
    positions: np.ndarray[tuple[int, int], np.dtype[np.float64]],
) -> np.ndarray[tuple[int, int], np.dtype[np.float64]]:
    down, across = positions.T
    return np.stack([3 + 0.2 * down - 0.1 * across, np.cos(down / 9)], axis=1)


def test_a_smooth_field_is_drawn_as_it_is() -> None:
    lines = np.arange(-40.37, 90, 0.5)
    positions = np.stack(np.meshgrid(lines, lines), -1).reshape(-1, 2)
    drawn = ScanMap(2, 2.0)
    drawn.add(positions, field(positions))
    image = drawn.image()
    rows = drawn.origin[0] + 2.0 * np.arange(drawn.shape[0])
    columns = drawn.origin[1] + 2.0 * np.arange(drawn.shape[1])
    places = np.stack(np.meshgrid(rows, columns, indexing="ij"), axis=-1)
    inside = ((places > -36) & (places < 86)).all(axis=-1)
    expected = field(places[inside])
    np.testing.assert_allclose(image[:, inside].T, expected, atol=0.03)
    assert (drawn.coverage[inside] > 0).all()


def test_order_and_batches_make_no_difference() -> None:
    rng = np.random.default_rng(3)
    positions = rng.uniform(-50, 50, (200, 2))
    values = field(positions)
    whole, parts = ScanMap(2, 3.0), ScanMap(2, 3.0)
    whole.add(positions, values)
    for i in rng.permutation(200):
        parts.add(positions[i : i + 1], values[i : i + 1])
    first = np.rint((np.array(whole.origin) - parts.origin) / 3.0).astype(int)
    rows, columns = whole.shape
    cut = np.s_[:, first[0] : first[0] + rows, first[1] : first[1] + columns]
    np.testing.assert_allclose(parts.image()[cut], whole.image(), rtol=1e-5, atol=1e-6)
    total = parts.coverage.sum()
    assert total == pytest.approx(whole.coverage.sum(), rel=1e-5)


def test_the_first_frame_shows_and_neighbors_leave_no_gaps() -> None:
    drawn = ScanMap(1, 5.0)
    assert drawn.image().shape == (1, 0, 0)
    drawn.add(np.array([[12.0, -7.0]]), np.array([[4.0]]))
    assert drawn.image().max() == 4.0
    assert drawn.image(empty=-1.0).min() == -1.0
    raster = np.stack(np.meshgrid(*2 * [np.arange(0.3, 60, 5.0)]), -1).reshape(-1, 2)
    drawn.add(raster, np.full((len(raster), 1), 2.0))
    inside = np.rint((30 - np.array(drawn.origin)) / 5.0).astype(int)
    near = np.s_[inside[0] - 4 : inside[0] + 4, inside[1] - 4 : inside[1] + 4]
    np.testing.assert_allclose(drawn.image()[0][near], 2.0)


def test_frames_without_light_count_nowhere() -> None:
    drawn = ScanMap(1, 1.0)
    drawn.add(np.zeros((2, 2)), np.array([[np.nan], [np.nan]]))
    assert drawn.shape == (0, 0)
    drawn.add(np.zeros((2, 2)), np.array([[np.nan], [5.0]]))
    assert drawn.image().max() == 5.0


def test_maps_that_cannot_be_are_refused() -> None:
    with pytest.raises(InputError, match=r"pixels of 0\.0 cannot"):
        ScanMap(1, 0.0)
    drawn = ScanMap(1, 1.0)
    with pytest.raises(
        InputError, match=r"shape \(3, 2\) for 3 positions and a map of 1"
    ):
        drawn.add(np.zeros((3, 2)), np.zeros((3, 2)))
    with pytest.raises(InputError, match="is too large; positions or step"):
        drawn.add(np.array([[0.0, 0.0], [1e6, 0.0]]), np.zeros((2, 1)))
