"""The ramp filter on a device, for backprojection; `reference.filter_projections`."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from daiss_bluesky.kernels.cuda.module import Operator, cupy, is_half
from daiss_bluesky.kernels.cuda.transforms import planned_real
from daiss_bluesky.kernels.ramp import frequency_response, padded_length

_THREADS = 256


class RowFilter:
    """Room and response to filter rows of one length, `most_rows` at a time."""

    def __init__(
        self, columns: int, filter_name: str = "ramp", most_rows: int = 4096
    ) -> None:
        cp = cupy()
        self._columns, self._most = columns, most_rows
        self._length = padded_length(columns)
        response = frequency_response(columns, filter_name) / self._length
        self._response = cp.asarray(response, cp.float32)
        self._padded = cp.zeros((most_rows, self._length), cp.float32)
        half = most_rows, self._length // 2 + 1
        self._spectra = cp.empty(half, cp.complex64)
        self._transform = planned_real((self._length,), most_rows)

    @staticmethod
    def bytes(columns: int, most_rows: int) -> int:
        """Tell its device memory in advance, the transforms' own included."""
        return 16 * most_rows * (padded_length(columns) + 2)

    def filter(self, p: Any, weights: NDArray[np.float64], out: Any) -> None:
        """Filter contiguous attenuation (angle, row, column) times a weight an angle.

        p and out are float32 or float16 on the device, and may be the same array.
        """
        cp = cupy()
        angles, rows_each, columns = p.shape
        rows = angles * rows_each
        by_row, to_row = p.reshape(rows, columns), out.reshape(rows, columns)
        every = cp.asarray(np.repeat(weights, rows_each), cp.float32)
        for first in range(0, rows, self._most):
            part = slice(first, min(first + self._most, rows))
            self._filter(by_row[part], every[part], to_row[part])

    def _filter(self, p: Any, weights: Any, out: Any) -> None:
        rows, length = len(p), np.int32(self._length)
        columns = np.int32(self._columns)
        half = length // 2 + 1
        before = Operator("filter", {"HALF": is_half(p)})
        after = Operator("filter", {"HALF": is_half(out)})
        # What is left there would cost the last row its accuracy, where a transform
        # takes two rows for one complex.
        self._padded[rows:] = 0
        before.launch(
            "pad_rows",
            (rows,),
            (_THREADS,),
            (p, columns, length, self._padded),
        )
        self._transform.forward(self._padded, self._spectra)
        before.launch(
            "respond",
            (rows,),
            (_THREADS,),
            (self._spectra, self._response, np.int32(half)),
        )
        self._transform.backward(self._spectra, self._padded)
        after.launch(
            "crop_rows",
            (rows,),
            (_THREADS,),
            (self._padded, weights, columns, length, out),
        )


def most_rows(columns: int, room_bytes: int) -> int:
    """Tell how many rows may be filtered at once in so much memory; one at least."""
    return max(1, room_bytes // RowFilter.bytes(columns, 1))
