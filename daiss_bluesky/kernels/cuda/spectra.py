"""Rows of attenuation on a device to filtered spectra; part of gridding."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from daiss_bluesky.kernels.cuda.module import (
    Operator,
    cupy,
    is_half,
    parts,
    steps_of,
)
from daiss_bluesky.kernels.cuda.transforms import planned
from daiss_bluesky.kernels.gridding import Grid

_THREADS = 256
_TILE, _TALL = 32, 8

_PADDED_BYTES = 1 << 29
"""Rows transformed at once; more gain nothing."""


class RowSpectra:
    """Spectra about the rotation center of pairs of rows, by direction.

    `values` are (slot, frequency from lowest to highest, lane), complex64 or, in half
    precision, two halves, times `scale`, flat. There are zeros in lanes without rows.
    """

    def __init__(self, grid: Grid, lanes: int, n_angles: int, *, half: bool) -> None:
        cp = cupy()
        self._lanes, self._half = lanes, half
        self._length = grid.row_plan.length
        # Relative to the response, which includes 1 / length, so that halves suffice.
        self.scale = float(2 ** round(np.log2(self._length) / 2))
        self._response = cp.asarray(grid.response.astype(np.float32))
        self._pairs = parts(grid.rows, 2)
        self._chunk = _chunk(self._pairs, self._length, n_angles)
        size = n_angles * self._length * lanes
        self.values = cp.zeros(size, cp.uint32 if half else cp.complex64)
        padded = self._pairs, self._chunk, self._length
        self._padded = cp.empty(padded, cp.complex64)
        self._transform = planned((self._length,), self._pairs * self._chunk)

    @staticmethod
    def bytes(grid: Grid, lanes: int, n_angles: int, *, half: bool) -> int:
        """Tell the device memory of one, and of its transforms, in advance."""
        length, pairs = grid.row_plan.length, parts(grid.rows, 2)
        padded = 8 * pairs * _chunk(pairs, length, n_angles) * length
        return (4 if half else 8) * n_angles * length * lanes + 2 * padded

    def set_lines(
        self,
        places: NDArray[np.int32],
        shifts_px: NDArray[np.float64],
        weights: NDArray[np.float64],
    ) -> None:
        """Fix each angle's slot, shift to the center, and weight."""
        cp = cupy()
        self._places, self._shifts = cp.asarray(places), cp.asarray(shifts_px)
        self._weights = cp.asarray(weights, cp.float32)

    def fill(self, p: Any) -> None:
        """Filter attenuation (row, angle, column); columns lie beside each other."""
        n_angles = p.shape[1]
        for first in range(0, n_angles, self._chunk):
            part = slice(first, min(first + self._chunk, n_angles))
            self._transform_rows(p[:, part], part)

    def _transform_rows(self, p: Any, part: slice) -> None:
        rows, count, columns = p.shape
        pairs, length = parts(rows, 2), np.int32(self._length)
        kinds = {"HALF": is_half(p), "HALF_SPECTRA": self._half}
        operator = Operator("spectra", kinds)
        operator.launch(
            "pair_rows",
            (1, count, pairs),
            (_THREADS,),
            (
                p, *steps_of(p), np.int32(rows), np.int32(columns), length,
                self._padded,
            ),
        )  # fmt: skip
        self._transform.forward(self._padded)
        operator.launch(
            "turn",
            (parts(self._length, _TILE), count, self._lanes // _TILE),
            (_TILE, _TALL),
            (
                self._padded, np.int32(pairs), length, np.int32(self._lanes),
                self._response, self._shifts[part], self._weights[part],
                self._places[part], np.float32(self.scale), self.values,
            ),
        )  # fmt: skip


def _chunk(pairs: int, length: int, n_angles: int) -> int:
    return min(n_angles, max(1, _PADDED_BYTES // (8 * pairs * length)))
