"""Moments of diffraction frames as they are defined: plain NumPy float64."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from daiss_bluesky.kernels.frame_moments import (
    Moments,
    check_frames,
    moments_from_sums,
)


def frame_moments(
    frames: NDArray[Any], bad: NDArray[np.bool_] | None = None
) -> Moments:
    """Measure frames (frame, row, column): Σ I, Σ y I / Σ I and Σ x I / Σ I."""
    check_frames(frames, bad)
    intensity = frames.astype(np.float64)
    if bad is not None:
        intensity[:, bad] = 0.0
    rows, columns = (np.arange(n) - n // 2 for n in frames.shape[1:])
    return moments_from_sums(
        np.stack(
            [
                intensity.sum(axis=(1, 2)),
                (intensity * rows[:, None]).sum(axis=(1, 2)),
                (intensity * columns).sum(axis=(1, 2)),
            ],
            axis=1,
        )
    )
