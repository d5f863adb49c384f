"""What gridding on a device needs to know before the first sample; plain NumPy."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from daiss_bluesky.kernels.gridding import PAD, Grid
from daiss_bluesky.kernels.kaiser_bessel import STEPS

SIDE = 8
"""Cells along an edge of the part of a grid that a block of threads fills."""

_DENSE = 64
"""Within so many cells of the middle a block takes long."""


@dataclass(frozen=True, slots=True, eq=False)
class Lines:
    """Angles in the order of their directions, as `gather.cu` wants them."""

    places: NDArray[np.int32]
    """For each angle given its slot."""
    directions: NDArray[np.float32]
    """Of the slots, modulo π, ascending."""
    cosines: NDArray[np.float32]
    sines: NDArray[np.float32]

    @classmethod
    def of(cls, angles_rad: NDArray[np.float64]) -> "Lines":
        """Sort angles; any order, any turn."""
        directions = np.mod(angles_rad, np.pi).astype(np.float32)
        order = np.argsort(directions, kind="stable")
        places = np.empty(len(order), np.int32)
        places[order] = np.arange(len(order), dtype=np.int32)
        cosines, sines = np.cos(angles_rad[order]), np.sin(angles_rad[order])
        return cls(
            places,
            directions[order],
            cosines.astype(np.float32),
            sines.astype(np.float32),
        )


def shifts_px(
    angles_rad: NDArray[np.float64], center_px: float, columns: int
) -> NDArray[np.float64]:
    """Give what moves column 0 to the rotation center; see `Grid.turns`."""
    half_pixel = columns // 2 - (columns - 1) / 2
    diagonal = np.cos(angles_rad) + np.sin(angles_rad)
    return np.asarray(0.5 - center_px - half_pixel * diagonal)


def frequencies(grid: Grid) -> NDArray[np.float32]:
    """Give the places of a row's samples in grid points, from lowest to highest."""
    given = (grid.frequencies * grid.size).astype(np.float32)
    return np.fft.fftshift(given)


def knots(grid: Grid) -> NDArray[np.float32]:
    """Give the window as one line of WIDTH * STEPS + 2 values.

    What `Grid.table` has at [s, m] is value 1 + (m + 1) * STEPS - s, for s up to STEPS
    and one more: a coordinate just below a whole number is rounded to it.
    """
    backwards = grid.table[STEPS - 1 :: -1]
    end = grid.table[STEPS + 1 : STEPS - 1 : -1, 0]
    return np.concatenate([end, backwards.T.reshape(-1)])


def anchors(size: int) -> tuple[NDArray[np.int32], NDArray[np.int32]]:
    """Give first cells (u, v) of all blocks of a grid, and of those beyond its edges.

    First the middle, where there is most to do, then row by row: neighbors read the
    same samples. Beyond the edges only blocks that a window can reach.
    """
    half = size // 2
    inside = np.arange(-half, half, SIDE)
    beyond = np.array([-half - SIDE, half])
    u, v = np.meshgrid(inside, inside, indexing="xy")
    grid = np.stack([u.ravel(), v.ravel()], axis=1)
    wide = np.concatenate([beyond[:1], inside, beyond[1:]])
    u, v = np.meshgrid(beyond, wide, indexing="xy")
    sides = np.stack([u.ravel(), v.ravel()], axis=1)
    u, v = np.meshgrid(inside, beyond, indexing="xy")
    rim = np.concatenate([sides, np.stack([u.ravel(), v.ravel()], axis=1)])
    near = _distance(rim) < half + PAD * np.sqrt(2)
    late = _distance(grid) > _DENSE
    ordered = grid[np.argsort(late, kind="stable")]
    return ordered.astype(np.int32), rim[near].astype(np.int32)


def _distance(corners: NDArray[np.int64]) -> NDArray[np.float64]:
    """Give how far a block is from the middle, at its nearest."""
    nearest = np.maximum(np.maximum(corners, -(corners + SIDE - 1)), 0)
    return np.hypot(nearest[:, 0], nearest[:, 1])
