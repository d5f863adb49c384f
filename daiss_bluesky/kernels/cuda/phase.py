"""Phase retrieval on a device; what `kernels.phase.retrieve` does."""

from typing import Any

import numpy as np

from daiss_bluesky.kernels.cuda.module import Operator, cupy, is_half, parts, steps_of
from daiss_bluesky.kernels.cuda.transforms import planned_real
from daiss_bluesky.kernels.phase import PhaseFilter, inverse_transfer, padded_shape

_THREADS = 256
_FRAMES = 8
"""Transformed at once."""


class DevicePhase:
    """Filter, plans and room for frames of one shape; made once."""

    def __init__(self, phase: PhaseFilter, rows: int, columns: int) -> None:
        cp = cupy()
        self._shape = rows, columns
        self._inverse = cp.asarray(inverse_transfer(phase, rows, columns))
        tall, wide = self._inverse.shape
        self._frames = cp.zeros((_FRAMES, tall, wide), cp.float32)
        self._spectra = cp.empty((_FRAMES, tall, wide // 2 + 1), cp.complex64)
        self._transform = planned_real((tall, wide), _FRAMES)

    @staticmethod
    def bytes(phase: PhaseFilter, rows: int, columns: int) -> int:
        """Tell its device memory in advance, the transforms' own included."""
        tall, wide = padded_shape(rows, columns, phase.margin_px)
        return 4 * tall * (wide + (3 * _FRAMES + 1) * (wide + 2))

    def retrieve(self, transmission: Any, out: Any) -> None:
        """Give attenuation line integrals of contiguous frames of I/I0, float32.

        Finite, as `correction.correct` gives them: one pixel that is not would spread
        over its whole frame. out (frame, row, column) is float32 or float16 with any
        strides but that of a column, and may be the transmission itself.
        """
        for first in range(0, len(transmission), _FRAMES):
            part = slice(first, min(first + _FRAMES, len(transmission)))
            self._retrieve(transmission[part], out[part])

    def _retrieve(self, transmission: Any, out: Any) -> None:
        (rows, columns), count = self._shape, len(transmission)
        tall, wide = self._inverse.shape
        half = wide // 2 + 1
        lengths = np.int32(tall), np.int32(wide)
        # A transform may take two frames for one complex, and what is left there would
        # cost the last one its accuracy.
        self._frames[count:] = 0
        operator = Operator("phase", {"HALF": is_half(out)})
        operator.launch(
            "shuffle",
            (parts(wide, _THREADS), tall, count),
            (_THREADS,),
            (transmission, np.int32(rows), np.int32(columns), *lengths, self._frames),
        )
        self._transform.forward(self._frames, self._spectra)
        operator.launch(
            "divide",
            (parts(half, _THREADS), tall // 2 + 1, count),
            (_THREADS,),
            (self._spectra, self._inverse, *lengths),
        )
        self._transform.backward(self._spectra, self._frames)
        operator.launch(
            "line_integrals",
            (parts(columns, _THREADS), rows, count),
            (_THREADS,),
            (
                self._frames, *lengths, np.int32(columns),
                np.float32(1 / (tall * wide)), out,
                *steps_of(out),
            ),
        )  # fmt: skip
