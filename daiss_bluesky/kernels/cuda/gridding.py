"""Slices from attenuation on a device, a slab at a time, through grids of spectra.

What `kernels.gridding` does, with the same window on the same grid, so the results
differ by rounding. There samples are spread; here cells gather them, which needs all
angles at once and no atomic additions. Two slices share a complex number.
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from daiss_bluesky.kernels.cuda import gridding_tables
from daiss_bluesky.kernels.cuda.gridding_tables import SIDE, Lines
from daiss_bluesky.kernels.cuda.module import Operator, cupy, is_half, parts
from daiss_bluesky.kernels.cuda.spectra import RowSpectra
from daiss_bluesky.kernels.cuda.transforms import planned
from daiss_bluesky.kernels.gridding import Grid

_THREADS = 256
_TILES = SIDE**2 // 16
"""Of a block of `gather.cu`, each a warp's."""
_NOTED_BYTES = {False: 3200, True: 1408}
"""Weights and places that a warp notes, in full and half precision."""
_FEW_ROWS = 64
"""Up to so many rows there are half as many lanes."""

_GRID_BATCH = 8
"""Grids transformed at once, which bounds the transform's own memory."""


class SlabGridding:
    """Room and tables to make slabs of slices of one width; everything made once.

    Slabs have at most `rows` slices, which is 128 where the detector has as many. Of
    frames of one scan any number of angles up to `n_angles` can be used. `half` keeps
    spectra in half precision.
    """

    def __init__(
        self,
        rows: int,
        columns: int,
        n_angles: int,
        filter_name: str = "ramp",
        *,
        half: bool = False,
    ) -> None:
        cp = cupy()
        self._lanes = _lanes(rows)
        self.rows = min(rows, 2 * self._lanes)
        self._grid = Grid(self.rows, columns, filter_name)
        self._half = half
        self._spectra = RowSpectra(self._grid, self._lanes, n_angles, half=half)
        self._batch = _batch(self.rows)
        count = _grids(self.rows)
        self._grids = cp.empty((count, self.size, self.size), cp.complex64)
        self._transform = planned((self.size, self.size), self._batch)
        self._upload_tables()

    @property
    def size(self) -> int:
        """Grid points along an edge."""
        return self._grid.size

    @staticmethod
    def bytes(rows: int, columns: int, n_angles: int, *, half: bool = False) -> int:
        """Tell the device memory of one, and of its transforms, in advance."""
        lanes = _lanes(rows)
        grid = Grid(min(rows, 2 * lanes), columns)
        spectra = RowSpectra.bytes(grid, lanes, n_angles, half=half)
        grids = _grids(grid.rows) + _batch(grid.rows)
        blocks = 8 * (_TILES + 1) * (grid.size // SIDE + 3) ** 2
        tables = 8 * (8 * n_angles + 4 * grid.row_plan.length + 4096)
        return spectra + 8 * grids * grid.size**2 + blocks + tables

    def _upload_tables(self) -> None:
        cp, grid = cupy(), self._grid
        self._frequencies = cp.asarray(gridding_tables.frequencies(grid))
        self._knots = cp.asarray(gridding_tables.knots(grid))
        self._correction = cp.asarray(grid.correction)
        inside, rim = gridding_tables.anchors(self.size)
        self._inside, self._rim = len(inside), len(rim)
        self._anchors = cp.asarray(np.concatenate([inside, rim]))
        self._found = cp.empty((len(self._anchors) * _TILES, 2), cp.int32)
        constants = {"LANES": self._lanes, "HALF_SPECTRA": self._half}
        self._gather = Operator("gather", constants)

    def set_lines(
        self,
        angles_rad: NDArray[np.float64],
        weights: NDArray[np.float64],
        center_px: float,
    ) -> None:
        """Fix where the samples of projections lie, and what each counts for."""
        cp = cupy()
        self._lines = lines = Lines.of(np.asarray(angles_rad, np.float64))
        self._cosines, self._sines = cp.asarray(lines.cosines), cp.asarray(lines.sines)
        self.set_center(angles_rad, weights, center_px)
        blocks = len(self._anchors)
        self._gather.launch(
            "find_lines",
            (parts(blocks * _TILES, _THREADS),),
            (_THREADS,),
            (
                self._anchors, np.int32(blocks), cp.asarray(lines.directions),
                np.int32(len(lines.places)), np.float32(self.size / 2), self._found,
            ),
        )  # fmt: skip

    def set_center(
        self,
        angles_rad: NDArray[np.float64],
        weights: NDArray[np.float64],
        center_px: float,
    ) -> None:
        """Change weights and center alone; angles are those of `set_lines`."""
        columns = self._grid.columns
        shifts = gridding_tables.shifts_px(angles_rad, center_px, columns)
        self._spectra.set_lines(self._lines.places, shifts, weights)

    def slices(self, p: Any, scale: float, out: Any) -> None:
        """Make slices (z, y, x) of attenuation (row, angle, column), times a scale.

        Both on the device, float32 or float16; the columns of p lie beside each other,
        other strides may be any: frames (angle, row, column) are given transposed.
        Zero outside the inscribed circle.
        """
        self.gather(p, self._grids)
        self.invert(self._grids, len(p), scale, out)

    def gather(self, p: Any, grids: Any, *, adds: bool = False) -> None:
        """Put attenuation (row, angle, column) into a slab's grids, or add it there."""
        self._spectra.fill(p)
        self._gather_spectra(len(p), grids, adds=adds)

    def _gather_spectra(self, rows: int, grids: Any, *, adds: bool) -> None:
        length = self._grid.row_plan.length
        shared = _TILES * _NOTED_BYTES[self._half] + 4 * len(self._knots)
        shared += 8 * self._lanes * (SIDE**2 + 1)
        for first, count in ((0, self._inside), (self._inside, self._rim)):
            self._gather.launch(
                "gather",
                (count,),
                (32 * _TILES,),
                (
                    self._spectra.values, self._frequencies, self._cosines,
                    self._sines, np.int32(len(self._lines.places)), np.int32(length),
                    np.float32(self.size / length), self._knots, self._anchors,
                    self._found, np.int32(first), np.int32(self.size),
                    np.int32(parts(rows, 2)), np.int32(first > 0), np.int32(adds),
                    grids,
                ),
                shared_bytes=shared,
            )  # fmt: skip

    def invert(self, grids: Any, rows: int, scale: float, out: Any) -> None:
        """Turn the grids of a slab into slices (z, y, x); uses up the grids."""
        pairs, columns = parts(rows, 2), self._grid.columns
        for first in range(0, pairs, self._batch):
            self._transform.backward(grids[first : first + self._batch])
        Operator("slices", {"HALF": is_half(out)}).launch(
            "take_slices",
            (parts(columns, _THREADS), columns, pairs),
            (_THREADS,),
            (
                grids, np.int32(self.size), np.int32(columns), np.int32(rows),
                self._correction, np.float32(scale / self._spectra.scale), out,
            ),
        )  # fmt: skip


def _lanes(rows: int) -> int:
    """Give the pairs of slices side by side in memory."""
    return 32 if rows <= _FEW_ROWS else 64


def _batch(rows: int) -> int:
    return min(_GRID_BATCH, parts(rows, 2))


def _grids(rows: int) -> int:
    """Give the grids of a slab, a multiple of those transformed at once."""
    return parts(parts(rows, 2), _batch(rows)) * _batch(rows)
