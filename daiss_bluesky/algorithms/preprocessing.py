"""Raw frames to line integrals, and their mean: what every tomography shares."""

from collections.abc import Callable
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from daiss_bluesky.algorithms.axis_tilt import Upright
from daiss_bluesky.algorithms.phase_parameters import phase_filter
from daiss_bluesky.algorithms.preprocessing_parameters import PreprocessingParameters
from daiss_bluesky.core.scan import Scan
from daiss_bluesky.kernels.correction import (
    Fields,
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
    """Dark, flat, dead pixels, zingers, tilt, then logarithm or phase retrieval."""

    def __init__(
        self,
        parameters: PreprocessingParameters,
        phase: PhaseRetrieval | None = None,
        middle_row_px: float | None = None,
    ) -> None:
        self._parameters = parameters
        self._phase = phase
        self._middle_row_px = middle_row_px

    @classmethod
    def of(
        cls,
        parameters: PreprocessingParameters,
        scan: Scan,
        frame_shape: tuple[int, int],
    ) -> Self:
        """Make the chain of one scan; refuses what phase retrieval lacks, by name."""
        if parameters.phase is None:
            return cls(parameters, None, scan.middle_row_px)
        made = phase_filter(parameters.phase, scan, frame_shape)
        return cls(parameters, lambda t: retrieve(t, made, out=t), scan.middle_row_px)

    @property
    def zinger_threshold(self) -> float | None:
        """Threshold in force; None leaves zingers."""
        parameters = self._parameters
        return parameters.zinger_threshold if parameters.zingers else None

    def line_integrals(
        self,
        raw: NDArray[Any],
        times_s: NDArray[np.float64],
        fields: Fields,
        tilt_rad: float = 0.0,
    ) -> Frames:
        """Correct raw frames (frame, row, column); float32, always finite.

        Straightened before phase retrieval too, which no direction matters to, so that
        what comes after knows upright rows only.
        """
        upright = Upright(tilt_rad, self._middle_row_px)
        if self._phase is None:
            return upright.attenuation(raw, times_s, fields, self.zinger_threshold)
        t = transmission(raw, times_s, fields, self.zinger_threshold)
        if tilt_rad:
            t = upright.frames(t)
        return self._phase(t)

    def of_rows(
        self, fields: Fields, tilt_rad: float, rows: slice
    ) -> Callable[[NDArray[Any], NDArray[np.float64]], Frames]:
        """Give what makes line integrals of some rows from raw frames and times.

        They are those of `line_integrals`. Phase retrieval and a tilted axis need
        frames as a whole.
        """
        if self._phase is not None or tilt_rad:
            return lambda raw, times_s: self.line_integrals(
                raw, times_s, fields, tilt_rad
            )[:, rows]
        around = rows_around(rows, len(fields.dark))
        inside = slice(rows.start - around.start, rows.stop - around.start)
        part, upright = fields.part(around), Upright(0.0, None)
        return lambda raw, times_s: upright.attenuation(
            raw[:, around], times_s, part, self.zinger_threshold
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
