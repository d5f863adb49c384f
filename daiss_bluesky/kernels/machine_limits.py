"""What the machine can do at best: memory, arithmetic and transforms, both cores."""

import time
from collections.abc import Callable

import numpy as np
from numba import get_num_threads, njit, prange

from daiss_bluesky.kernels.lane_fft import CELL, plan, transform
from daiss_bluesky.kernels.lanes import LANES, load, multiply_add, splat, store

_TRIAD_FLOATS = 32_000_000
_CHAINS = 8
_FMA_ROUNDS = 400_000
_FFT_LENGTH, _FFT_ROUNDS = 1024, 2000
_REPEATS = 3


def measure_limits() -> dict[str, float]:
    """Measure; takes about a second. Keys carry their units."""
    return {
        "triad_gb_per_s": _triad(),
        "fma_gflop_per_s": _fma(),
        "fft_gflop_per_s": _fft(),
    }


def _best_s(work: Callable[[], object]) -> float:
    work()
    times_s = []
    for _ in range(_REPEATS):
        began_s = time.perf_counter()
        work()
        times_s.append(time.perf_counter() - began_s)
    return min(times_s)


def _triad() -> float:
    a, b, c = (np.ones(_TRIAD_FLOATS, np.float32) for _ in range(3))
    # Two read, one written and, before that, fetched.
    moved = 4 * a.nbytes
    return moved / _best_s(lambda: _add_scaled(a, b, c)) / 1e9


def _fma() -> float:
    threads = get_num_threads()
    out = np.zeros((threads, LANES), np.float32)
    operations = 2 * LANES * _CHAINS * _FMA_ROUNDS * threads
    return float(operations / _best_s(lambda: _multiply_add_often(out)) / 1e9)


def _fft() -> float:
    threads = get_num_threads()
    made = plan(_FFT_LENGTH)
    cells = np.zeros((threads, 2, _FFT_LENGTH * CELL), np.float32)
    one = 5 * _FFT_LENGTH * np.log2(_FFT_LENGTH) * LANES
    best_s = _best_s(lambda: _transform_often(cells, made.radices, made.twiddles))
    return float(one * _FFT_ROUNDS * threads / best_s / 1e9)


@njit(cache=True, nogil=True, parallel=True)
def _add_scaled(a, b, c):  # type: ignore[no-untyped-def]
    for i in prange(a.size):
        a[i] = b[i] + np.float32(0.5) * c[i]


@njit(cache=True, nogil=True, parallel=True)
def _multiply_add_often(out):  # type: ignore[no-untyped-def]
    for thread in prange(out.shape[0]):
        row = out[thread]
        x, y = splat(np.float32(0.999)), splat(np.float32(1e-6))
        a = b = c = d = e = f = g = h = load(row, 0)
        for _ in range(_FMA_ROUNDS):
            a, b = multiply_add(a, x, y), multiply_add(b, x, y)
            c, d = multiply_add(c, x, y), multiply_add(d, x, y)
            e, f = multiply_add(e, x, y), multiply_add(f, x, y)
            g, h = multiply_add(g, x, y), multiply_add(h, x, y)
        ab, cd = multiply_add(a, x, b), multiply_add(c, x, d)
        ef, gh = multiply_add(e, x, f), multiply_add(g, x, h)
        store(row, 0, multiply_add(ab, cd, multiply_add(ef, gh, y)))


@njit(cache=True, nogil=True, parallel=True)
def _transform_often(cells, radices, twiddles):  # type: ignore[no-untyped-def]
    for thread in prange(cells.shape[0]):
        for _ in range(_FFT_ROUNDS):
            transform(cells[thread, 0], cells[thread, 1], radices, twiddles)
