"""Columns of a sinogram that are no use at all, and wide stripes among them.

Defined by `reference_stripes`.
"""

import numpy as np
from numba import njit

from daiss_bluesky.kernels.lanes import LANES
from daiss_bluesky.kernels.reference_stripes import (
    AVERAGED,
    DROPPED,
    FITTED,
    LEAST_OFFSET,
    LEAST_RATIO,
    SMOOTH_ANGLES,
)
from daiss_bluesky.kernels.running_median import medians_at, reflect, running_median


@njit(cache=True, nogil=True)
def find_dead(p, row, window, snr):  # type: ignore[no-untyped-def]
    """Mark the columns of one row that change too much, or too little, with angle."""
    n = p.shape[2]
    restless = np.zeros((n, 1), np.float32)
    restless[:, 0] = _restlessness(p, row)
    usual = np.empty_like(restless)
    running_median(restless, window, usual)
    ratio = np.ones(n, np.float32)
    for x in range(n):
        if usual[x, 0] > 0:
            ratio[x] = restless[x, 0] / usual[x, 0]
    dead = _widen(_outliers(ratio, snr, LEAST_RATIO))
    dead[:2] = False
    dead[n - 2 :] = False
    return dead


@njit(cache=True, nogil=True)
def _restlessness(p, row):  # type: ignore[no-untyped-def]
    """Sum how far each value is from the mean of its neighbors in angle."""
    n_angles, _, n = p.shape
    half = SMOOTH_ANGLES // 2
    total, away = np.zeros(n), np.zeros(n)
    for i in range(-half, half):
        entering = p[reflect(i, n_angles), row]
        for x in range(n):
            total[x] += np.float64(entering[x])
    for a in range(n_angles):
        here = p[a, row]
        entering = p[reflect(a + half, n_angles), row]
        leaving = p[reflect(a - half, n_angles), row]
        for x in range(n):
            away[x] += abs(np.float64(here[x]) - total[x] / SMOOTH_ANGLES)
            total[x] += np.float64(entering[x]) - np.float64(leaving[x])
    return away


@njit(cache=True, nogil=True)
def find_wide(ranked, n, n_angles, window, snr):  # type: ignore[no-untyped-def]
    """Find the columns of wide stripes, ascending, from columns that are sorted.

    Rank k stands in ranked[k // LANES], which is (column, LANES), flat.
    """
    drop = int(DROPPED * n_angles)
    step = max(1, (n_angles - 2 * drop) // AVERAGED)
    count = (n_angles - 2 * drop + step - 1) // step
    some = np.zeros(n * LANES, np.float32)
    smooth = np.empty_like(some)
    everywhere = np.arange(n)
    sums, squares = np.zeros(n), np.zeros(n)
    for first in range(0, count, LANES):
        for lane in range(LANES):
            k = drop + (first + lane) * step
            inside = first + lane < count
            for x in range(n):
                value = ranked[k // LANES, x * LANES + k % LANES] if inside else 0
                some[x * LANES + lane] = value
        medians_at(some, everywhere, window, smooth)
        _add_up(some, smooth, sums, squares)
    offset = (sums / count).astype(np.float32)
    variance = np.maximum(squares / count - (sums / count) ** 2, 0.0)
    steady = np.abs(offset) > np.sqrt(variance)
    return np.flatnonzero(_widen(_outliers(offset, snr, LEAST_OFFSET) & steady))


@njit(cache=True, nogil=True, fastmath={"reassoc", "contract"})
def _add_up(some, smooth, sums, squares):  # type: ignore[no-untyped-def]
    for x in range(sums.size):
        total, square = 0.0, 0.0
        for i in range(x * LANES, (x + 1) * LANES):
            away = np.float64(some[i] - smooth[i])
            total += away
            square += away * away
        sums[x] += total
        squares[x] += square


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
