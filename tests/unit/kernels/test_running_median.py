"""Running medians are SciPy's, edges too, for any window and any number of lanes."""

import numpy as np
import pytest
from scipy.ndimage import median_filter

from daiss_bluesky.kernels.lanes import LANES
from daiss_bluesky.kernels.running_median import medians_at, running_median


@pytest.mark.parametrize("shape", [(1, 1), (40, 3), (33, 16), (70, 35)])
@pytest.mark.parametrize("width", [1, 3, 7, 31, 99])
def test_every_place(shape: tuple[int, int], width: int) -> None:
    rng = np.random.default_rng(width)
    values = rng.normal(size=shape).astype(np.float32)
    values[::3] = np.round(values[::3])
    found = np.empty_like(values)
    running_median(values, width, found)
    np.testing.assert_array_equal(found, median_filter(values, (width, 1)))


@pytest.mark.parametrize(
    "places", [[], [0], [99], [0, 1, 2, 50, 51, 52, 97, 98, 99], [3, 9, 16, 23, 99]]
)
@pytest.mark.parametrize("width", [1, 5, 13])
def test_some_places_only(places: list[int], width: int) -> None:
    values = np.random.default_rng(1).normal(size=(100, LANES)).astype(np.float32)
    where = np.array(places, np.int64)
    found = np.empty((where.size, LANES), np.float32)
    medians_at(values.reshape(-1), where, width, found.reshape(-1))
    np.testing.assert_array_equal(found, median_filter(values, (width, 1))[where])
