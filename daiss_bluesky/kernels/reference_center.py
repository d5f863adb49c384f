"""The definitions of the compiled kernels around the rotation center.

Plain NumPy float64, as in `reference`.
"""

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]


def variation(volume: Array, radius_px: float, tiles: int) -> Array:
    """Sum |∇f| over each tile of slices (y, x, candidate); (tiles², candidate).

    Forward differences at the pixels whose centers lie within the radius; pixel i of
    the n - 1 that have a neighbor belongs to tile i · tiles // (n - 1).
    """
    n = volume.shape[0]
    offset = np.arange(n - 1) - (n - 1) / 2
    counted = offset[:, None] ** 2 + offset**2 <= radius_px**2
    gx = np.diff(volume, axis=1)[:-1]
    gy = np.diff(volume, axis=0)[:, :-1]
    size = np.sqrt(gx**2 + gy**2) * counted[:, :, None]
    tile = np.arange(n - 1) * tiles // (n - 1)
    return np.array([
        size[np.ix_(tile == i, tile == j)].sum(axis=(0, 1))
        for i in range(tiles) for j in range(tiles)
    ])  # fmt: skip
