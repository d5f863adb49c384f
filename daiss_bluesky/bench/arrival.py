"""The tail while frames arrive at a rate, as from a detector."""

import time

import numpy as np
from numpy.typing import NDArray

from daiss_bluesky.algorithms.accumulation import BackprojectedSum, GriddedSum
from daiss_bluesky.bench.cases import Case

MAX_BATCH = 16
"""Frames that the local engine takes at once."""


def tail_at_rate_s(
    case: Case,
    make_sum: type[BackprojectedSum] | type[GriddedSum],
    filter_name: str,
    p: NDArray[np.float32],
    arrival_fps: float,
) -> float:
    """Give the time from the arrival of the last projection to the volume.

    Whatever has arrived is added, at most MAX_BATCH at once, so that what a method is
    behind counts as well.
    """
    total = make_sum((case.rows, case.columns), filter_name)
    began_s, added = time.perf_counter(), 0
    while added < case.n_angles:
        arrived = int((time.perf_counter() - began_s) * arrival_fps)
        last = min(arrived, added + MAX_BATCH, case.n_angles)
        if last == added:
            next_s = began_s + (added + 1) / arrival_fps
            time.sleep(max(0.0, next_s - time.perf_counter()))
            continue
        part = slice(added, last)
        angles, weights = case.angles_rad[part], case.weights[part]
        total.add(p[part], angles, weights, case.center_px)
        added = last
    total.volume(1.0)
    return time.perf_counter() - began_s - case.n_angles / arrival_fps
