"""Stripe correction of attenuation, one sinogram for each core at a time.

A sinogram is read once and written once, some columns at a time, which are turned
around so that a column lies together. What is sorted lies LANES ranks side by side.
Defined by `reference_stripes`.
"""

import numpy as np
from numba import get_num_threads, njit, prange
from numpy.typing import NDArray

from daiss_bluesky.kernels.bad_columns import find_dead, find_wide
from daiss_bluesky.kernels.lane_blocks import transpose
from daiss_bluesky.kernels.lanes import LANES, load, store
from daiss_bluesky.kernels.ranking import desk, rank
from daiss_bluesky.kernels.running_median import medians_at, running_median
from daiss_bluesky.kernels.threads import threads_for

_PANEL = 64
"""Columns turned around together; they stay in the second-level cache."""


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


def work_bytes(n_angles: int, rows: int, columns: int) -> int:
    """Tell what `remove_stripes` works in, for all cores."""
    column = n_angles + 2 * LANES
    sinogram = 2 * column * (columns + 1) + (_PANEL + 8) * column + 8 * LANES * columns
    return 4 * sinogram * min(int(get_num_threads()), rows)


def remove_stripes(
    p: NDArray[np.float32],
    window_px: int,
    large_window_px: int | None = None,
    snr: float = 3.0,
) -> None:
    """Remove stripes from attenuation (angle, row, column), in place.

    By sorting; with a large window dead and wide stripes are mended first (combined
    method). Windows are odd. All angles of a row must be there; rows do not depend on
    each other. Works in `work_bytes`. Source: Vo, Atwood, Drakopoulos, Opt. Express 26,
    28396 (2018), algorithms 3 to 6.
    """
    workers = min(get_num_threads(), p.shape[1])
    large = 0 if large_window_px is None else large_window_px
    whole = np.ascontiguousarray(p)
    _remove(whole, window_px, large, np.float32(snr), workers)
    if whole is not p:
        p[:] = whole


@njit(cache=True, nogil=True, parallel=True)
def _remove(p, window, large, snr, workers):  # type: ignore[no-untyped-def]
    n_angles, rows, n = p.shape
    flat = p.reshape(-1)
    for worker in prange(workers):
        ranked = np.zeros((_blocks(n_angles) + 1, (n + 1) * LANES), np.float32)
        order = np.empty((n, n_angles), np.uint32)
        panel = np.zeros((_PANEL, _stride(n_angles)), np.float32)
        wide = np.zeros(0, np.int64)
        for row in range(worker, rows, workers):
            dead = find_dead(p, row, large, snr) if large else np.zeros(n, np.bool_)
            _rank_columns(p, flat, row, dead, panel, ranked, order)
            if large:
                wide = find_wide(ranked[1:], n, n_angles, large, snr)
            _smooth(ranked, n, window, wide, large)
            _put_back(flat, row, rows, panel, ranked, order)


@njit(cache=True, nogil=True)
def _blocks(n_angles):  # type: ignore[no-untyped-def]
    return (n_angles + LANES - 1) // LANES


@njit(cache=True, nogil=True)
def _stride(n_angles):  # type: ignore[no-untyped-def]
    """Give the length of a column with room behind it: powers of two thrash caches."""
    return (_blocks(n_angles) | 1) * LANES


@njit(cache=True, nogil=True)
def _rank_columns(p, flat, row, dead, panel, ranked, order):  # type: ignore[no-untyped-def]
    """Sort each column; rank k comes to ranked[1 + k // LANES, column, k % LANES]."""
    n_angles, rows, n = p.shape
    room = desk(n_angles)
    column = np.zeros(panel.shape[1], np.float32)
    for first in range(0, n, _PANEL):
        count = min(_PANEL, n - first)
        _take(flat, row * n + first, rows * n, n_angles, panel, count)
        for i in range(count):
            x = first + i
            values = panel[i, :n_angles]
            if dead[x]:
                _bridge(p, row, dead, x, values)
            rank(values, column[:n_angles], order[x], room)
            for block in range(_blocks(n_angles)):
                store(ranked[1 + block], x * LANES, load(column, block * LANES))


@njit(cache=True, nogil=True)
def _bridge(p, row, dead, x, values):  # type: ignore[no-untyped-def]
    """Interpolate column x between the nearest ones that are not dead."""
    left = right = x
    while dead[left]:
        left -= 1
    while dead[right]:
        right += 1
    u = np.float32(x - left) / np.float32(right - left)
    for a in range(values.size):
        near, far = p[a, row, left], p[a, row, right]
        values[a] = near + u * (far - near)


@njit(cache=True, nogil=True)
def _smooth(ranked, n, window, wide, large):  # type: ignore[no-untyped-def]
    """Take the median across columns; block b of ranks comes to b - 1, which is free.

    Wide stripes are replaced by the median of the large window first.
    """
    everywhere = np.arange(n)
    replaced = np.empty(wide.size * LANES, np.float32)
    for b in range(1, len(ranked)):
        block = ranked[b, : n * LANES]
        if wide.size:
            medians_at(block, wide, large, replaced)
            for i in range(wide.size):
                store(block, wide[i] * LANES, load(replaced, i * LANES))
        medians_at(block, everywhere, window, ranked[b - 1])


@njit(cache=True, nogil=True)
def _put_back(flat, row, rows, panel, ranked, order):  # type: ignore[no-untyped-def]
    n, n_angles = order.shape
    for first in range(0, n, _PANEL):
        count = min(_PANEL, n - first)
        for i in range(count):
            x = first + i
            for block in range(_blocks(n_angles)):
                places = order[x, block * LANES : (block + 1) * LANES]
                smooth = ranked[block, x * LANES : (x + 1) * LANES]
                for k in range(places.size):
                    panel[i, places[k]] = smooth[k]
        _give(panel, count, flat, row * n + first, rows * n, n_angles)


@njit(cache=True, nogil=True)
def _take(flat, at, step, n_angles, panel, columns):  # type: ignore[no-untyped-def]
    """Turn columns from flat[at] on, rows `step` apart, into rows of the panel."""
    turned, stride = panel.reshape(-1), panel.shape[1]
    for a in range(0, n_angles, LANES):
        for x in range(0, columns, LANES):
            here = at + a * step + x
            if a + LANES <= n_angles and x + LANES <= columns:
                transpose(flat, here, step, turned, x * stride + a, stride)
                continue
            for i in range(min(LANES, n_angles - a)):
                for j in range(min(LANES, columns - x)):
                    panel[x + j, a + i] = flat[here + i * step + j]


@njit(cache=True, nogil=True)
def _give(panel, columns, flat, at, step, n_angles):  # type: ignore[no-untyped-def]
    """Do the opposite of `_take`."""
    turned, stride = panel.reshape(-1), panel.shape[1]
    for a in range(0, n_angles, LANES):
        for x in range(0, columns, LANES):
            here = at + a * step + x
            if a + LANES <= n_angles and x + LANES <= columns:
                transpose(turned, x * stride + a, stride, flat, here, step)
                continue
            for i in range(min(LANES, n_angles - a)):
                for j in range(min(LANES, columns - x)):
                    flat[here + i * step + j] = panel[x + j, a + i]
