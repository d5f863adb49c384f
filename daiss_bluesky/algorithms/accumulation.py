"""The sum over projections that becomes the volume, in one of two forms.

Both are filtered backprojection and linear in the projections. *Backprojection* adds
to the slices themselves; *gridding* adds to their Fourier transforms, which takes a
tenth of the time and an inverse transform for every picture.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal, Protocol, get_args

import numpy as np
from numpy.typing import NDArray

from daiss_bluesky.kernels import backprojection, gridding, gridding_inverse
from daiss_bluesky.kernels.backprojection import Blocks
from daiss_bluesky.kernels.gridding import BLOCK, Grid

Method = Literal["gridding", "backprojection"]
METHODS: tuple[Method, ...] = get_args(Method)

Frames = NDArray[np.float32]
Slab = tuple[int, Frames]
"""Number of the first slice, and slices (z, y, x)."""


@dataclass(frozen=True, slots=True)
class SumMemory:
    """Bytes that a sum takes."""

    held: int
    """From beginning to end."""
    adding: int
    """More, while projections are added or slices taken."""
    ending: int
    """More, while the volume is made."""


class Accumulation(Protocol):
    """What the projections added so far amount to, up to a common scale."""

    def add(
        self,
        p: Frames,
        angles_rad: NDArray[np.float64],
        weights: NDArray[np.float64],
        center_px: float,
    ) -> None:
        """Add attenuation (angle, row, column)."""
        ...

    def clear(self) -> None:
        """Begin again."""
        ...

    def slices(self, z: int, y: int, x: int, scale: float) -> tuple[Frames, ...]:
        """Give slice z as (y, x), slice y as (z, x) and slice x as (z, y); copies."""
        ...

    def slabs(self, scale: float) -> Iterator[Slab]:
        """Give the volume as it is now, some slices at a time; copies."""
        ...

    def volume(self, scale: float) -> Frames:
        """Give the volume (z, y, x); uses up the sum."""
        ...


class BackprojectedSum:
    """Slices that every projection is smeared over."""

    def __init__(self, frame_shape: tuple[int, int], filter_name: str) -> None:
        self._rows = frame_shape[0]
        self._filter = filter_name
        self._blocks = Blocks(*frame_shape)
        self._sum = self._blocks.zeros()

    @staticmethod
    def memory(frame_shape: tuple[int, int], frames: int) -> SumMemory:
        """Tell what it takes; at the end one block at a time is turned around."""
        blocks = Blocks(*frame_shape)
        one = blocks.volume_bytes // blocks.count
        return SumMemory(blocks.volume_bytes, blocks.filtered_bytes(frames), one)

    def add(
        self,
        p: Frames,
        angles_rad: NDArray[np.float64],
        weights: NDArray[np.float64],
        center_px: float,
    ) -> None:
        """Add attenuation (angle, row, column)."""
        q = backprojection.filter_projections(p, weights, self._blocks, self._filter)
        backprojection.backproject(q, angles_rad, center_px, self._sum)

    def clear(self) -> None:
        """Begin again."""
        backprojection.clear(self._sum)

    def slices(self, z: int, y: int, x: int, scale: float) -> tuple[Frames, ...]:
        """Give slice z as (y, x), slice y as (z, x) and slice x as (z, y); copies."""
        block, inside = divmod(z, self._blocks.slices)
        planes = (
            self._sum[block][:, :, inside],
            np.concatenate([b[y].T for b in self._sum])[: self._rows],
            np.concatenate([b[:, x].T for b in self._sum])[: self._rows],
        )
        return tuple(np.multiply(p, np.float32(scale), order="C") for p in planes)

    def slabs(self, scale: float) -> Iterator[Slab]:
        """Give the volume as it is now, some slices at a time; copies."""
        for block, part in enumerate(self._sum):
            first = block * self._blocks.slices
            rows = min(self._blocks.slices, self._rows - first)
            yield first, backprojection.to_volume([part], rows, scale)

    def volume(self, scale: float) -> Frames:
        """Give the volume (z, y, x); uses up the sum."""
        return backprojection.to_volume(self._sum, self._rows, scale)


class GriddedSum:
    """Grids of the slices' Fourier transforms that every spectrum is spread over."""

    def __init__(self, frame_shape: tuple[int, int], filter_name: str) -> None:
        self._grid = Grid(*frame_shape, filter_name)
        self._grids = self._grid.zeros()
        self._remainders = self._grid.remainders()

    @staticmethod
    def memory(frame_shape: tuple[int, int], frames: int) -> SumMemory:
        """Tell what it takes; several blocks give their memory to the volume.

        A cut through them needs a copy of one, and its slices.
        """
        grid = Grid(*frame_shape)
        slab = 4 * min(grid.rows, BLOCK) * grid.columns**2
        copied = grid.bytes // grid.blocks if grid.blocks > 1 else 0
        add = max(grid.work_bytes(frames), grid.slice_bytes)
        return SumMemory(grid.bytes + grid.remainder_bytes, add, copied + slab)

    def add(
        self,
        p: Frames,
        angles_rad: NDArray[np.float64],
        weights: NDArray[np.float64],
        center_px: float,
    ) -> None:
        """Add attenuation (angle, row, column)."""
        grids, grid = self._grids, self._grid
        kept = self._remainders
        gridding.add_projections(grids, kept, grid, p, angles_rad, weights, center_px)

    def clear(self) -> None:
        """Begin again."""
        gridding.clear(self._grids)
        self._remainders[:] = 0

    def slices(self, z: int, y: int, x: int, scale: float) -> tuple[Frames, ...]:
        """Give slice z as (y, x), slice y as (z, x) and slice x as (z, y); copies."""
        grids, grid = self._grids, self._grid
        axial = gridding_inverse.axial_slice(grids, grid, z, scale)
        return axial, *gridding_inverse.upright_slices(grids, grid, y, x, scale)

    def slabs(self, scale: float) -> Iterator[Slab]:
        """Give the volume as it is now, some slices at a time; copies."""
        return gridding_inverse.slabs(self._grids, self._grid, scale)

    def volume(self, scale: float) -> Frames:
        """Give the volume (z, y, x); uses up the sum."""
        grids, self._grids = self._grids, np.empty((0, 0), np.float32)
        return gridding_inverse.to_volume(grids, self._grid, scale)


SUMS: dict[Method, type[BackprojectedSum] | type[GriddedSum]] = {
    "backprojection": BackprojectedSum,
    "gridding": GriddedSum,
}
