"""Monitored readings of one axis, interpolated in time."""

import threading
from bisect import bisect_left, bisect_right, insort
from collections.abc import Mapping

import numpy as np
from numpy.typing import ArrayLike, NDArray

from daiss_bluesky.core.errors import UnavailableError


class NewestTime:
    """Time of the newest monitored reading of a run, of whichever axis."""

    def __init__(self) -> None:
        """Begin before all readings."""
        self.newest_s = -np.inf


class AxisTrack:
    """What a run's documents say of one axis apart from its frames.

    Documents add to it in one thread while frames are read in another, so a reader can
    wait until the track reaches the time it asks about.
    """

    def __init__(
        self,
        name: str,
        *,
        bridge: bool = True,
        promised: bool = False,
        run: NewestTime | None = None,
    ) -> None:
        """Begin without readings; name: of the axis, in sentences.

        bridge: interpolate past readings that got lost, too. promised: wait, once, for
        a document that says readings will come. run: shared by the axes.
        """
        self.key_factor: float | None = None
        """From the unit of the axis's data key to ours, once a descriptor said it."""
        self._name = name
        self._bridge = bridge
        self._promised = promised
        self._times_s: dict[str, dict[int, float]] = {}
        """By stream and seq_num."""
        self._readings: list[tuple[float, float]] = []
        """Time and value, in the order of time."""
        self._last: dict[str, int] = {}
        """Highest seq_num known to exist, by stream."""
        self._newest_s = -np.inf
        self._run = run or NewestTime()
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
            known_s = self._times_s.setdefault(stream, {})
            if seq_num in known_s:
                return
            known_s[seq_num] = time_s
            insort(self._readings, (time_s, value))
            self._last[stream] = max(self._last.get(stream, 0), seq_num)
            self._newest_s = max(self._newest_s, time_s)
            self._run.newest_s = max(self._run.newest_s, time_s)
            self._changed.notify_all()

    def expect(self, stream: str) -> None:
        """Say that readings will come in a stream."""
        with self._changed:
            self._last.setdefault(stream, 0)
            self._changed.notify_all()

    def need_none(self) -> None:
        """Say that readings are not promised: something else measures the axis."""
        self._promised = False

    def complete(self, num_events: Mapping[str, int] | None = None) -> None:
        """Say that no reading will come: the last one then holds from there on.

        num_events: how many there were, by stream; more than came are lost.
        """
        with self._changed:
            for stream, last in self._last.items():
                self._last[stream] = max(last, (num_events or {}).get(stream, 0))
            self._complete = True
            self._changed.notify_all()

    def values_at(
        self, times_s: ArrayLike, timeout_s: float
    ) -> NDArray[np.float64] | None:
        """Interpolate linearly; None for a run without readings.

        NaN where readings got lost that are not bridged. Raises UnavailableError if the
        readings do not reach the times, without such gaps, within timeout_s; an axis
        that is silent while others of the run go on is at rest, and posts nothing.
        """
        times = np.asarray(times_s, dtype=np.float64)
        with self._changed:
            if self._promised and not self._last:
                self._changed.wait_for(lambda: self._complete or self._last, timeout_s)
                self._promised = False
            if not self._last:
                return None
            latest = float(times.max())
            came = self._changed.wait_for(
                lambda: self._complete or self._reach(times), timeout_s
            )
            if not came and (self._run.newest_s < latest or self._lost(times).any()):
                raise UnavailableError(
                    f"the monitored {self._name} readings did not reach the time of the"
                    f" frame ({latest:.3f} s) within {timeout_s:g} s"
                )
            lost = self._lost(times)
            near = self._near(float(times.min()), latest)
        if not near:
            return None if self._bridge else np.full(times.shape, np.nan)
        readings = np.array(near)
        values: NDArray[np.float64] = np.interp(times, readings[:, 0], readings[:, 1])
        values[lost] = np.nan
        return values

    def _near(self, first_s: float, last_s: float) -> list[tuple[float, float]]:
        """Give the readings between two times, and their neighbors."""
        start = bisect_left(self._readings, (first_s,)) - 1
        stop = bisect_right(self._readings, (last_s, np.inf)) + 1
        return self._readings[max(0, start) : stop]

    def _reach(self, times_s: NDArray[np.float64]) -> bool:
        return bool(self._newest_s >= times_s.max() and not self._lost(times_s).any())

    def _lost(self, times_s: NDArray[np.float64]) -> NDArray[np.bool_]:
        """Tell which times lie where a stream lacks a reading, unless bridged."""
        lost = np.zeros(times_s.shape, dtype=np.bool_)
        for stream, last in self._last.items():
            known_s = self._times_s.get(stream, {})
            if self._bridge or len(known_s) == last:
                continue
            numbers = np.array([0, *sorted(known_s), last + 1])
            inner_s = [known_s[n] for n in numbers[1:-1].tolist()]
            edges_s = np.array([-np.inf, *inner_s, np.inf])
            for i in np.flatnonzero(np.diff(numbers) > 1):
                lost |= (times_s > edges_s[i]) & (times_s < edges_s[i + 1])
        return lost
