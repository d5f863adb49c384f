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
from daiss_bluesky.kernels.cuda.module import Operator, cupy, parts
from daiss_bluesky.kernels.cuda.transforms import planned
from daiss_bluesky.kernels.gridding import Grid

_TILE_ROWS = 32
_THREADS = 256
_TILES = SIDE * SIDE // 16
_TALL = 8
_NOTED_BYTES = {False: 3200, True: 1408}
"""Weights and places that a warp of `gather.cu` notes, in full and half precision."""
_FEW_ROWS = 64
"""Up to so many rows a lane works on one pair of slices, above on two."""

_PADDED_BYTES = 1 << 29
"""Rows transformed at once; more gain nothing."""

_ONE_PASS = 512, 4096
"""Powers of two from and to which `filter_rows.cu` transforms rows."""

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
        self._each = 1 if rows <= _FEW_ROWS else 2
        self.rows = min(rows, 2 * self.lanes)
        self._pairs = parts(self.rows, 2)
        self._batch = min(_GRID_BATCH, self._pairs)
        self._grid = Grid(self.rows, columns, filter_name)
        self._half = half
        # Relative to the response, which includes 1 / length, so that halves suffice.
        self._scale = float(2 ** round(np.log2(self.length) / 2))
        self._chunk = max(1, _PADDED_BYTES // (8 * self._pairs * self.length))
        self._chunk = min(self._chunk, n_angles)
        shape = n_angles * self.length * self.lanes
        self._spectra = cp.zeros(shape, cp.uint32 if half else cp.complex64)
        padded = self._pairs, self._chunk, self.length
        if not _in_one_pass(self.length):
            self._padded = cp.empty(padded, cp.complex64)
        grids = parts(self._pairs, self._batch) * self._batch, self.size, self.size
        self._grids = cp.empty(grids, cp.complex64)
        self._upload_tables()

    @property
    def lanes(self) -> int:
        """Pairs of slices side by side in memory."""
        return 32 * self._each

    @property
    def length(self) -> int:
        """Samples of a padded row."""
        return self._grid.row_plan.length

    @property
    def size(self) -> int:
        """Grid points along an edge."""
        return self._grid.size

    @staticmethod
    def bytes(rows: int, columns: int, n_angles: int, *, half: bool = False) -> int:
        """Tell the device memory of one, and of its transforms, in advance."""
        grid = Grid(rows, columns)
        length, size = grid.row_plan.length, grid.size
        each = 1 if rows <= _FEW_ROWS else 2
        pairs = parts(min(rows, 64 * each), 2)
        spectra = (4 if half else 8) * n_angles * length * 32 * each
        padded = 8 * pairs * min(n_angles, _PADDED_BYTES // (8 * pairs * length) + 1)
        batch = min(_GRID_BATCH, pairs)
        grids = 8 * (parts(pairs, batch) + 1) * batch * size**2
        tiles = 8 * (_TILES + 1) * (size // SIDE + 3) ** 2
        return spectra + 2 * padded * length + grids + tiles

    def _upload_tables(self) -> None:
        cp, grid = cupy(), self._grid
        self._response = cp.asarray(grid.response.astype(np.float32))
        self._frequencies = cp.asarray(gridding_tables.frequencies(grid))
        self._knots = cp.asarray(gridding_tables.knots(grid))
        self._correction = cp.asarray(grid.correction)
        inside, rim = gridding_tables.anchors(self.size)
        self._inside, self._rim = len(inside), len(rim)
        self._anchors = cp.asarray(np.concatenate([inside, rim]))
        self._found = cp.empty((len(self._anchors) * _TILES, 2), cp.int32)
        constants = {"EACH": self._each, "HALF_SPECTRA": self._half}
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
        self._places = cp.asarray(lines.places)
        self._cosines, self._sines = cp.asarray(lines.cosines), cp.asarray(lines.sines)
        self.set_center(angles_rad, weights, center_px)
        blocks = len(self._anchors)
        self._gather.launch(
            "find_lines",
            (parts(blocks * _TILES, _THREADS),),
            (_THREADS,),
            (
                self._anchors, np.int32(blocks), cp.asarray(lines.directions),
                np.int32(self._angles), np.float32(self.size / 2), self._found,
            ),
        )  # fmt: skip

    def set_center(
        self,
        angles_rad: NDArray[np.float64],
        weights: NDArray[np.float64],
        center_px: float,
    ) -> None:
        """Change weights and center alone; angles are those of `set_lines`."""
        cp = cupy()
        columns = self._grid.columns
        shifts = gridding_tables.shifts_px(angles_rad, center_px, columns)
        self._shifts = cp.asarray(shifts)
        self._weights = cp.asarray(weights, cp.float32)

    @property
    def _angles(self) -> int:
        return len(self._lines.places)

    def slices(self, p: Any, scale: float, out: Any) -> None:
        """Make slices (z, y, x) of attenuation (row, angle, column), times a scale.

        Both on the device, float32 or float16; the columns of p lie beside each other,
        other strides may be any: frames (angle, row, column) are given transposed.
        Zero outside the inscribed circle.
        """
        self.transform_rows(p)
        self.gather(len(p), self._grids)
        self.invert(self._grids, len(p), scale, out)

    def transform_rows(self, p: Any) -> None:
        """Filter attenuation (row, angle, column) into spectra, by direction."""
        if _in_one_pass(self.length):
            self._filter_rows(p)
        else:
            self._transform_rows(p)

    def _filter_rows(self, p: Any) -> None:
        rows, n_angles, columns = p.shape
        size, length = p.dtype.itemsize, self.length
        constants = {"HALF": size == 2, "HALF_SPECTRA": self._half}  # noqa: PLR2004
        bits = length.bit_length() - 1
        Operator("filter_rows", {**constants, "BITS": bits}).launch(
            "filter_rows",
            (self.lanes // 2, n_angles),
            (length // 16,),
            (
                p, np.int64(p.strides[0] // size), np.int64(p.strides[1] // size),
                np.int32(rows), np.int32(columns), np.int32(self.lanes),
                self._response, self._shifts, self._weights, self._places,
                np.float32(self._scale), self._spectra,
            ),
        )  # fmt: skip

    def _transform_rows(self, p: Any) -> None:
        rows, n_angles, columns = p.shape
        pairs, length = parts(rows, 2), self.length
        spectra = Operator(
            "spectra",
            {"HALF": p.dtype.itemsize == 2, "HALF_SPECTRA": self._half},  # noqa: PLR2004
        )
        steps = tuple(np.int64(step // p.dtype.itemsize) for step in p.strides[:2])
        transform = planned((length,), self._pairs * self._chunk)
        for first in range(0, n_angles, self._chunk):
            part = slice(first, min(first + self._chunk, n_angles))
            count = part.stop - first
            spectra.launch(
                "pair_rows",
                (1, count, pairs),
                (_THREADS,),
                (
                    p[:, part], *steps, np.int32(rows), np.int32(columns),
                    np.int32(length), self._padded,
                ),
            )  # fmt: skip
            transform.forward(self._padded)
            spectra.launch(
                "turn",
                (parts(length, _TILE_ROWS), count, self.lanes // _TILE_ROWS),
                (_TILE_ROWS, _TALL),
                (
                    self._padded, np.int32(pairs), np.int32(length),
                    np.int32(self.lanes), self._response, self._shifts[part],
                    self._weights[part], self._places[part], np.float32(self._scale),
                    self._spectra,
                ),
            )  # fmt: skip

    def new_grids(self) -> Any:
        """Make room for the grids of a slab that is to grow; nothing in it yet."""
        return cupy().zeros_like(self._grids)

    def gather(self, rows: int, grids: Any, *, adds: bool = False) -> None:
        """Fill the grids of a slab from spectra, or add these to what is there."""
        cells = self.lanes * (SIDE * SIDE + 1) + len(self._knots) + 1
        shared = 8 * cells + _TILES * _NOTED_BYTES[self._half]
        for first, count in ((0, self._inside), (self._inside, self._rim)):
            self._gather.launch(
                "gather",
                (count,),
                (32 * _TILES,),
                (
                    self._spectra, self._frequencies, self._cosines, self._sines,
                    np.int32(self._angles), np.int32(self.length),
                    np.float32(self.size / self.length), self._knots, self._anchors,
                    self._found, np.int32(first), np.int32(self.size),
                    np.int32(parts(rows, 2)), np.int32(first > 0), np.int32(adds),
                    grids,
                ),
                shared_bytes=shared,
            )  # fmt: skip

    def invert(self, grids: Any, rows: int, scale: float, out: Any) -> None:
        """Turn the grids of a slab into slices (z, y, x); uses up the grids."""
        pairs, columns = parts(rows, 2), self._grid.columns
        transform = planned((self.size, self.size), self._batch)
        for first in range(0, pairs, self._batch):
            transform.backward(grids[first : first + self._batch])
        Operator("slices", {"HALF": out.dtype.itemsize == 2}).launch(  # noqa: PLR2004
            "take_slices",
            (parts(columns, _THREADS), columns, pairs),
            (_THREADS,),
            (
                grids, np.int32(self.size), np.int32(columns), np.int32(rows),
                self._correction, np.float32(scale / self._scale), out,
            ),
        )  # fmt: skip


def _in_one_pass(length: int) -> bool:
    return _ONE_PASS[0] <= length <= _ONE_PASS[1] and length & (length - 1) == 0
