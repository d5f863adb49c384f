"""Values of many lanes are what NumPy makes of the same numbers."""

import numpy as np
from numba import njit
from numpy.typing import NDArray

from daiss_bluesky.kernels.lane_blocks import follow, join, split, transpose
from daiss_bluesky.kernels.lanes import (
    LANES,
    divide,
    load,
    load_uint16,
    maximum,
    square_root,
    store,
    zeros,
)

Floats = NDArray[np.float32]

A = np.random.default_rng(0).random(400).astype(np.float32)


@njit
def _transpose(
    source: Floats, at: int, step: int, target: Floats, to: int, to_step: int
) -> None:
    transpose(source, at, step, target, to, to_step)


@njit
def _rearrange(source: Floats, at: int, target: Floats) -> None:
    a, b = load(source, at), load(source, at + LANES)
    real, imag = split(a, b)
    store(target, 0, real)
    store(target, LANES, imag)
    a, b = join(real, imag)
    store(target, 2 * LANES, a)
    store(target, 3 * LANES, b)
    store(target, 4 * LANES, follow(a, b))


@njit
def _calculate(source: Floats, counts: NDArray[np.uint16], target: Floats) -> None:
    a, b = load(source, 3), load(source, 40)
    store(target, 0, divide(a, b))
    store(target, LANES, maximum(a, b))
    store(target, 2 * LANES, square_root(a))
    store(target, 3 * LANES, load_uint16(counts, 1))


def test_blocks_are_transposed_between_any_steps() -> None:
    target = np.full(500, np.nan, np.float32)
    _transpose(A, 5, 20, target, 7, 25)
    rows, columns = np.mgrid[:LANES, :LANES]
    np.testing.assert_array_equal(
        target[7 + 25 * columns + rows], A[5 + 20 * rows + columns]
    )
    assert np.isfinite(target).sum() == LANES**2


def test_pairs_are_taken_apart_and_put_together() -> None:
    target = zeros((5, LANES))
    _rearrange(A, 11, target.ravel())
    part = A[11 : 11 + 2 * LANES]
    np.testing.assert_array_equal(target[0], part[::2])
    np.testing.assert_array_equal(target[1], part[1::2])
    np.testing.assert_array_equal(target[2:4].ravel(), part)
    np.testing.assert_array_equal(target[4], part[LANES - 1 : -1])


def test_arithmetic_is_numpys() -> None:
    target = zeros((4, LANES))
    counts = np.linspace(0, 65535, 20).astype(np.uint16)
    _calculate(A, counts, target.ravel())
    a, b = A[3 : 3 + LANES], A[40 : 40 + LANES]
    right = np.stack([a / b, np.maximum(a, b), np.sqrt(a), counts[1 : 1 + LANES]])
    np.testing.assert_allclose(target, right, rtol=3e-7)


def test_zeros_begin_on_a_cache_line() -> None:
    for shape, dtype in (((3, 5), np.float32), ((7,), np.uint16), ((0, 4), np.uint16)):
        made = zeros(shape, dtype)
        assert made.shape == shape
        assert made.dtype == dtype
        assert made.flags.c_contiguous
        assert made.size == 0 or made.ctypes.data % 64 == 0
        assert not made.any()
