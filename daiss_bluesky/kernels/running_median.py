"""Running median along an axis, LANES sequences side by side.

A window is kept sorted while it moves: the oldest value leaves, the newest enters, by
comparisons without branches, in registers.
"""

import numpy as np
from numba import njit

from daiss_bluesky.kernels.lanes import (
    LANES,
    load,
    maximum,
    minimum,
    splat,
    store,
    where_less,
)

_INF = np.float32(np.inf)


@njit(cache=True, nogil=True)
def running_median(values, width, out) -> None:  # type: ignore[no-untyped-def]
    """Median over width (odd) entries of axis 0 of (entry, lane), edges reflected."""
    n, lanes = values.shape
    everywhere = np.arange(n)
    some, smooth = np.zeros((n, LANES), np.float32), np.empty((n, LANES), np.float32)
    for first in range(0, lanes, LANES):
        last = min(first + LANES, lanes)
        some[:, : last - first] = values[:, first:last]
        medians_at(some.reshape(-1), everywhere, width, smooth.reshape(-1))
        out[:, first:last] = smooth[:, : last - first]


@njit(cache=True, nogil=True)
def medians_at(values, places, width, out) -> None:  # type: ignore[no-untyped-def]
    """Median over width (odd) entries around each of the places, edges reflected.

    values and out are flat, (entry, LANES) and (place, LANES); places ascend.
    """
    n, half = values.size // LANES, width // 2
    window = np.empty((width + 1) * LANES, np.float32)
    nothing = splat(_INF)
    here = -1
    for i in range(places.size):
        place = places[i]
        if here < 0 or place - here > half:
            window[:] = _INF
            for j in range(width):
                new = load(values, reflect(place - half + j, n) * LANES)
                _exchange(window, j + 1, nothing, new)
            here = place
        while here < place:
            old = load(values, reflect(here - half, n) * LANES)
            new = load(values, reflect(here + half + 1, n) * LANES)
            _exchange(window, width, old, new)
            here += 1
        store(out, i * LANES, load(window, half * LANES))


@njit(cache=True, nogil=True, inline="always")
def reflect(i, n) -> int:  # type: ignore[no-untyped-def]
    """Index of a mirrored continuation that repeats the edge, as SciPy's `reflect`."""
    if 0 <= i < n:
        return i  # type: ignore[no-any-return]
    i %= 2 * n
    return i if i < n else 2 * n - 1 - i  # type: ignore[no-any-return]


@njit(cache=True, nogil=True, inline="always")
def _exchange(window, count, old, new):  # type: ignore[no-untyped-def]
    """Take old from the first `count` sorted values of a window, and put new in."""
    below = splat(-_INF)
    value = load(window, 0)
    for j in range(count):
        following = load(window, (j + 1) * LANES)
        kept = where_less(value, old, value, following)
        store(window, j * LANES, maximum(minimum(kept, new), below))
        below, value = kept, following
