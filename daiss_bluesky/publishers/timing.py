"""How old results are when they can be read: lag, first slice, tail."""

import resource
from typing import Any

import numpy as np
from numpy.typing import NDArray


class Timing:
    """Collects when each projection was taken and when a view with it was readable."""

    def __init__(self) -> None:
        self._frames: list[NDArray[np.float64]] = []
        self._lags: list[NDArray[np.float64]] = []
        self._first_readable_s: float | None = None
        self._updates = 0

    def readable(self, frame_times_s: NDArray[np.float64], now_s: float) -> None:
        """Note that a view with these projections, new in it, can be read."""
        self._updates += 1
        if frame_times_s.size and self._first_readable_s is None:
            self._first_readable_s = now_s
        self._frames.append(frame_times_s)
        self._lags.append(now_s - frame_times_s)

    def describe(self, finished_s: float) -> dict[str, Any]:
        """Give the figures of a run whose final arrays became readable just now."""
        times = np.concatenate([np.zeros(0), *self._frames])
        figures: dict[str, Any] = {
            "updates": self._updates,
            "peak_resident_bytes": 1024
            * resource.getrusage(resource.RUSAGE_SELF).ru_maxrss,
        }
        if times.size and self._first_readable_s is not None:
            first_s, last_s = float(times.min()), float(times.max())
            figures |= {
                "first_slice_s": self._first_readable_s - first_s,
                "lag_p95_s": float(np.percentile(np.concatenate(self._lags), 95)),
                "tail_s": finished_s - last_s,
            }
            if last_s > first_s:
                figures["frames_per_s"] = (times.size - 1) / (last_s - first_s)
        return figures
