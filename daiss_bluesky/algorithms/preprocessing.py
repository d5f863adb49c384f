"""Raw frames to line integrals, and their mean: what every tomography shares."""

from collections.abc import Callable
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from daiss_bluesky.algorithms.phase_parameters import phase_filter
from daiss_bluesky.algorithms.preprocessing_parameters import PreprocessingParameters
from daiss_bluesky.core.scan import Scan
from daiss_bluesky.kernels.correction import (
    Fields,
    attenuation,
    rows_around,
    transmission,
)
from daiss_bluesky.kernels.phase import retrieve
from daiss_bluesky.kernels.stripes import add_weighted, remove_stripes, stripe_image

Frames = NDArray[np.float32]

PhaseRetrieval = Callable[[Frames], Frames]
"""Takes transmission (frame, row, column), which it may overwrite, and gives line
integrals; stands in for the logarithm."""


class Preprocessing:
    """The chain dark, flat, dead pixels, zingers, then logarithm or phase retrieval."""

    def __init__(
        self, parameters: PreprocessingParameters, phase: PhaseRetrieval | None = None
    ) -> None:
        self._parameters = parameters
        self._phase = phase

    @classmethod
    def of(
        cls,
        parameters: PreprocessingParameters,
        scan: Scan,
        frame_shape: tuple[int, int],
    ) -> Self:
        """Make the chain of one scan; refuses what phase retrieval lacks, by name."""
        if parameters.phase is None:
            return cls(parameters)
        made = phase_filter(parameters.phase, scan, frame_shape)
        return cls(parameters, lambda t: retrieve(t, made, out=t))

    @property
    def zinger_threshold(self) -> float | None:
        """Threshold in force; None leaves zingers."""
        parameters = self._parameters
        return parameters.zinger_threshold if parameters.zingers else None

    def line_integrals(
        self, raw: NDArray[Any], times_s: NDArray[np.float64], fields: Fields
    ) -> Frames:
        """Correct raw frames (frame, row, column); float32, always finite."""
        if self._phase is None:
            return attenuation(raw, times_s, fields, self.zinger_threshold)
        t = transmission(raw, times_s, fields, self.zinger_threshold)
        return self._phase(t)

    def of_rows(
        self, fields: Fields, rows: slice
    ) -> Callable[[NDArray[Any], NDArray[np.float64]], Frames]:
        """Give what makes line integrals of some rows from raw frames and times.

        They are those of `line_integrals`. Phase retrieval needs frames as a whole.
        """
        if self._phase is not None:
            return lambda raw, times_s: self.line_integrals(raw, times_s, fields)[
                :, rows
            ]
        around = rows_around(rows, len(fields.dark))
        inside = slice(rows.start - around.start, rows.stop - around.start)
        part, threshold = fields.part(around), self.zinger_threshold
        return lambda raw, times_s: attenuation(
            raw[:, around], times_s, part, threshold
        )[:, inside]

    def remove_stripes(self, p: Frames) -> None:
        """Remove stripes from whole sinograms (angle, row, column), in place."""
        small, large = self._parameters.sorting_windows_px(p.shape[2])
        remove_stripes(p, small, large)


class MeanProjection:
    """The weighted mean of all line integrals so far."""

    def __init__(self, frame_shape: tuple[int, int]) -> None:
        self._total = np.zeros(frame_shape)
        self._weight = 0.0

    def add(self, p: Frames, weights: NDArray[np.float64]) -> None:
        """Take in line integrals (frame, row, column), each with its weight."""
        add_weighted(self._total, p, weights)
        self._weight += float(weights.sum())

    def clear(self) -> None:
        """Forget them."""
        self._total[:] = 0.0
        self._weight = 0.0

    def stripes(self, window_px: int) -> Frames:
        """Give what each pixel adds to every projection by mistake (row, column)."""
        mean = self._total / self._weight if self._weight else self._total
        return stripe_image(mean.astype(np.float32), window_px)
