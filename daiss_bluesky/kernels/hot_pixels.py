"""Pixels of a detector that count without light: single ones, in every frame."""

from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import maximum_filter

_MUCH = 8.0
"""Times the brightest neighbor. Where light is sampled well enough for ptychography, a
peak is half as bright a pixel away, and its rings have a brighter one within two."""

_LEAST_COUNTS = 30.0

_NEIGHBORS = np.ones((5, 5), bool)
_NEIGHBORS[2, 2] = False


def find_hot(frames: NDArray[Any]) -> NDArray[np.bool_]:
    """Tell which pixels (row, column) of frames (frame, row, column) are hot.

    Hot is what counts more than each pixel within two of it in every frame, and in all
    frames together many times as much. Frames have the zero frequency where the
    detector has it, so that neighbors are neighbors.
    """
    total = frames.sum(axis=0, dtype=np.float64)
    least = np.maximum(_MUCH * _around(total), _LEAST_COUNTS)
    found: NDArray[np.bool_] = total > least
    for frame in frames if found.any() else ():
        found &= frame > _around(frame)
    return found


def _around(picture: NDArray[Any]) -> NDArray[Any]:
    """Give the brightest neighbor of each pixel; beyond the edge there is no light."""
    brightest: NDArray[Any] = maximum_filter(
        picture, footprint=_NEIGHBORS, mode="constant", cval=0
    )
    return brightest
