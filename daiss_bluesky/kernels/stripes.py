"""Stripe correction of attenuation, one sinogram for each core at a time.

Defined by `reference_stripes`.
"""

import numpy as np
from numba import get_num_threads, njit, prange
from numpy.typing import NDArray

from daiss_bluesky.kernels.reference_stripes import (
    AVERAGED,
    DROPPED,
    FITTED,
    LEAST_OFFSET,
    LEAST_RATIO,
    SMOOTH_ANGLES,
)
from daiss_bluesky.kernels.running_median import (
    middle_value,
    reflect,
    running_median,
)
from daiss_bluesky.kernels.threads import threads_for

_TILE = 16
"""Angles transposed together: one cache line."""

_DIGIT_BITS = 8
_DIGITS = 4


def add_weighted(
    total: NDArray[np.float64], p: NDArray[np.float32], weights: NDArray[np.float64]
) -> None:
    """Add the weighted sum of frames (frame, row, column) to a total, in place."""
    with threads_for(p.size):
        _add_weighted(total, p, weights.astype(np.float32))


@njit(cache=True, nogil=True, parallel=True, fastmath={"contract"})
def _add_weighted(total, p, weights):  # type: ignore[no-untyped-def]
    for y in prange(total.shape[0]):
        row = np.zeros(total.shape[1], np.float32)
        for a in range(p.shape[0]):
            for x in range(row.size):
                row[x] += weights[a] * p[a, y, x]
        for x in range(row.size):
            total[y, x] += row[x]


def stripe_image(mean: NDArray[np.float32], window_px: int) -> NDArray[np.float32]:
    """Give the constant error of each pixel from the mean projection (row, column).

    Subtracting it from every projection takes the rings away. The window (odd) must be
    more than twice as wide as a stripe.
    """
    turned = np.ascontiguousarray(mean.T)
    smooth = np.empty_like(turned)
    running_median(turned, window_px, smooth)
    return mean - smooth.T


def remove_stripes(
    p: NDArray[np.float32],
    window_px: int,
    large_window_px: int | None = None,
    snr: float = 3.0,
) -> None:
    """Remove stripes from attenuation (angle, row, column), in place.

    By sorting; with a large window dead and wide stripes are mended first (combined
    method). Windows are odd. All angles of a row must be there; rows do not depend on
    each other. Works in 16 bytes for each pixel of one sinogram and core. Source: Vo,
    Atwood, Drakopoulos, Opt. Express 26, 28396 (2018), algorithms 3 to 6.
    """
    workers = min(get_num_threads(), p.shape[1])
    large = 0 if large_window_px is None else large_window_px
    _remove(p, window_px, large, np.float32(snr), workers)


@njit(cache=True, nogil=True, parallel=True)
def _remove(p, window, large, snr, workers):  # type: ignore[no-untyped-def]
    n_angles, rows, n = p.shape
    for worker in prange(workers):
        sinogram = np.empty((n, n_angles), np.float32)
        ranked = np.empty((n, n_angles), np.float32)
        smooth = np.empty((n, n_angles), np.float32)
        order = np.empty((n, n_angles), np.int32)
        for row in range(worker, rows, workers):
            _take(p, row, sinogram)
            if large:
                _fill_dead(sinogram, large, snr)
            _sort(sinogram, ranked, order)
            if large:
                _replace_wide(ranked, large, snr)
            running_median(ranked, window, smooth)
            for x in range(n):
                for k in range(n_angles):
                    sinogram[x, order[x, k]] = smooth[x, k]
            _give(sinogram, row, p)


@njit(cache=True, nogil=True)
def _take(p, row, sinogram):  # type: ignore[no-untyped-def]
    n, n_angles = sinogram.shape
    for first in range(0, n_angles, _TILE):
        last = min(first + _TILE, n_angles)
        for x in range(n):
            for a in range(first, last):
                sinogram[x, a] = p[a, row, x]


@njit(cache=True, nogil=True)
def _give(sinogram, row, p):  # type: ignore[no-untyped-def]
    n, n_angles = sinogram.shape
    for first in range(0, n_angles, _TILE):
        last = min(first + _TILE, n_angles)
        for x in range(n):
            for a in range(first, last):
                p[a, row, x] = sinogram[x, a]


