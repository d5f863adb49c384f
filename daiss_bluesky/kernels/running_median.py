"""Running median along the first axis, many windows side by side.

A window is kept sorted while it moves: the oldest value leaves, the newest enters, by
comparisons without branches, so that neighboring windows fill a vector register.
"""

import numpy as np
from numba import njit

LANES = 64
"""Windows moved together; with 81 values each they stay in the first-level cache."""

_INF = np.float32(np.inf)


@njit(cache=True, nogil=True)
def running_median(values, width, out) -> None:  # type: ignore[no-untyped-def]
    """Median over width (odd) entries of axis 0 of (entry, lane), edges reflected."""
    n, lanes = values.shape
    half = width // 2
    window = np.empty((width + 1, LANES), np.float32)
    previous = np.empty(LANES, np.float32)
    nothing = np.full(LANES, _INF)
    for first in range(0, lanes, LANES):
        count = min(LANES, lanes - first)
        window[:] = _INF
        for i in range(-half, half + 1):
            new = values[reflect(i, n), first : first + count]
            _exchange(window, previous, nothing[:count], new)
        for i in range(n):
            out[i, first : first + count] = window[half, :count]
            old = values[reflect(i - half, n), first : first + count]
            new = values[reflect(i + half + 1, n), first : first + count]
            _exchange(window, previous, old, new)


@njit(cache=True, nogil=True, inline="always")
def reflect(i, n) -> int:  # type: ignore[no-untyped-def]
    """Index of a mirrored continuation that repeats the edge, as SciPy's `reflect`."""
    i %= 2 * n
    return i if i < n else 2 * n - 1 - i  # type: ignore[no-any-return]


@njit(cache=True, nogil=True)
def _exchange(window, previous, old, new):  # type: ignore[no-untyped-def]
    previous[:] = -_INF
    for i in range(window.shape[0] - 1):
        here, after = window[i], window[i + 1]
        for lane in range(old.size):
            # Loaded before they are compared, or the loop would have branches.
            value, following = here[lane], after[lane]
            leaving, entering, below = old[lane], new[lane], previous[lane]
            kept = value if value < leaving else following
            lower = kept if kept < entering else entering
            here[lane] = lower if lower > below else below
            previous[lane] = kept


@njit(cache=True, nogil=True)
def middle_value(values) -> np.float32:  # type: ignore[no-untyped-def]
    """Median of an odd number of values, which are reordered: Hoare's selection."""
    low, high = 0, values.size - 1
    half = values.size // 2
    while low < high:
        pivot = values[half]
        i, j = low, high
        while i <= j:
            while values[i] < pivot:
                i += 1
            while pivot < values[j]:
                j -= 1
            if i <= j:
                values[i], values[j] = values[j], values[i]
                i += 1
                j -= 1
        if j < half:
            low = i
        if half < i:
            high = j
    return values[half]  # type: ignore[no-any-return]
