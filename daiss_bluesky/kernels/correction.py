"""Raw frames to attenuation: dark, flat, dead pixels, zingers, logarithm.

Defined by `reference.transmission` and `reference.repair_zingers`.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numba import njit, prange
from numpy.typing import NDArray

from daiss_bluesky.kernels.reference import MIN_TRANSMISSION
from daiss_bluesky.kernels.threads import threads_for

Frames = NDArray[np.float32]

ZINGER_SPREAD = 3.0
"""How many ranges of its neighbors a zinger stands above them."""

_FLOOR = np.float32(MIN_TRANSMISSION)
_WORK = 8
"""Operations for each pixel."""
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
    if raw.dtype not in {np.dtype(np.uint16), np.dtype(np.float32)}:
        raw = raw.astype(np.float32)
    t = np.empty(raw.shape, np.float32)
    threshold = np.inf if zinger_threshold is None else zinger_threshold
    with threads_for(_WORK * raw.size):
        _transmission(
            np.ascontiguousarray(raw),
            fields.dark,
            fields.gains,
            fields.position(times_s),
            fields.dead,
            np.float32(threshold),
            t,
        )
    # NumPy's logarithm is a vector loop; numba's is not without Intel's library.
    np.log(t, out=t)
    return np.negative(t, out=t)


@njit(cache=True, nogil=True, parallel=True, fastmath={"contract"})
def _transmission(raw, dark, gains, position, dead, threshold, out):  # type: ignore[no-untyped-def]
    n, rows, columns = raw.shape
    repair = threshold < np.float32(np.inf)
    for i in prange(n):
        k = int(position[i])
        u = np.float32(position[i] - k)
        k1 = min(k + 1, gains.shape[0] - 1)
        t = out[i] if not repair else np.empty((rows, columns), np.float32)
        for y in range(rows):
            for x in range(columns):
                gain = gains[k, y, x] * (np.float32(1) - u) + gains[k1, y, x] * u
                value = (np.float32(raw[i, y, x]) - dark[y, x]) / gain
                t[y, x] = value if value > _FLOOR else _FLOOR
        _repair_dead(t, dead)
        if repair:
            _repair_zingers(t, threshold, out[i])


@njit(cache=True, nogil=True)
def _repair_dead(t, dead):  # type: ignore[no-untyped-def]
    flat = t.reshape(t.size)
    for entry in dead:
        total = np.float32(0)
        count = 0
        for j in entry[1:]:
            if j >= 0:
                total += flat[j]
                count += 1
        flat[entry[0]] = total / np.float32(count) if count else np.float32(1)


@njit(cache=True, nogil=True)
def _repair_zingers(t, threshold, out):  # type: ignore[no-untyped-def]
    rows, columns = t.shape
    out[:] = t
    around = np.empty(8, np.float32)
    for y in range(1, rows - 1):
        for x in range(1, columns - 1):
            value = t[y, x]
            # Hardly any pixel gets past its left and right neighbor.
            if value - t[y, x - 1] <= threshold or value - t[y, x + 1] <= threshold:
                continue
            j = 0
            for dy in range(-1, 2):
                for dx in range(-1, 2):
                    if dy != 0 or dx != 0:
                        around[j] = t[y + dy, x + dx]
                        j += 1
            around.sort()
            excess = value - around[7]
            spread = around[7] - around[0]
            if excess > threshold and excess > np.float32(ZINGER_SPREAD) * spread:
                out[y, x] = (around[3] + around[4]) / np.float32(2)
