"""Candidate centers about the present one, and what is sent of their slices."""

from dataclasses import dataclass
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from daiss_bluesky.core.errors import InputError
from daiss_bluesky.core.reconstruction import TomographyReconstruction
from daiss_bluesky.core.registry import load

FEWEST, MOST = 5, 41
MOST_PX = 512
"""Side of a slice that is sent; larger ones are averaged."""


def fan_centers(
    around_px: float, step_px: float, count: int, columns: int
) -> NDArray[np.float64]:
    """Give candidates about one, moved along where they would leave the detector."""
    if not (isinstance(count, int) and FEWEST <= count <= MOST):
        raise InputError(f"count = {count!r}: {FEWEST} to {MOST} centers are possible")
    if not (np.isfinite(step_px) and 0 < step_px <= columns / (count - 1)):
        raise InputError(
            f"step_px = {step_px:g}: {count} centers of {columns} columns are expected"
        )
    if not 0 <= around_px <= columns:
        raise InputError(f"around_px = {around_px:g} is outside of the detector")
    half = step_px * (count - 1) / 2
    first_px = min(max(around_px, half), columns - half) - half
    return first_px + step_px * np.arange(count, dtype=np.float64)


@dataclass(frozen=True, slots=True, eq=False)
class FanRows:
    """What a fan is made from: one row of the projections so far, corrected."""

    z: int
    angles_rad: NDArray[np.float64]
    sinogram: NDArray[np.float32]
    center_px: float
    """The present one, or the middle of the detector."""

    @classmethod
    def of(cls, one: TomographyReconstruction, row: int | None) -> Self:
        """Take the kept row nearest to one, the middle without it; soon done."""
        rows, columns = one.frame_shape
        z, angles, sinogram = one.sinogram(rows // 2 if row is None else row)
        present_px = one.progress().parameters.get("center_px")
        center_px = columns / 2 if present_px is None else float(present_px)
        return cls(z, angles, sinogram, center_px)

    def fan(
        self, around_px: float | None, step_px: float, count: int
    ) -> dict[str, Any]:
        """Make it: seconds where slices are large, in the thread of who asks."""
        middle_px = self.center_px if around_px is None else around_px
        columns = self.sinogram.shape[1]
        candidates = fan_centers(middle_px, step_px, count, columns)
        make = load("daiss_bluesky.kernels.center_fan:center_fan")
        fan = make(self.sinogram[:, None], self.angles_rad, 0, candidates)
        return {
            "z": self.z,
            "centers_px": fan.candidates_px,
            "scores": fan.scores,
            "slices": _small(fan.slices),
            "best_px": fan.best_px,
            "error_px": fan.error_px if np.isfinite(fan.error_px) else None,
            "unsure": fan.unsure,
        }


def _small(slices: NDArray[np.float32]) -> NDArray[np.float32]:
    """Average squares of pixels until a side is short enough."""
    factor = -(-slices.shape[1] // MOST_PX)
    side = slices.shape[1] // factor * factor
    parts = slices[:, :side, :side].reshape(
        len(slices), side // factor, factor, side // factor, factor
    )
    return np.ascontiguousarray(parts.mean(axis=(2, 4), dtype=np.float32))
