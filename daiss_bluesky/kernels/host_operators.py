"""`operators.Operators` on the host, which define those of a GPU.

Slow where a GPU is fast, single slices above all: the CPU's own reconstruction sums
otherwise. They let the logic of resident frames run where there is no GPU.
"""

import sys
from typing import Any

import numpy as np
import psutil
from numpy.typing import DTypeLike, NDArray

from daiss_bluesky.core.plane import Plane
from daiss_bluesky.kernels import axis_tilt, backprojection, correction, gridding
from daiss_bluesky.kernels.backprojection import Blocks
from daiss_bluesky.kernels.correction import Fields
from daiss_bluesky.kernels.gridding import BLOCK, Grid
from daiss_bluesky.kernels.gridding_inverse import to_volume
from daiss_bluesky.kernels.phase import PhaseFilter, retrieve
from daiss_bluesky.kernels.reference import filter_projections
from daiss_bluesky.kernels.stripes import remove_stripes

Frames = NDArray[np.float32]


class HostOperators:
    """The numerics of a reconstruction whose frames are NumPy's."""

    place = "cpu"
    stored: DTypeLike = np.float32
    most_sorted = sys.maxsize

    def free_bytes(self) -> int:
        """Tell how much memory is free."""
        return int(psutil.virtual_memory().available)

    def held_bytes(self) -> int:
        """Tell how much memory this process takes."""
        return int(psutil.Process().memory_info().rss)

    def give_back(self) -> None:
        """Do nothing: memory is given back when it is let go of."""

    def empty(self, shape: tuple[int, ...], dtype: DTypeLike) -> NDArray[Any]:
        """Make an array."""
        return np.empty(shape, dtype)

    def zeros(
        self, shape: tuple[int, ...], dtype: DTypeLike = np.float32
    ) -> NDArray[Any]:
        """Make an array of zeros."""
        return np.zeros(shape, dtype)

    def upload(
        self, frames: NDArray[Any], target: NDArray[Any], *, is_read: bool = False
    ) -> None:
        """Copy."""
        del is_read  # everything asked for before is done
        target[...] = frames

    def download(self, array: NDArray[Any], target: NDArray[Any]) -> None:
        """Copy."""
        target[...] = array

    def wait(self) -> None:
        """Do nothing: everything asked for is done."""

    def correct(
        self,
        raw: NDArray[Any],
        times_s: NDArray[np.float64],
        fields: Fields,
        zinger_threshold: float | None,
        out: Frames,
        *,
        first_row: int,
        rows: slice,
        logarithm: bool,
    ) -> None:
        """Correct rows of frames; raw begins at a row of its own."""
        known = slice(first_row, first_row + raw.shape[1])
        make = correction.attenuation if logarithm else correction.transmission
        found = make(raw, times_s, fields.part(known), zinger_threshold)
        out[...] = found[:, rows.start - first_row : rows.stop - first_row]

    def straighten(
        self, t: Frames, tilt_rad: float, middle_row_px: float, *, logarithm: bool
    ) -> Frames:
        """Turn transmission about the middle."""
        middle = t.shape[2] / 2, middle_row_px
        return axis_tilt.straighten(t, tilt_rad, *middle, logarithm=logarithm)

    def retrieve(self, t: Frames, phase: PhaseFilter) -> None:
        """Turn transmission into line integrals in place."""
        retrieve(t, phase, out=t)

    def put(self, source: NDArray[Any], target: NDArray[Any]) -> None:
        """Copy an array into another."""
        target[...] = source

    def widen(
        self, p: Frames, weights: NDArray[np.float32], left: int, wide: int
    ) -> Frames:
        """Weigh columns and put them into wider rows of zeros, `left` from the edge."""
        found = self.zeros((*p.shape[:2], wide))
        found[:, :, left : left + p.shape[2]] = p * weights
        return found

    def add_mean(
        self, p: Frames, weights: NDArray[np.float64], total: NDArray[np.float64]
    ) -> None:
        """Add the weighted sum over frames to a total (row, column)."""
        total += np.tensordot(weights, p, axes=1)

    def subtract(self, p: Frames, image: Frames) -> None:
        """Subtract an image (row, column) from every frame."""
        p -= image

    def remove_stripes(
        self, p: Frames, order: NDArray[np.intp], small: int, large: int | None
    ) -> None:
        """Remove stripes from whole sinograms in place."""
        ordered = p[order]
        remove_stripes(ordered, small, large)
        p[order] = ordered

    def filter(
        self, p: Frames, weights: NDArray[np.float64], filter_name: str, out: Frames
    ) -> None:
        """Filter for backprojection, each frame times its weight."""
        filtered = filter_projections(p.astype(np.float64), filter_name)
        out[...] = weights[:, None, None] * filtered

    def add_plane(
        self,
        q: Frames,
        angles_rad: NDArray[np.float64],
        center_px: float,
        plane: Plane,
        picture: Frames,
    ) -> None:
        """Add the backprojection of filtered frames in any plane to a picture."""
        rows, n = q.shape[1:]
        z, y, x = _points(plane)
        y, x = y - (n - 1) / 2, x - (n - 1) / 2
        below = np.floor(z).astype(int)
        inside = (x**2 + y**2 <= (n / 2) ** 2) & (below >= -1) & (below < rows)
        # Zeros around each frame, so that nothing must be looked for outside.
        padded = np.pad(q, [(0, 0), (1, 2), (1, 1)])
        below = np.clip(below, -1, rows)
        upper = (z - below).astype(np.float32)
        total = np.zeros(plane.shape, np.float32)
        for frame, angle in zip(padded, angles_rad, strict=True):
            s = np.clip(
                x * np.cos(angle) + y * np.sin(angle) + center_px + 0.5, 0, n + 1
            )
            left = np.minimum(s.astype(int), n)
            part = (s - left).astype(np.float32)
            for row, share in ((below + 1, 1 - upper), (below + 2, upper)):
                at = frame[row, left] * (1 - part) + frame[row, left + 1] * part
                total += share * at
        picture += np.where(inside, total, np.float32(0))

    def slab_maker(
        self, rows: int, columns: int, n_angles: int, filter_name: str, method: str
    ) -> "HostSlabs":
        """Make what makes slices, of `rows` at a time at most."""
        del n_angles  # no room of its own
        return HostSlabs(min(rows, BLOCK), columns, filter_name, method)

    def slab_bytes(self, rows: int, columns: int, n_angles: int) -> int:
        """Tell what a slab maker holds and works in."""
        grid = Grid(min(rows, BLOCK), columns)
        return grid.bytes + grid.remainder_bytes + grid.work_bytes(n_angles)


