"""What a projection that is the same at every angle backprojects to, without angles.

In polar coordinates (r, φ) around the axis it is the integral of q(r cos(θ - φ)) over
the angles θ of the scan, thus a difference of C(r, ψ), the integral of q(r cos t) over
t from 0 to ψ. C is odd in ψ and grows by 2 C(r, π) with every turn, so half a turn
serves every arc of angles; over a full turn only a radial function is left. q is linear
between columns, so C is known in closed form; pixels interpolate between radii an
eighth of a pixel apart. Defined by `reference_stripes.backproject_constant`.

q is what `filter_constant` or `filter_series` gives, (block, place, slice); arcs
(arc, 3) are start, stop in radians and density; the axis is in the middle of a slice,
as in `reference`.
"""

from typing import NamedTuple

import numpy as np
import scipy.fft
from numba import njit, prange
from numpy.typing import NDArray

from daiss_bluesky.kernels.backprojection import Blocks, filter_projections
from daiss_bluesky.kernels.ramp import padded_length, series_response

_RADII_PER_PX = 8.0
_LEAST = 1e-6
"""Radius taken for none: a circle that lies over a column and not only at it."""

_BAND = 32
"""Radii one core goes through in a row."""

_MAX_SLICES = 32
"""Slices done together; divides the slices of a block, or a block has one part."""


Image = NDArray[np.float32]
Arcs = NDArray[np.float64]


class Places(NamedTuple):
    """Where the values of q stand."""

    finer: int = 1
    """Places to a column, the first in its middle."""
    margin: int = 1
    """Columns before the first of the detector, and behind the last."""

    def columns(self, places: int) -> int:
        """Give the columns of the detector for so many places."""
        return (places - 1) // self.finer + 1 - 2 * self.margin


_COLUMNS = Places()


def series_places(n: int, center_px: float) -> Places:
    """Give the places that stand for a series: as far as the inscribed circle goes."""
    return Places(2, 1 + int(np.ceil(abs(center_px - n / 2))))


def filter_constant(d: Image, name: str = "ramp") -> Image:
    """Filter a constant projection d (row, column); (block, 1 + column + 1, slice)."""
    rows, n = d.shape
    q = filter_projections(d[None], np.ones(1), Blocks(rows, n), name)
    return q[:, 0, : n + 2]