@njit(cache=True, nogil=True)
def _sort(sinogram, ranked, order):  # type: ignore[no-untyped-def]
    """Sort each column by the digits of its floats' bits, from the last (stable)."""
    n, n_angles = sinogram.shape
    bits = sinogram.view(np.int32)
    this = np.empty(n_angles, np.uint64)
    other = np.empty(n_angles, np.uint64)
    base = 1 << _DIGIT_BITS
    starts = np.empty((_DIGITS, base), np.int64)
    for x in range(n):
        starts[:] = 0
        for a in range(n_angles):
            b = bits[x, a]
            # Bits that ascend with the float: all flipped where it is negative.
            flip = (b >> 31) | np.int32(-(2**31))
            key = np.uint64(np.uint32(b ^ flip))
            this[a] = (key << np.uint64(32)) | np.uint64(a)
            for d in range(_DIGITS):
                starts[
                    d, (key >> np.uint64(_DIGIT_BITS * d)) & np.uint64(base - 1)
                ] += 1
        for d in range(_DIGITS):
            _pass(this, other, starts[d], np.uint64(32 + _DIGIT_BITS * d))
            this, other = other, this
        for k in range(n_angles):
            index = np.int64(this[k] & np.uint64(0xFFFFFFFF))
            order[x, k] = index
            ranked[x, k] = sinogram[x, index]


@njit(cache=True, nogil=True)
def _pass(this, other, starts, shift):  # type: ignore[no-untyped-def]
    total = 0
    for digit in range(starts.size):
        count = starts[digit]
        starts[digit] = total
        total += count
    for entry in this:
        digit = (entry >> shift) & np.uint64(starts.size - 1)
        other[starts[digit]] = entry
        starts[digit] += 1


@njit(cache=True, nogil=True)
def _replace_wide(ranked, window, snr):  # type: ignore[no-untyped-def]
    n, n_angles = ranked.shape
    drop = int(DROPPED * n_angles)
    step = max(1, (n_angles - 2 * drop) // AVERAGED)
    some = np.ascontiguousarray(ranked[:, drop : n_angles - drop : step])
    smooth = np.empty_like(some)
    running_median(some, window, smooth)
    offset = np.empty(n, np.float32)
    steady = np.empty(n, np.bool_)
    for x in range(n):
        away = some[x] - smooth[x]
        offset[x] = np.mean(away)
        steady[x] = abs(offset[x]) > np.std(away)
    wide = np.flatnonzero(_widen(_outliers(offset, snr, LEAST_OFFSET) & steady))
    replaced = np.empty((wide.size, n_angles), np.float32)
    around = np.empty(window, np.float32)
    for i, column in enumerate(wide):
        for k in range(n_angles):
            for j in range(window):
                around[j] = ranked[reflect(column - window // 2 + j, n), k]
            replaced[i, k] = middle_value(around)
    for i, column in enumerate(wide):
        ranked[column] = replaced[i]


@njit(cache=True, nogil=True)
def _fill_dead(sinogram, window, snr):  # type: ignore[no-untyped-def]
    n = sinogram.shape[0]
    restless = np.empty((n, 1), np.float32)
    usual = np.empty((n, 1), np.float32)
    for x in range(n):
        restless[x, 0] = _restlessness(sinogram[x])
    running_median(restless, window, usual)
    ratio = np.ones(n, np.float32)
    for x in range(n):
        if usual[x, 0] > 0:
            ratio[x] = restless[x, 0] / usual[x, 0]
    dead = _widen(_outliers(ratio, snr, LEAST_RATIO))
    dead[:2] = False
    dead[n - 2 :] = False
    left = 0
    for x in range(1, n):
        if dead[x]:
            continue
        for between in range(left + 1, x):
            u = np.float32(between - left) / np.float32(x - left)
            for a in range(sinogram.shape[1]):
                near, far = sinogram[left, a], sinogram[x, a]
                sinogram[between, a] = near + u * (far - near)
        left = x


@njit(cache=True, nogil=True)
def _restlessness(line):  # type: ignore[no-untyped-def]
    n = line.size
    half = SMOOTH_ANGLES // 2
    total = 0.0
    for i in range(-half, half):
        total += line[reflect(i, n)]
    away = 0.0
    for a in range(n):
        away += abs(line[a] - total / SMOOTH_ANGLES)
        total += line[reflect(a + half, n)] - line[reflect(a - half, n)]
    return away


@njit(cache=True, nogil=True)
def _outliers(values, snr, least):  # type: ignore[no-untyped-def]
    n = values.size
    ranked = np.sort(values)
    drop = int(FITTED * n)
    count = n - 2 * drop
    middle = (n - 1) / 2
    mean = 0.0
    for i in range(drop, n - drop):
        mean += ranked[i] / count
    rise, square = 0.0, 0.0
    for i in range(drop, n - drop):
        rise += (i - middle) * (ranked[i] - mean)
        square += (i - middle) ** 2
    half = middle * rise / max(square, 1.0)
    low, high = mean - half, mean + half
    noise = max(high - low, least)
    found = np.zeros(n, np.bool_)
    if ranked[n - 1] - high >= snr * noise:
        found |= values > high + 0.5 * snr * noise
    if low - ranked[0] >= snr * noise:
        found |= values < low - 0.5 * snr * noise
    return found


@njit(cache=True, nogil=True)
def _widen(mask):  # type: ignore[no-untyped-def]
    wide = mask.copy()
    wide[1:] |= mask[:-1]
    wide[:-1] |= mask[1:]
    return wide
