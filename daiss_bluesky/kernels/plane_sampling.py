"""Pictures of planes that lie anywhere in a volume, slab by slab.

Trilinear interpolation between voxels, zero outside the volume. Defined by
`scipy.ndimage.map_coordinates` of order 1.
"""

import numpy as np
from numba import njit, prange
from numpy.typing import NDArray

from daiss_bluesky.core.plane import Plane
from daiss_bluesky.kernels.threads import threads_for

_WORK = 40
"""Operations for each pixel."""


def add_slab(
    slab: NDArray[np.float32], first: int, plane: Plane, picture: NDArray[np.float32]
) -> None:
    """Add what slices (z, y, x) from number `first` on contribute to a picture.

    A picture of zeros to which every slab of a volume was added once is complete.
    """
    rows, columns = plane.shape
    down, across = np.array(plane.down), np.array(plane.across)
    corner = np.array(plane.middle)
    corner = corner - (rows - 1) / 2 * down - (columns - 1) / 2 * across
    with threads_for(_WORK * picture.size):
        _add_slab(slab, first, corner, down, across, picture)


@njit(cache=True, nogil=True, parallel=True)
def _add_slab(slab, first, corner, down, across, picture):  # type: ignore[no-untyped-def]
    last = slab.shape[0] - 1
    for i in prange(picture.shape[0]):
        for j in range(picture.shape[1]):
            z = corner[0] + i * down[0] + j * across[0] - first
            below = int(np.floor(z))
            if below < -1 or below > last:
                continue
            y = corner[1] + i * down[1] + j * across[1]
            x = corner[2] + i * down[2] + j * across[2]
            above_part = z - below
            value = 0.0
            if below >= 0:
                value += (1.0 - above_part) * _interpolate(slab[below], y, x)
            if below < last:
                value += above_part * _interpolate(slab[below + 1], y, x)
            picture[i, j] += np.float32(value)


@njit(cache=True, nogil=True, inline="always")
def _interpolate(plane, y, x):  # type: ignore[no-untyped-def]
    rows, columns = plane.shape
    top, left = int(np.floor(y)), int(np.floor(x))
    v, u = y - top, x - left
    total = 0.0
    for i in range(2):
        for j in range(2):
            if 0 <= top + i < rows and 0 <= left + j < columns:
                row_part = v if i else 1.0 - v
                column_part = u if j else 1.0 - u
                total += row_part * column_part * plane[top + i, left + j]
    return total
