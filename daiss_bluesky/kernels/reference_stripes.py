"""The definitions of stripe and ring correction: plain NumPy and SciPy, float64.

Sinograms are (angle, column) in attenuation. A pixel whose gain was misjudged adds the
same to every projection, a stripe; backprojected it is a ring.
"""

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.ndimage import binary_dilation, median_filter, uniform_filter1d

Array = NDArray[np.float64]

DROPPED = 0.05
"""Part of the sorted values left out at either end of a column before averaging."""

AVERAGED = 64
"""Sorted values, evenly spaced, that stand for all of a column's in its average."""

FITTED = 0.25
"""Part of the sorted columns left out at either end before a line is fitted."""

SMOOTH_ANGLES = 10
"""Over so many angles a good pixel changes smoothly."""

LEAST_OFFSET = 1e-3
"""Attenuation; differences between columns are not taken to be known better ..."""

LEAST_RATIO = 0.2
"""... nor ratios of their restlessness: without noise only the sample's edges show."""


def stripe_image(mean: Array, window_px: int) -> Array:
    """Give the constant error of each pixel: mean projection minus its median.

    The mean over all projections (row, column) and its running median along columns,
    which leaves slopes and steps as they are and loses what is narrower than half the
    window.
    """
    return mean - median_filter(mean, (1, window_px))


def backproject_constant(
    q: Array, arcs: ArrayLike, center_px: float, y_px: ArrayLike, x_px: ArrayLike
) -> Array:
    """Integrate density * q(x cos θ + y sin θ + center) over θ, by a sum.

    q (row, column) is filtered and the same at every angle, zero outside; arcs (arc, 3)
    are start, stop in radians and density; points are measured from the middle of the
    slice. Gives (row, point).
    """
    y, x = np.asarray(y_px, np.float64), np.asarray(x_px, np.float64)
    profile = np.pad(q, [(0, 0), (1, 1)])
    columns = np.arange(profile.shape[1])
    found = np.zeros((len(q), x.size))
    for start, stop, density in np.asarray(arcs, np.float64):
        steps = int(np.ceil((stop - start) * 8 * q.shape[1]))
        step = (stop - start) / steps
        for angle in start + step * (np.arange(steps) + 0.5):
            s = x * np.cos(angle) + y * np.sin(angle) + center_px + 0.5
            for row, values in enumerate(profile):
                found[row] += step * density * np.interp(s, columns, values)
    return found


def remove_by_sorting(sinogram: Array, window_px: int) -> Array:
    """Sort each column, take the median across columns, and put back in order.

    Vo, Atwood, Drakopoulos, Opt. Express 26, 28396 (2018), algorithm 3.
    """
    order = np.argsort(sinogram, axis=0, kind="stable")
    ranked = np.take_along_axis(sinogram, order, axis=0)
    return _put_back(median_filter(ranked, (1, window_px)), order)


def remove_combined(
    sinogram: Array, window_px: int, large_window_px: int, snr: float
) -> Array:
    """Mend dead columns (algorithm 6), wide stripes (5), then all others (3).

    Same paper. There columns are compared by ratios, for transmission; a wrong gain is
    a difference in attenuation, whose ratio means nothing beside the sample. It is the
    same difference at every attenuation, which a sample's edge is not: a column whose
    difference scatters by more than its mean is no stripe. Columns that show none are
    not normalized.
    """
    mended = _fill_dead(sinogram, large_window_px, snr)
    order = np.argsort(mended, axis=0, kind="stable")
    ranked = np.take_along_axis(mended, order, axis=0)
    smooth = median_filter(ranked, (1, large_window_px))
    drop = int(DROPPED * len(sinogram))
    step = max(1, (len(sinogram) - 2 * drop) // AVERAGED)
    kept = slice(drop, len(sinogram) - drop, step)
    away = ranked[kept] - smooth[kept]
    offset = away.mean(axis=0)
    steady = np.abs(offset) > away.std(axis=0)
    wide = binary_dilation(outliers(offset, snr, LEAST_OFFSET) & steady)
    ranked[:, wide] = smooth[:, wide]
    return _put_back(median_filter(ranked, (1, window_px)), order)


def _fill_dead(sinogram: Array, window_px: int, snr: float) -> Array:
    """Interpolate columns that change too much, or too little, from angle to angle."""
    away = sinogram - uniform_filter1d(sinogram, SMOOTH_ANGLES, axis=0)
    restless = np.abs(away).sum(axis=0)
    usual = median_filter(restless, window_px)
    ratio = np.where(usual > 0, restless / np.where(usual > 0, usual, 1), 1.0)
    dead = binary_dilation(outliers(ratio, snr, LEAST_RATIO))
    dead[:2] = dead[-2:] = False
    good, columns = np.flatnonzero(~dead), np.arange(len(dead))
    return np.stack([np.interp(columns, good, line[good]) for line in sinogram])


def outliers(values: ArrayLike, snr: float, least: float) -> NDArray[np.bool_]:
    """Mark values far from a line through the middle half of all, sorted.

    The paper's algorithm 4: the line's own rise is the noise; beyond half of snr times
    it lies a stripe, provided the farthest value is snr times away. The noise counts as
    no less than `least`.
    """
    given = np.asarray(values, np.float64)
    ranked = np.sort(given)
    n = ranked.size
    drop = int(FITTED * n)
    place = np.arange(drop, n - drop)
    slope, low = np.polyfit(place, ranked[drop : n - drop], 1)
    high = low + slope * (n - 1)
    noise = max(high - low, least)
    found = np.zeros(n, dtype=bool)
    if ranked[-1] - high >= snr * noise:
        found |= given > high + 0.5 * snr * noise
    if low - ranked[0] >= snr * noise:
        found |= given < low - 0.5 * snr * noise
    return found


def _put_back(ranked: Array, order: NDArray[Any]) -> Array:
    found = np.empty_like(ranked)
    np.put_along_axis(found, order, ranked, axis=0)
    return found