def filter_series(d: Image, name: str, places: Places) -> Image:
    """Filter a constant projection d (row, column) as gridding does.

    Gives its Fourier series, which goes on beyond the detector: (block, place, slice).
    """
    rows, n = d.shape
    finer, margin = places
    slices = min(rows, _MAX_SLICES)
    where = np.arange(-finer * margin, finer * (n - 1 + margin) + 1)
    q = np.zeros((-(-rows // slices), where.size, slices), np.float32)
    response = _fine_response(n, name, finer)
    length = 2 * (len(response) - 1)
    for block, first in enumerate(range(0, rows, slices)):
        some = d[first : first + slices]
        u = np.arange(1, length - n + 1, dtype=np.float32) / (length - n + 1)
        bridge = some[:, -1:] + u * (some[:, :1] - some[:, -1:])
        spectrum = scipy.fft.rfft(np.hstack([some, bridge]), axis=1) * response
        fine = scipy.fft.irfft(spectrum, finer * length, axis=1)
        q[block, :, : len(some)] = fine.take(where, axis=1, mode="wrap").T
    return q


def _fine_response(n: int, name: str, finer: int) -> NDArray[np.float32]:
    """Give the filter of a series that is to be joined by straight lines.

    Lines between places damp what the series holds by sinc², which is made up for.
    """
    length = padded_length(n)
    length += length % 2
    response = series_response(n, name, length).copy()
    response[-1] = 0.0
    damping = np.sinc(np.fft.rfftfreq(length) / finer) ** 2
    return np.asarray(finer * response / damping, np.float32)


def subtract_rings(
    volume: Image,
    q: Image,
    arcs: Arcs,
    center_px: float,
    places: Places = _COLUMNS,
) -> None:
    """Take the backprojection of q off a volume (z, y, x), in place.

    Only inside the inscribed circle. Holds eight bytes for each pixel of one slice.
    """
    starts, pixels = _by_radius(volume.shape[2], _RADII_PER_PX)
    center = _center(center_px, places)
    per_block = q.shape[2]
    for block, columns in enumerate(q):
        part = volume[block * per_block : (block + 1) * per_block]
        for first in range(0, len(part), _MAX_SLICES):
            slices = part[first : first + _MAX_SLICES]
            mine = np.ascontiguousarray(columns[:, first : first + len(slices)])
            _subtract(slices, mine, arcs, center, places.finer, starts, pixels)


def ring_slice(
    q: Image, row: int, arcs: Arcs, center_px: float, places: Places = _COLUMNS
) -> Image:
    """Give one slice (y, x) of that backprojection, zero outside the circle."""
    n, center = places.columns(q.shape[1]), _center(center_px, places)
    block, inside = divmod(row, q.shape[2])
    columns = np.ascontiguousarray(q[block, :, inside : inside + 1])
    found = np.zeros((1, n, n), np.float32)
    by_radius = _by_radius(n, _RADII_PER_PX)
    _subtract(found, columns, arcs, center, places.finer, *by_radius)
    return np.asarray(-found[0])


def ring_points(
    q: Image,
    arcs: Arcs,
    center_px: float,
    y_px: NDArray[np.float64],
    x_px: NDArray[np.float64],
    places: Places = _COLUMNS,
) -> Image:
    """Give that backprojection at points, measured from the middle, for all slices.

    (slice, point), slices of all blocks one after the other; meant for the line in
    which an upright slice meets all others.
    """
    radius = places.finer * places.columns(q.shape[1]) / 2
    y, x = places.finer * y_px, places.finer * x_px
    weights = _point_weights(arcs, _center(center_px, places), y, x, radius, q.shape[1])
    return np.concatenate([(weights @ block).T for block in q])


def _center(center_px: float, places: Places) -> float:
    """Give the axis counted in places, from half a place behind the first."""
    return (center_px + places.margin - 0.5) * places.finer - 0.5


@njit(cache=True, nogil=True)
def _by_radius(n, per_px):  # type: ignore[no-untyped-def]
    """List the pixels of the circle by radius: first of each radius, flat indices."""
    middle = (n - 1) / 2
    radii = int(n / 2 * per_px) + 1
    starts = np.zeros(radii + 1, np.int64)
    for sorting in range(2):
        if sorting:
            pixels = np.empty(starts.sum(), np.int32)
            starts[1:] = np.cumsum(starts)[:-1]
            starts[0] = 0
            place = starts.copy()
        for y in range(n):
            for x in range(n):
                r2 = (y - middle) ** 2 + (x - middle) ** 2
                if r2 <= (n / 2) ** 2:
                    i = int(np.sqrt(r2) * per_px)
                    if sorting:
                        pixels[place[i]] = y * n + x
                        place[i] += 1
                    else:
                        starts[i] += 1
    return starts, pixels


@njit(cache=True, nogil=True, parallel=True, fastmath={"contract", "nsz"})
def _subtract(volume, columns, arcs, center, finer, starts, pixels):  # type: ignore[no-untyped-def]
    n = volume.shape[2]
    per_place = _RADII_PER_PX / finer
    radii = starts.size - 1
    middle = (n - 1) / 2
    for band in prange((radii + _BAND - 1) // _BAND):
        inner = _empty_table(columns)
        outer = _empty_table(columns)
        found = np.empty(columns.shape[1], np.float32)
        first = band * _BAND
        _fill(outer, max(first / per_place, _LEAST), center, columns)
        for i in range(first, min(first + _BAND, radii)):
            r0, r1 = max(i / per_place, _LEAST), (i + 1) / per_place
            inner, outer = outer, inner
            _fill(outer, r1, center, columns)
            for pixel in pixels[starts[i] : starts[i + 1]]:
                dy, dx = pixel // n - middle, pixel % n - middle
                u = np.sqrt(dy * dy + dx * dx) * _RADII_PER_PX - i
                phi = np.arctan2(dy, dx)
                found[:] = np.float32(0)
                for arc in range(arcs.shape[0]):
                    for end in range(2):
                        factor = arcs[arc, 2] if end else -arcs[arc, 2]
                        turns, rest, odd = _half_turn(arcs[arc, end] - phi, factor)
                        whole = 2 * turns * factor
                        way = rest, np.cos(rest), np.sin(rest)
                        odd0, whole0 = odd * (1 - u), whole * (1 - u)
                        _add(found, inner, r0, center, columns, way, odd0, whole0)
                        odd1, whole1 = odd * u, whole * u
                        _add(found, outer, r1, center, columns, way, odd1, whole1)
                for z in range(found.size):
                    volume[z, pixel // n, pixel % n] -= found[z]


@njit(cache=True, nogil=True, inline="always")
def _empty_table(columns):  # type: ignore[no-untyped-def]
    """Angle and height of each column on the circle, and C(r, angle) there."""
    n = columns.shape[0]
    return np.zeros(n), np.zeros(n), np.zeros_like(columns)


@njit(cache=True, nogil=True, inline="always")
def _meet(k, r, center):  # type: ignore[no-untyped-def]
    """Angle at which a circle of radius r lies over column k, and its height there."""
    s = k - 0.5 - center
    if s >= r:
        return s, 0.0, 0.0
    if s <= -r:
        return s, np.pi, 0.0
    return s, np.arccos(s / r), np.sqrt(r * r - s * s)


@njit(cache=True, nogil=True, inline="always")
def _reach(r, center, last):  # type: ignore[no-untyped-def]
    """First and last column that bound those the circle lies over."""
    low = int(np.floor(min(max(center + 0.5 - r, 0.0), last - 1.0)))
    high = int(np.floor(min(max(center + 0.5 + r, 0.0), last - 1.0))) + 1
    return low, high


@njit(cache=True, nogil=True, fastmath={"contract", "nsz"})
def _fill(table, r, center, columns):  # type: ignore[no-untyped-def]
    angles, heights, sums = table
    low, high = _reach(r, center, columns.shape[0] - 1)
    _, angles[high], heights[high] = _meet(high, r, center)
    sums[high] = np.float32(0)
    for k in range(high - 1, low - 1, -1):
        s, angles[k], heights[k] = _meet(k, r, center)
        turn = angles[k] - angles[k + 1]
        right = np.float32(heights[k] - heights[k + 1] - s * turn)
        left = np.float32(turn) - right
        for z in range(columns.shape[1]):
            more = left * columns[k, z] + right * columns[k + 1, z]
            sums[k, z] = sums[k + 1, z] + more


@njit(cache=True, nogil=True, inline="always")
def _half_turn(psi, factor):  # type: ignore[no-untyped-def]
    """Write factor * C(r, psi) as odd * C(r, rest) + 2 * turns * factor * C(r, π)."""
    turns = np.floor((psi + np.pi) / (2 * np.pi))
    rest = psi - 2 * np.pi * turns
    return turns, abs(rest), factor if rest >= 0 else -factor


@njit(cache=True, nogil=True, inline="always")
def _add(found, table, r, center, columns, way, odd, whole):  # type: ignore[no-untyped-def]
    """Add odd * C(r, rest) + whole * C(r, π); way is rest, its cosine and sine."""
    angles, heights, sums = table
    rest, cos, sin = way
    last = columns.shape[0] - 1
    low, _ = _reach(r, center, last)
    k = int(min(max(r * cos + center + 0.5, 0.0), last - 1.0))
    height = r * sin
    if rest > angles[k]:
        rest, height = angles[k], heights[k]
    elif rest < angles[k + 1]:
        rest, height = angles[k + 1], heights[k + 1]
    turn = rest - angles[k + 1]
    rise = height - heights[k + 1] - (k - 0.5 - center) * turn
    right, left = np.float32(odd * rise), np.float32(odd * (turn - rise))
    odd, whole = np.float32(odd), np.float32(whole)
    for z in range(found.size):
        part = odd * sums[k + 1, z] + left * columns[k, z] + right * columns[k + 1, z]
        found[z] += part + whole * sums[low, z]


@njit(cache=True, nogil=True, parallel=True)
def _point_weights(arcs, center, y, x, radius, places):  # type: ignore[no-untyped-def]
    """What each place adds at each point (point, place): the integral of its hat."""
    weights = np.zeros((y.size, places), np.float32)
    for p in prange(y.size):
        r = max(np.sqrt(y[p] ** 2 + x[p] ** 2), _LEAST)
        if r > radius:
            continue
        phi = np.arctan2(y[p], x[p])
        for arc in range(arcs.shape[0]):
            for end in range(2):
                factor = arcs[arc, 2] if end else -arcs[arc, 2]
                turns, rest, odd = _half_turn(arcs[arc, end] - phi, factor)
                _add_weights(weights[p], r, center, rest, odd)
                if turns != 0:
                    _add_weights(weights[p], r, center, np.pi, 2 * turns * factor)
    return weights


@njit(cache=True, nogil=True)
def _add_weights(weights, r, center, psi, factor):  # type: ignore[no-untyped-def]
    low, high = _reach(r, center, weights.size - 1)
    _, before, height = _meet(high, r, center)
    for k in range(high - 1, low - 1, -1):
        s, angle, below = _meet(k, r, center)
        if before >= psi:
            break
        if angle > psi:
            angle, below = psi, r * np.sin(psi)
        turn = angle - before
        right = below - height - s * turn
        weights[k] += np.float32(factor * (turn - right))
        weights[k + 1] += np.float32(factor * right)
        before, height = angle, below
