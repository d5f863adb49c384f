"""What gridding on a device needs to know before the first sample; plain NumPy."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from daiss_bluesky.kernels.gridding import PAD, Grid
from daiss_bluesky.kernels.kaiser_bessel import STEPS

SIDE = 8
"""Cells along an edge of the part of a grid that a block of threads fills."""


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
    """Give the window as one line of WIDTH * STEPS + 1 values.

    What `Grid.table` has at [s, m] is value (m + 1) * STEPS - s.
    """
    backwards = grid.table[STEPS - 1 :: -1]
    end = grid.table[STEPS, :1]
    return np.concatenate([end, backwards.T.reshape(-1)])


def anchors(size: int) -> tuple[NDArray[np.int32], NDArray[np.int32]]:
    """Give first cells (u, v) of all blocks of a grid, and of those beyond its edges.

    From the middle of the grid outwards: there is most to do. Beyond the edges only
    blocks that a window can reach.
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
    # Where the grid is no multiple of a block, cells would be of both.
    near = _distance(rim) < half + PAD * np.sqrt(2)
    return _outwards(grid), _outwards(rim[near])


def _distance(corners: NDArray[np.int64]) -> NDArray[np.float64]:
    """Give how far a block is from the middle, at its nearest."""
    nearest = np.maximum(np.maximum(corners, -(corners + SIDE - 1)), 0)
    return np.hypot(nearest[:, 0], nearest[:, 1])


def _outwards(corners: NDArray[np.int64]) -> NDArray[np.int32]:
    order = np.argsort(_distance(corners), kind="stable")
    return np.ascontiguousarray(corners[order], np.int32)
