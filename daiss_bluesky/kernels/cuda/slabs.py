"""`operators.SlabMaker` on a GPU, in two forms."""

from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Any

import numpy as np
from numpy.typing import NDArray

from daiss_bluesky.kernels.cuda.backprojection import add_to_slab
from daiss_bluesky.kernels.cuda.filtering import RowFilter
from daiss_bluesky.kernels.cuda.gridding import SlabGridding

On = Callable[[], AbstractContextManager[Any]]
"""Sets device and stream; gives CuPy."""

_ROWS = 32
_ANGLES = 64
"""Filtered at once, for backprojection."""


class GriddedSlabs:
    """Slices by gridding."""

    def __init__(self, on: On, made: SlabGridding) -> None:
        self._on = on
        self._made = made
        self.rows = made.rows

    def set_lines(
        self,
        angles_rad: NDArray[np.float64],
        weights: NDArray[np.float64],
        center_px: float,
    ) -> None:
        """Fix the projections' geometry for the slabs that follow."""
        with self._on():
            self._made.set_lines(angles_rad, weights, center_px)

    def slices(self, p: Any, out: Any) -> None:
        """Make slices (z, y, x) of all line integrals of their rows."""
        with self._on():
            self._made.slices(p.transpose(1, 0, 2), 1.0, out)


class BackprojectedSlabs:
    """Slices that every projection is smeared over."""

    def __init__(self, on: On, rows: int, columns: int, filter_name: str) -> None:
        self._on = on
        self.rows = min(rows, _ROWS)
        self._filter = RowFilter(columns, filter_name, _ANGLES * self.rows)

    def set_lines(
        self,
        angles_rad: NDArray[np.float64],
        weights: NDArray[np.float64],
        center_px: float,
    ) -> None:
        """Fix the projections' geometry for the slabs that follow."""
        self._angles, self._weights, self._center_px = angles_rad, weights, center_px

    def slices(self, p: Any, out: Any) -> None:
        """Make slices (z, y, x) of all line integrals of their rows."""
        with self._on() as cp:
            total = cp.zeros(out.shape, cp.float32)
            for first in range(0, len(p), _ANGLES):
                part = slice(first, first + _ANGLES)
                some = cp.ascontiguousarray(p[part])
                q = cp.empty(some.shape, cp.float32)
                self._filter.filter(some, self._weights[part], q)
                add_to_slab(q, self._angles[part], self._center_px, total)
            out[...] = total
