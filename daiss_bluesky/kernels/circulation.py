"""Which way slopes of a phase lie: a field of slopes has no circulation.

Needs no probe and no reconstruction, only where frames were taken and how far their
centers of mass are off. It tells flips, transpositions and quarter turns apart, but not
half a turn, which reverses the slopes and leaves the circulation 0.
"""

import numpy as np
from numpy.typing import NDArray
from scipy.spatial import Delaunay, QhullError

PAIRS = {
    "none": np.array([[1, 0], [0, 1]]),
    "flip_rows": np.array([[-1, 0], [0, 1]]),
    "transpose": np.array([[0, 1], [1, 0]]),
    "rotate_90": np.array([[0, -1], [1, 0]]),
}
"""What an orientation, and its twin but for the sign, does to (row, column)."""

_LONGEST = 3.0
"""Times the median: triangles that bridge gaps or hug the hull are left out."""
_EDGES = ((0, 1), (1, 2), (2, 0))


def circulation(
    positions: NDArray[np.float64], center_px: NDArray[np.float64]
) -> dict[str, float] | None:
    """Give each pair's share of the squared circulation; the pair in force has least.

    `positions` (frame, 2) in any unit, `center_px` (frame, 2) of frames as they come,
    NaN for those without light. Around every triangle of neighbors the slopes are
    summed along the edges. None where there are no triangles.
    """
    sound = np.isfinite(center_px).all(axis=1)
    places, slopes = positions[sound], center_px[sound]
    triangles = _triangles(places)
    if triangles is None:
        return None
    slopes = slopes - slopes.mean(axis=0)
    found = {}
    for name, turn in PAIRS.items():
        around = np.zeros(len(triangles))
        for i, j in _EDGES:
            first, second = triangles[:, i], triangles[:, j]
            middle = (slopes[first] + slopes[second]) @ turn.T / 2
            around += np.sum(middle * (places[second] - places[first]), axis=1)
        found[name] = float(np.sum(around**2))
    total = sum(found.values())
    return {name: part / total for name, part in found.items()} if total > 0 else None


def edges_between(places: NDArray[np.float64]) -> NDArray[np.int64] | None:
    """Give pairs of neighbors among positions (n, 2), each once; None without any."""
    triangles = _triangles(places)
    if triangles is None:
        return None
    both = np.concatenate([triangles[:, edge] for edge in _EDGES])
    return np.asarray(np.unique(np.sort(both, axis=1), axis=0), np.int64)


def _triangles(places: NDArray[np.float64]) -> NDArray[np.int64] | None:
    """Join neighbors, without triangles much longer than the others."""
    try:
        triangles = Delaunay(places).simplices
    except (QhullError, ValueError):
        # Fewer than three positions, or all on a line.
        return None
    lengths = [np.hypot(*(places[triangles[:, j]] - places[triangles[:, i]]).T)
               for i, j in _EDGES]  # fmt: skip
    longest = np.max(lengths, axis=0)
    return np.asarray(triangles[longest <= _LONGEST * np.median(longest)], np.int64)
