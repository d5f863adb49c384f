"""Which arcs of the full turn a set of weighted angles stands for."""

import numpy as np
from numpy.typing import NDArray

from daiss_bluesky.core.geometry import SNAP, angle_places, counted_gaps

_SAME_DENSITY = 0.35
"""Neighbors belong to one arc while their densities differ by less."""


def angle_arcs(
    angles_rad: NDArray[np.float64], weights_rad: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Give arcs (arc, 3): start, stop in radians and density, for integrals over θ.

    The sum of weight * f(θ) is about that of density * integral of f over each arc. A
    full half circle of `geometry.angle_weights` has density 1, a full turn 1/2; gaps
    that those weights do not fill end an arc. Length times density adds up
    to the sum of the weights.
    """
    if angles_rad.size == 0:
        return np.zeros((0, 3))
    order, place, gaps = angle_places(angles_rad, 2 * np.pi)
    _, firsts = np.unique(place, return_index=True)
    places = np.mod(angles_rad[order[firsts]], 2 * np.pi)
    weights = np.bincount(place, weights_rad[order])
    counted = counted_gaps(gaps)
    extents = (counted + np.roll(counted, 1)) / 2
    density = weights / extents
    differs = np.abs(np.roll(density, -1) - density) > _SAME_DENSITY
    ends = np.flatnonzero((counted < (1 - SNAP) * gaps) | differs)
    if ends.size == 0:
        return np.array([[0.0, 2 * np.pi, weights.sum() / (2 * np.pi)]])
    arcs = []
    for last, following in zip(ends, np.roll(ends, -1), strict=True):
        members = _members(int(last) + 1, int(following), places.size)
        start = places[members[0]] - counted[members[0] - 1] / 2
        length = extents[members].sum()
        arcs.append((start, start + length, weights[members].sum() / length))
    return np.array(arcs)


def _members(first: int, last: int, n: int) -> NDArray[np.int64]:
    """Indices from first to last, around the end."""
    count = (last - first) % n + 1
    return np.mod(np.arange(first, first + count), n)