class HostSlabs:
    """Slices of a few rows by gridding or backprojection."""

    def __init__(self, rows: int, columns: int, filter_name: str, method: str) -> None:
        self.rows = rows
        self._columns = columns
        self._filter = filter_name
        self._method = method

    def set_lines(
        self,
        angles_rad: NDArray[np.float64],
        weights: NDArray[np.float64],
        center_px: float,
    ) -> None:
        """Fix the projections' geometry for the slabs that follow."""
        self._lines = angles_rad, weights, center_px

    def slices(self, p: Frames, out: Frames) -> None:
        """Make slices (z, y, x) of all line integrals of their rows."""
        angles, weights, center_px = self._lines
        if self._method == "gridding":
            grid = Grid(p.shape[1], self._columns, self._filter)
            grids, rest = grid.zeros(), grid.remainders()
            gridding.add_projections(grids, rest, grid, p, angles, weights, center_px)
            out[...] = to_volume(grids, grid, 1.0)
            return
        blocks = Blocks(p.shape[1], self._columns)
        total = blocks.zeros()
        q = backprojection.filter_projections(p, weights, blocks, self._filter)
        backprojection.backproject(q, angles, center_px, total)
        out[...] = backprojection.to_volume(total, p.shape[1], 1.0)


def _points(plane: Plane) -> NDArray[np.float64]:
    """Give z, y and x of every pixel of a plane: (3, row, column)."""
    rows, columns = plane.shape
    i = np.arange(rows)[:, None] - (rows - 1) / 2
    j = np.arange(columns) - (columns - 1) / 2
    return np.stack(
        [
            middle + i * down + j * across
            for middle, down, across in zip(
                plane.middle, plane.down, plane.across, strict=True
            )
        ]
    )
