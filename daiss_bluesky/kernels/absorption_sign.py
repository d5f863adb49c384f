"""Whether an object retards the phase where it absorbs, as matter does."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from daiss_bluesky.kernels.circulation import edges_between


def retarded_where_absorbed(
    waves: NDArray[np.complexfloating[Any, Any]],
    totals: NDArray[np.floating[Any]],
    positions: NDArray[np.float64],
) -> float:
    """Correlate phase and absorption between neighboring frames, -1 to 1.

    `waves` (frame) are means of the reconstructed object under the probe, `totals`
    (frame) the counts of the frames, `positions` (frame, 2) where they were taken, in
    any unit. What is absorbed is taken from the counts, for the amplitude of an object
    not yet converged follows its phase. Waves are exp(ikz) and transforms to the
    detector exp(-iqr), so matter multiplies by exp(-kβt - ikδt): positive for an
    object, negative for its conjugate twin. Towards 0 as the counts vary no more than
    photons do; 0 where positions have no neighbors.
    """
    edges = edges_between(positions)
    if edges is None or not (totals > 0).all() or not np.abs(waves).all():
        return 0.0
    first, second = edges.T
    phase = np.angle(waves[second] * np.conj(waves[first]))
    steps = positions[second] - positions[first]
    # A ramp of the phase is none of the object's.
    phase -= steps @ np.linalg.lstsq(steps, phase, rcond=None)[0]
    absorbed = np.log(totals[second] / totals[first])
    noise = np.sum(1 / totals[second] + 1 / totals[first])
    power = np.sum(absorbed**2)
    scale = float(np.sqrt(power * np.sum(phase**2)))
    if not scale > 0:
        return 0.0
    return float(np.sum(phase * absorbed)) / scale * max(0.0, float(1 - noise / power))
