"""Monitored readings of one axis, interpolated in time."""

import threading

import numpy as np
from numpy.typing import ArrayLike, NDArray

from daiss_bluesky.core.errors import UnavailableError


class AxisTrack:
    """What a run's documents say of one axis apart from its frames.

    Documents add to it in one thread while frames are read in another, so a reader can
    wait until the track reaches the time it asks about.
    """

    def __init__(self, name: str) -> None:
        """Begin without readings; name: of the axis, in sentences."""
        self.key_factor: float | None = None
        """From the unit of the axis's data key to ours, once a descriptor said it."""
        self._name = name
        self._readings: dict[tuple[str, int], tuple[float, float]] = {}
        self._newest_s = -np.inf
        self._expected = False
        self._complete = False
        self._changed = threading.Condition()

    def __len__(self) -> int:
        """Count the readings, each once."""
        return len(self._readings)

    def add(self, stream: str, seq_num: int, time_s: float, value: float) -> None:
        """Take a reading; the same one again changes nothing."""
        if not (np.isfinite(time_s) and np.isfinite(value)):
            return
        with self._changed:
            self._readings.setdefault((stream, seq_num), (time_s, value))
            self._newest_s = max(self._newest_s, time_s)
            self._changed.notify_all()

    def expect(self) -> None:
        """Say that readings will come."""
        with self._changed:
            self._expected = True

    def complete(self) -> None:
        """Say that no reading will come: the last one then holds from there on."""
        with self._changed:
            self._complete = True
            self._changed.notify_all()

    def values_at(
        self, times_s: ArrayLike, timeout_s: float
    ) -> NDArray[np.float64] | None:
        """Interpolate linearly; None for a run without readings.

        Raises UnavailableError if the readings do not reach the times within timeout_s.
        """
        times = np.asarray(times_s, dtype=np.float64)
        with self._changed:
            if not (self._expected or self._readings):
                return None
            latest = float(times.max())
            if not self._changed.wait_for(
                lambda: self._complete or self._newest_s >= latest, timeout_s
            ):
                raise UnavailableError(
                    f"the monitored {self._name} readings did not reach the time of the"
                    f" frame ({latest:.3f} s) within {timeout_s:g} s"
                )
            if not self._readings:
                return None
            readings = np.array(sorted(self._readings.values()))
        values: NDArray[np.float64] = np.interp(times, readings[:, 0], readings[:, 1])
        return values
