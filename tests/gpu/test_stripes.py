"""Stripe correction on a device is its reference."""

from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.ndimage import median_filter

from daiss_bluesky.kernels import reference_stripes
from daiss_bluesky.kernels.cuda.stripes import medians, remove_stripes
from tests.gpu.poison import poisoned

pytestmark = pytest.mark.gpu


def sinograms(rows: int, n_angles: int, columns: int) -> NDArray[np.float32]:
    """Give smooth sinograms (row, angle, column) with stripes of all kinds."""
    rng = np.random.default_rng(columns)
    a, x = np.linspace(0, np.pi, n_angles)[:, None], np.arange(columns) / columns
    smooth = 1 + np.sin(3 * a + 5 * x) * np.cos(2 * x)
    found = np.repeat(smooth[None], rows, axis=0)
    found += rng.normal(0, 0.01, found.shape)
    found[:, :, columns // 5] += 0.3
    found[0, :, columns // 2 : columns // 2 + 4] += 0.5
    found[-1, :, columns // 3 : columns // 3 + 2] = 0.7
    return found.astype(np.float32)


@pytest.mark.parametrize("dtype", ["float32", "float16"])
@pytest.mark.parametrize(
    ("rows", "n_angles", "columns"),
    [(1, 1, 9), (3, 37, 50), (2, 128, 41), (2, 300, 300)],
)
def test_sorting_is_the_reference(
    cp: Any, rows: int, n_angles: int, columns: int, dtype: str
) -> None:
    p = sinograms(rows, n_angles, columns).astype(dtype)
    right = [reference_stripes.remove_by_sorting(s.astype(np.float64), 7) for s in p]
    device = cp.asarray(p)
    remove_stripes(device, 7)
    np.testing.assert_array_equal(device.get(), np.array(right).astype(dtype))


@pytest.mark.parametrize(("n_angles", "columns"), [(61, 90), (200, 130)])
def test_the_combined_method_is_the_reference(
    cp: Any, n_angles: int, columns: int
) -> None:
    p = sinograms(3, n_angles, columns)
    right = [
        reference_stripes.remove_combined(s.astype(np.float64), 5, 21, 3.0) for s in p
    ]
    device = cp.asarray(p)
    remove_stripes(device, 5, 21)
    np.testing.assert_allclose(device.get(), right, atol=2e-6)
    assert np.abs(device.get() - p).max() > 0.2


def test_equal_values_stay_in_order(cp: Any) -> None:
    rng = np.random.default_rng(3)
    p = rng.integers(-2, 3, (2, 70, 12)).astype(np.float32)
    p[p == 0] *= rng.choice([-1, 1], (p == 0).sum()).astype(np.float32)
    right = [reference_stripes.remove_by_sorting(s.astype(np.float64), 3) for s in p]
    device = cp.asarray(p)
    remove_stripes(device, 3)
    np.testing.assert_array_equal(device.get(), np.array(right))


@pytest.mark.parametrize("width", [5, 31, 151])
def test_medians_across_columns(cp: Any, width: int) -> None:
    values = np.random.default_rng(width).normal(size=(2, 300, 33)).astype(np.float32)
    found = poisoned(cp, values.shape)
    medians(cp.asarray(values), width, found)
    right = median_filter(values, (1, width, 1))
    np.testing.assert_array_equal(found.get(), right)
