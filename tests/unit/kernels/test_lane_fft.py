"""The transform of many sequences at once is NumPy's, for every radix."""

import numpy as np
import pytest
from numpy.typing import NDArray

from daiss_bluesky.kernels.lane_fft import fast_length, plan, transform
from daiss_bluesky.kernels.lanes import LANES


def run(x: NDArray[np.complex128]) -> NDArray[np.complex128]:
    """Transform (length, LANES)."""
    cells = np.stack([x.real, x.imag], axis=1).astype(np.float32).ravel()
    made = plan(len(x))
    found = transform(cells, np.full_like(cells, np.nan), made.radices, made.twiddles)
    parts = found.reshape(len(x), 2, LANES)
    return np.asarray(parts[:, 0] + 1j * parts[:, 1], np.complex128)


@pytest.mark.parametrize(
    "length", [2, 4, 6, 8, 10, 16, 18, 30, 50, 54, 64, 90, 96, 128, 250, 320, 360, 640]
)
def test_it_is_numpys(length: int) -> None:
    rng = np.random.default_rng(length)
    x = rng.normal(size=(length, LANES)) + 1j * rng.normal(size=(length, LANES))
    right = np.fft.fft(x, axis=0)
    np.testing.assert_allclose(run(x), right, atol=1e-6 * np.abs(right).max())


def test_the_inverse_is_the_same_with_parts_exchanged() -> None:
    rng = np.random.default_rng(1)
    x = rng.normal(size=(60, LANES)) + 1j * rng.normal(size=(60, LANES))
    inverse = 1j * np.conj(run(1j * np.conj(x)))
    np.testing.assert_allclose(inverse, np.fft.ifft(x, axis=0) * 60, atol=1e-4)


@pytest.mark.parametrize(("least", "length"), [(2, 2), (7, 8), (11, 12), (321, 324)])
def test_lengths_are_even_and_fast(least: int, length: int) -> None:
    assert fast_length(least) == length


def test_other_lengths_are_refused() -> None:
    with pytest.raises(ValueError, match="14 has a factor"):
        plan(14)
