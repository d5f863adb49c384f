"""What single diffraction frames tell without a reconstruction, in one pass.

The sum of a frame is the transmission where the probe stood; its center of mass is the
slope of the phase there: differential phase contrast (Menzel et al., Ultramicroscopy
110 (2010) 1143). `reference_frame_moments` defines it.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numba import njit, prange
from numpy.typing import NDArray

from daiss_bluesky.core.errors import InputError


@dataclass(frozen=True, slots=True, eq=False)
class Moments:
    """Of each frame, float64."""

    total: NDArray[np.float64]
    """Sum of all good pixels."""
    center_px: NDArray[np.float64]
    """(frame, 2): rows and columns of the center of mass from pixel n // 2.

    NaN for a frame without light. In the far field a ramp of the object's phase by 2π
    over the n pixels of a frame moves it by one.
    """


def frame_moments(
    frames: NDArray[Any], bad: NDArray[np.bool_] | None = None
) -> Moments:
    """Measure frames (frame, row, column) of any real dtype; `bad` pixels are left out.

    The zero frequency is at n // 2. Compiled, one pass, a frame a thread.
    """
    check_frames(frames, bad)
    sums = np.empty((len(frames), 3))
    good = np.ones(frames.shape[1:], np.uint8)
    if bad is not None:
        good[bad] = 0
    _measure(np.ascontiguousarray(frames), good, sums)
    return moments_from_sums(sums)


def check_frames(frames: NDArray[Any], bad: NDArray[np.bool_] | None) -> None:
    """Refuse what is no stack of frames, and a mask of another shape."""
    if frames.ndim != 3:  # noqa: PLR2004 - (frame, row, column)
        raise InputError(
            f"diffraction frames have shape {frames.shape}, expected (frame, row,"
            " column)"
        )
    if bad is not None and bad.shape != frames.shape[1:]:
        raise InputError(
            f"the mask has shape {bad.shape} but the frames have {frames.shape[1:]}"
        )


def moments_from_sums(sums: NDArray[np.float64]) -> Moments:
    """Divide (frame, 3): the total, and it weighted by row and by column."""
    total = sums[:, 0]
    lit = total > 0
    center = np.full((len(sums), 2), np.nan)
    center[lit] = sums[lit, 1:] / total[lit, None]
    return Moments(total, center)


@njit(cache=True, nogil=True, parallel=True)
def _measure(frames, good, sums):  # type: ignore[no-untyped-def]
    """Sum columns, which are vectors, and weight them by their number only once."""
    n, rows, columns = frames.shape
    for i in prange(n):
        by_column = np.zeros(columns, np.float64)
        down = 0.0
        total = 0.0
        for y in range(rows):
            line = _add_row(frames[i, y], good[y], by_column)
            total += line
            down += line * (y - rows // 2)
        across = 0.0
        for x in range(columns):
            across += by_column[x] * (x - columns // 2)
        sums[i, 0], sums[i, 1], sums[i, 2] = total, down, across


@njit(cache=True, nogil=True, fastmath=True)
def _add_row(row, good, by_column):  # type: ignore[no-untyped-def]
    total = 0.0
    for x in range(row.size):
        value = np.float64(row[x]) * good[x]
        by_column[x] += value
        total += value
    return total
