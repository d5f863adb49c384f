"""Raw frames to attenuation: dark, flat, dead pixels, zingers, logarithm.

Defined by `reference.transmission` and `reference.repair_zingers`.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numba import njit, prange
from numpy.typing import NDArray

from daiss_bluesky.kernels.logarithm import negative_log
from daiss_bluesky.kernels.reference import MIN_TRANSMISSION
from daiss_bluesky.kernels.threads import threads_for

Frames = NDArray[np.float32]

ZINGER_SPREAD = 3.0
"""How many ranges of its neighbors a zinger stands above them."""

_FLOOR = np.float32(MIN_TRANSMISSION)
_WORK = 30
"""Operations for each pixel."""
_BAND = 32
"""Rows that stay in the cache from the raw counts to the logarithm."""
_SEGMENT = 64
"""Pixels looked through for zingers at once."""
_NEIGHBORS = 8
_REACH = 3
"""How far a dead pixel looks for good ones; further in, it counts as empty beam."""


NO_DEAD: NDArray[np.int32] = np.zeros((0, 1 + _NEIGHBORS), np.int32)


@dataclass(frozen=True, slots=True, eq=False)
class Fields:
    """Darks and flats of a scan, ready to correct with."""

    dark: Frames
    """(row, column), mean of the darks."""
    gains: Frames
    """(group, row, column), mean flat minus dark of each group of flats."""
    times_s: NDArray[np.float64]
    """Of the groups, ascending; gains are linear in time between, constant outside."""
    dead: NDArray[np.int32]
    """(dead pixel, 1 + 8): flat indices of the pixel and of good neighbors, or -1."""

    def position(self, times_s: NDArray[np.float64]) -> NDArray[np.float64]:
        """Place times among the groups: 1.25 is a quarter from group 1 to group 2."""
        groups = np.arange(self.times_s.size, dtype=np.float64)
        position = np.interp(times_s, self.times_s, groups)
        # Without a time of its own a frame takes the first group.
        return np.nan_to_num(position)

    def part(self, rows: slice) -> "Fields":
        """Give the fields of some rows alone; dead pixels lose neighbors outside."""
        columns = self.dark.shape[1]
        place = self.dead - rows.start * columns
        size = (rows.stop - rows.start) * columns
        mine = (place[:, 0] >= 0) & (place[:, 0] < size)
        known = (self.dead >= 0) & (place >= 0) & (place < size)
        dead = np.where(known, place, -1)[mine].astype(np.int32)
        gains = np.ascontiguousarray(self.gains[:, rows])
        return Fields(self.dark[rows], gains, self.times_s, dead)


def rows_around(rows: slice, count: int) -> slice:
    """Give the rows, of so many, without which `rows` would be corrected otherwise."""
    margin = 1 + _REACH
    return slice(max(rows.start - margin, 0), min(rows.stop + margin, count))


def find_dead(gains: Frames, low: float = 0.1, high: float = 5.0) -> NDArray[np.int32]:
    """List pixels whose gain is far from the frame's, with good neighbors.

    Dead is below `low` or above `high` times the upper quartile in any group of flats.
    Up to eight good pixels, from the nearest ring (of three) that has any, stand in
    for a dead one.
    """
    level = np.percentile(gains, 75, axis=(1, 2), keepdims=True)
    usable = (gains > low * level) & (gains < high * level)
    good: NDArray[np.bool_] = np.asarray(usable.all(axis=0))
    y, x = np.nonzero(~good)
    around = np.pad(good, _REACH)
    table = np.full((y.size, 1 + _NEIGHBORS), -1, np.int32)
    table[:, 0] = y * good.shape[1] + x
    count, ring = np.zeros(y.size, np.intp), np.zeros(y.size, np.intp)
    for reach, dy, dx in _neighborhood():
        wanted = (count < _NEIGHBORS) & ((ring == 0) | (ring == reach))
        wanted &= around[y + dy + _REACH, x + dx + _REACH]
        which = np.flatnonzero(wanted)
        neighbor = table[which, 0] + dy * good.shape[1] + dx
        table[which, 1 + count[which]] = neighbor
        count[which] += 1
        ring[which] = reach
    return table


def _neighborhood() -> list[tuple[int, int, int]]:
    """List ring and offsets of the pixels around one, nearest first in each ring."""
    steps = range(-_REACH, _REACH + 1)
    offsets = [(max(abs(dy), abs(dx)), dy, dx) for dy in steps for dx in steps]
    near = sorted(offsets, key=lambda o: (o[0], o[1] ** 2 + o[2] ** 2))
    return near[1:]


def attenuation(
    raw: NDArray[Any],
    times_s: NDArray[np.float64],
    fields: Fields,
    zinger_threshold: float | None,
) -> Frames:
    """Correct raw frames (frame, row, column) and take the negative logarithm.

    Line integrals of the attenuation, float32, always finite. A zinger threshold of
    None leaves zingers.
    """
    return _correct(raw, times_s, fields, zinger_threshold, logarithm=True)


def transmission(
    raw: NDArray[Any],
    times_s: NDArray[np.float64],
    fields: Fields,
    zinger_threshold: float | None,
) -> Frames:
    """Correct raw frames (frame, row, column) without the logarithm; the same steps."""
    return _correct(raw, times_s, fields, zinger_threshold, logarithm=False)


def _correct(
    raw: NDArray[Any],
    times_s: NDArray[np.float64],
    fields: Fields,
    zinger_threshold: float | None,
    *,
    logarithm: bool,
) -> Frames:
    if raw.dtype not in {np.dtype(np.uint16), np.dtype(np.float32)}:
        raw = raw.astype(np.float32)
    out = np.empty(raw.shape, np.float32)
    threshold = np.inf if zinger_threshold is None else zinger_threshold
    with threads_for(_WORK * raw.size):
        _correct_bands(
            np.ascontiguousarray(raw),
            fields.dark,
            fields.gains,
            fields.position(times_s),
            fields.dead,
            np.float32(threshold),
            logarithm,
            out,
        )
    return out


@njit(cache=True, nogil=True, parallel=True, fastmath={"contract"})
def _correct_bands(raw, dark, gains, position, dead, threshold, logarithm, out):  # type: ignore[no-untyped-def]
    """Go through bands of rows, all frames of one after the other.

    So a single frame has work for every core, what is computed stays in the cache until
    the last step, and so do dark and gains from frame to frame.
    """
    n, rows, columns = raw.shape
    repair = threshold < np.float32(np.inf)
    margin = (1 if repair else 0) + (_REACH if dead.shape[0] else 0)
    for band in prange((rows + _BAND - 1) // _BAND):
        first = band * _BAND
        last = min(first + _BAND, rows)
        low, high = max(first - margin, 0), min(last + margin, rows)
        t = np.empty((high - low, columns), np.float32)
        fixed = np.empty(columns, np.float32)
        mantissa = np.empty(columns, np.float32)
        mine = _entries(
            dead, max(first - 1, 0) * columns, min(last + 1, rows) * columns
        )
        for i in range(n):
            k = int(position[i])
            u = np.float32(position[i] - k)
            for y in range(low, high):
                gain = gains[k, y]
                if u > 0:
                    for x in range(columns):
                        after = gains[k + 1, y, x]
                        fixed[x] = gain[x] * (np.float32(1) - u) + after * u
                    gain = fixed
                for x in range(columns):
                    value = (np.float32(raw[i, y, x]) - dark[y, x]) / gain[x]
                    t[y - low, x] = value if value > _FLOOR else _FLOOR
            _repair_dead(t, low * columns, mine)
            for y in range(first, last):
                row = t[y - low]
                if repair and 0 < y < rows - 1:
                    fixed[:] = row
                    _repair_zingers(t, y - low, threshold, fixed)
                    row = fixed
                if logarithm:
                    negative_log(row.view(np.int32), mantissa, out[i, y])
                else:
                    out[i, y] = row


@njit(cache=True, nogil=True)
def _entries(dead, start, stop):  # type: ignore[no-untyped-def]
    """Give the dead pixels from start to stop; the table is in their order."""
    places = np.ascontiguousarray(dead[:, 0])
    return dead[np.searchsorted(places, start) : np.searchsorted(places, stop)]


@njit(cache=True, nogil=True)
def _repair_dead(t, offset, dead):  # type: ignore[no-untyped-def]
    flat = t.reshape(t.size)
    for entry in dead:
        total = np.float32(0)
        count = 0
        for j in entry[1:]:
            if j >= 0:
                total += flat[j - offset]
                count += 1
        flat[entry[0] - offset] = total / np.float32(count) if count else np.float32(1)


@njit(cache=True, nogil=True)
def _repair_zingers(t, y, threshold, out):  # type: ignore[no-untyped-def]
    columns = t.shape[1]
    above, row, below = t[y - 1], t[y], t[y + 1]
    for first in range(1, columns - 1, _SEGMENT):
        last = min(first + _SEGMENT, columns - 1)
        if _any_above(row[first - 1 : last + 1], threshold):
            for x in range(first, last):
                if row[x] - row[x - 1] > threshold and row[x] - row[x + 1] > threshold:
                    _repair_zinger(above, row, below, x, threshold, out)


@njit(cache=True, nogil=True)
def _any_above(row, threshold):  # type: ignore[no-untyped-def]
    """Tell whether any pixel but the first and last exceeds its two neighbors.

    Hardly any does. No branches, no index that might be negative: a vector loop.
    """
    left, middle, right = row[:-2], row[1:-1], row[2:]
    found = np.int32(0)
    for x in range(middle.size):
        nearest = left[x] if left[x] > right[x] else right[x]
        found |= np.int32(middle[x] - nearest > threshold)
    return found != 0


@njit(cache=True, nogil=True)
def _repair_zinger(above, row, below, x, threshold, out):  # type: ignore[no-untyped-def]
    lowest = min(row[x - 1], row[x + 1])
    highest = max(row[x - 1], row[x + 1])
    for j in range(x - 1, x + 2):
        lowest = min(lowest, above[j], below[j])
        highest = max(highest, above[j], below[j])
    excess = row[x] - highest
    spread = highest - lowest
    if excess > threshold and excess > np.float32(ZINGER_SPREAD) * spread:
        around = np.empty(_NEIGHBORS, np.float32)
        around[:3], around[3:6] = above[x - 1 : x + 2], below[x - 1 : x + 2]
        around[6], around[7] = row[x - 1], row[x + 1]
        around.sort()
        out[x] = (around[3] + around[4]) / np.float32(2)
