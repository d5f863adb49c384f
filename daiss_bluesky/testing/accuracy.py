"""How good a volume is: against the truth, and against a float64 reference."""

import numpy as np
from numpy.typing import NDArray

from daiss_bluesky.algorithms.fields import FieldCollector
from daiss_bluesky.core.frames import Batch
from daiss_bluesky.core.geometry import angle_weights
from daiss_bluesky.core.stored import StoredScan
from daiss_bluesky.engine.inline import calibration_batches, read_frames
from daiss_bluesky.kernels import reference

FIELD = 0.95
"""Radius of the circle that is judged, in half widths of a slice."""


def nrmse(volume: NDArray[np.floating], truth: NDArray[np.floating]) -> float:
    """Root mean square error over the truth's, inside the 0.95 circle; no gain fit."""
    found, true = _judged(volume), _judged(truth)
    return float(np.sqrt(np.mean((found - true) ** 2) / np.mean(true**2)))


def gain(volume: NDArray[np.floating], truth: NDArray[np.floating]) -> float:
    """Factor of least squares from the truth to the volume, 1 at best."""
    found, true = _judged(volume), _judged(truth)
    return float(np.sum(found * true) / np.sum(true * true))


def _judged(volume: NDArray[np.floating]) -> NDArray[np.float64]:
    n = volume.shape[-1]
    offset = np.arange(n) - (n - 1) / 2
    inside = offset[:, None] ** 2 + offset**2 <= (FIELD * n / 2) ** 2
    return volume[..., inside].astype(np.float64)


def reference_slices(
    stored: StoredScan, center_px: float, rows: slice = slice(None)
) -> NDArray[np.float64]:
    """Reconstruct rows of a stored scan in float64 by the definitions, nothing else.

    Flats are interpolated in time as always; no pixel is repaired. Slow: a few seconds
    for 128 slices of 128 x 128 from 181 projections.
    """
    fields_of = FieldCollector(dark_level=0.0, repair_dead=False)
    for batch in calibration_batches(stored):
        if batch.kind in {"flat", "dark"}:
            fields_of.add(_crop(batch, rows))
    fields = fields_of.fields()
    q = []
    for i, time_s in zip(stored.projection_indices, stored.times_s, strict=True):
        raw = read_frames(stored.projections, np.array([i]))[0, rows]
        position = float(fields.position(np.array([time_s]))[0])
        group = int(position)
        after = min(group + 1, len(fields.gains) - 1)
        share = position - group
        beam = fields.gains[group] * (1 - share) + fields.gains[after] * share
        t = reference.transmission(raw, fields.dark, beam)
        q.append(reference.filter_projections(-np.log(t)))
    weights = angle_weights(stored.angles_rad)
    return reference.backproject(np.stack(q), stored.angles_rad, weights, center_px)


def _crop(batch: Batch, rows: slice) -> Batch:
    return Batch(
        batch.kind,
        batch.stream,
        batch.indices,
        batch.angles_rad,
        batch.times_s,
        batch.pixels[:, rows],
    )
