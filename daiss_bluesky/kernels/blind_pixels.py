"""Pixels of a detector that never count anything: dead ones, or behind a beam stop."""

from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter

WIDTH_PX = 3.0
"""How far around a pixel its neighbors tell what it should have counted."""

LEAST_COUNTS = 15.0
"""A pixel that should have counted so many has counted none by chance once in 3e6."""


def find_blind(
    frames: NDArray[Any], hot: NDArray[np.bool_] | None = None
) -> NDArray[np.bool_]:
    """Tell which pixels (row, column) of frames (frame, row, column) are blind.

    Blind is what has no count in any frame where the mean of its neighbors, by a
    Gaussian that leaves out such pixels and hot ones, says it should. Frames have the
    zero frequency where the detector has it, so that neighbors are neighbors.
    """
    total = frames.sum(axis=0, dtype=np.float64)
    silent = total == 0
    if not silent.any():
        return np.asarray(silent)
    tells = ~silent if hot is None else ~silent & ~hot
    weight = gaussian_filter(tells.astype(np.float64), WIDTH_PX)
    around = gaussian_filter(np.where(tells, total, 0.0), WIDTH_PX)
    return np.asarray(silent & (around > LEAST_COUNTS * np.maximum(weight, 1e-12)))
