"""How right a volume is: against the phantom's truth, a reference, and the batch."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from daiss_bluesky.core.geometry import angle_weights
from daiss_bluesky.core.stored import StoredScan
from daiss_bluesky.kernels import reference

CIRCLE = 0.95
"""Radius inside which errors count, in half widths (the benchmark's measure)."""

N_SLICES = 3
"""Central slices that are compared, as the benchmark's measure says."""


@dataclass(frozen=True, slots=True)
class Accuracy:
    """Errors of a reconstruction inside the circle, over the central slices."""

    nrmse: float
    """RMSE over RMS of the truth, as it is: no gain is fitted first."""
    gain: float
    """Least-squares factor between reconstruction and truth; 1 is right."""


def central_slices(n_rows: int) -> slice:
    """Give the rows whose slices are compared."""
    first = max(0, (n_rows - N_SLICES) // 2)
    return slice(first, min(n_rows, first + N_SLICES))


def compare(slices: ArrayLike, truth: ArrayLike) -> Accuracy:
    """Compare (z, y, x) slices with the truth of the same rows."""
    found = np.asarray(slices, dtype=np.float64)
    right = np.asarray(truth, dtype=np.float64)
    y, x = (np.indices(right.shape[1:]) - (right.shape[-1] - 1) / 2) / (
        right.shape[-1] / 2
    )
    inside = np.hypot(x, y) <= CIRCLE
    f, t = found[:, inside], right[:, inside]
    rms = np.sqrt(np.mean(t**2))
    return Accuracy(
        nrmse=float(np.sqrt(np.mean((f - t) ** 2)) / rms),
        gain=float(np.sum(f * t) / np.sum(t**2)),
    )


def largest_difference(
    volume: NDArray[np.float32], other: Callable[[slice], ArrayLike]
) -> float:
    """Largest difference over the largest value, slice by slice to save memory."""
    worst = largest = 0.0
    for z in range(len(volume)):
        theirs = np.asarray(other(slice(z, z + 1)))[0]
        worst = max(worst, float(np.max(np.abs(volume[z] - theirs))))
        largest = max(largest, float(np.max(np.abs(theirs))))
    return worst / largest if largest else worst


def reference_slices(stored: StoredScan, center_px: float) -> NDArray[np.float64]:
    """Reconstruct the central slices in float64 NumPy from the frames as recorded.

    Independent of the live path: mean flat and dark, dead pixels interpolated along
    the row, the defining filter and backprojection at the center given.
    """
    rows = central_slices(stored.frame_shape[0])
    dark = stored.darks[:, rows].mean(axis=0, dtype=np.float64)
    gain = stored.flats[:, rows].mean(axis=0, dtype=np.float64) - dark
    raw = np.stack([stored.projections[i, rows] for i in stored.projection_indices])
    attenuation = -np.log(reference.transmission(raw, dark, gain))
    for row, line in enumerate(gain):
        good = np.flatnonzero(line > 0.1 * np.median(gain))
        for bad in np.setdiff1d(np.arange(line.size), good):
            sides = [good[good < bad][-1:], good[good > bad][:1]]
            near = np.concatenate(sides)
            attenuation[:, row, bad] = attenuation[:, row, near].mean(axis=1)
    weights = angle_weights(stored.angles_rad)
    return reference.reconstruct(attenuation, stored.angles_rad, weights, center_px)
