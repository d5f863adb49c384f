"""How far the phase of an object is from the true one."""

import numpy as np
from numpy.typing import NDArray

from daiss_bluesky.kernels.object_alignment import Image, align


def phase_error_rad(
    found: Image, truth: Image, covered: NDArray[np.bool_], *, register: bool = False
) -> float:
    """Give the RMS of the phase difference (row, column) over the covered area.

    A constant and a linear ramp are removed, with `register` a common shift as well,
    which is found to a hundredth of a pixel. Differences are taken around the circle:
    an error of 2π is none.
    """
    aligned = align(truth, found, covered.astype(np.float64), shift=register)
    difference = np.angle(aligned * np.conj(truth))[covered]
    return float(np.sqrt(np.mean(difference**2)))
