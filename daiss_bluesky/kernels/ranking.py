"""Stable sort of one column of a sinogram, with where each value came from.

Two passes of a radix sort over 16 bits of where a value lies between the least and the
greatest (Knuth, The Art of Computer Programming 3, 5.2.5) leave next to nothing to an
insertion sort of the values themselves. Where values crowd, or lie so far apart that
these bits do not tell them apart, four passes over all bits of the floats do it.
Defined by `numpy.argsort`, stable, for values without NaN.
"""

from typing import NamedTuple

import numpy as np
from numba import njit
from numpy.typing import NDArray

from daiss_bluesky.kernels.lanes import LANES, load, maximum, minimum, store

MOST_VALUES = 1 << 24
"""An index shares 32 bits with a digit."""

_DIGIT = np.uint32(8)
_MASK = np.uint32(255)
_INDEX = np.uint32(MOST_VALUES - 1)
_ONE = np.uint32(1)
_SHARE = np.float32(65535)
_LEAST_SPAN, _GREATEST_SPAN = np.float32(1e-30), np.float32(1e38)

_MOVES = 2
"""For each value: more by insertion take longer than all bits do."""


class Desk(NamedTuple):
    """Room to sort in; see `desk`."""

    shares: NDArray[np.uint16]
    mixed: NDArray[np.uint32]
    starts: NDArray[np.uint32]
    extremes: NDArray[np.float32]
    entries: NDArray[np.uint64]


@njit(cache=True, nogil=True)
def desk(n):  # type: ignore[no-untyped-def]
    """Make room to sort n values, at most MOST_VALUES."""
    return Desk(
        np.empty(n, np.uint16),
        np.empty(n, np.uint32),
        np.empty((4, 256), np.uint32),
        np.empty(2 * LANES, np.float32),
        np.empty((2, n), np.uint64),
    )


@njit(cache=True, nogil=True)
def rank(values, ranked, order, desk) -> None:  # type: ignore[no-untyped-def]
    """Put the values in order, ranked[k] = values[order[k]]; equal ones keep theirs.

    values and ranked are float32, order is uint32; all are contiguous.
    """
    least, greatest = _extremes(values, desk.extremes)
    span = greatest - least
    if span == 0:
        for k in range(values.size):
            ranked[k], order[k] = values[k], k
        return
    if _LEAST_SPAN < span < _GREATEST_SPAN:
        _rank_shares(values, order, least, _SHARE / span, desk)
        for k in range(values.size):
            ranked[k] = values[order[k]]
        if _insert(ranked, order, _MOVES * values.size):
            return
    _rank_bits(values, order, desk)
    for k in range(values.size):
        ranked[k] = values[order[k]]


@njit(cache=True, nogil=True)
def _extremes(values, room):  # type: ignore[no-untyped-def]
    n = values.size
    if n < LANES:
        return values.min(), values.max()
    low = high = load(values, n - LANES)
    for a in range(0, n - LANES, LANES):
        here = load(values, a)
        low, high = minimum(low, here), maximum(high, here)
    store(room, 0, low)
    store(room, LANES, high)
    return room[:LANES].min(), room[LANES:].max()


@njit(cache=True, nogil=True)
def _rank_shares(values, order, least, scale, desk):  # type: ignore[no-untyped-def]
    """Order by the share of the span, rounded down to 1/65535."""
    shares, mixed = desk.shares, desk.mixed
    low, high = desk.starts[0], desk.starts[1]
    for a in range(values.size):
        shares[a] = np.int32((values[a] - least) * scale)
    low[:] = 0
    high[:] = 0
    for share in shares:
        low[np.uint32(share) & _MASK] += _ONE
        high[np.uint32(share) >> _DIGIT] += _ONE
    _begin(low)
    _begin(high)
    for a in range(values.size):
        share = np.uint32(shares[a])
        digit = share & _MASK
        # The low digit has done its work and makes way for the index.
        mixed[low[digit]] = share >> _DIGIT << np.uint32(24) | np.uint32(a)
        low[digit] += _ONE
    for entry in mixed:
        digit = entry >> np.uint32(24)
        order[high[digit]] = entry & _INDEX
        high[digit] += _ONE


@njit(cache=True, nogil=True, inline="always")
def _begin(counts):  # type: ignore[no-untyped-def]
    """Turn how often each digit comes into where its entries begin."""
    total = np.uint32(0)
    for digit in range(counts.size):
        count = counts[digit]
        counts[digit] = total
        total += count


@njit(cache=True, nogil=True)
def _insert(ranked, order, most):  # type: ignore[no-untyped-def]
    """Finish a sort; gives up, and False, after so many moves."""
    for k in range(1, ranked.size):
        if ranked[k] < ranked[k - 1]:
            value, index = ranked[k], order[k]
            j = k
            while j > 0 and value < ranked[j - 1]:
                ranked[j], order[j] = ranked[j - 1], order[j - 1]
                j -= 1
            ranked[j], order[j] = value, index
            most -= k - j
            if most < 0:
                return False
    return True


@njit(cache=True, nogil=True)
def _rank_bits(values, order, desk):  # type: ignore[no-untyped-def]
    """Order by bits that ascend with the float, the same for both zeros."""
    this, other = desk.entries[0], desk.entries[1]
    bits = values.view(np.int32)
    lowest = np.int32(-(2**31))
    desk.starts[:] = 0
    for a in range(values.size):
        b = bits[a] if bits[a] != lowest else np.int32(0)
        key = np.uint32(b ^ ((b >> 31) | lowest))
        this[a] = np.uint64(key) << np.uint64(32) | np.uint64(a)
        for d in range(4):
            desk.starts[d, key >> np.uint32(8 * d) & _MASK] += _ONE
    for d in range(4):
        starts = desk.starts[d]
        _begin(starts)
        for entry in this:
            digit = np.uint32(entry >> np.uint64(32 + 8 * d)) & _MASK
            other[starts[digit]] = entry
            starts[digit] += _ONE
        this, other = other, this
    for k in range(values.size):
        order[k] = np.uint32(this[k])
