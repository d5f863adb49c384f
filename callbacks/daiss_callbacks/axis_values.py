"""Values of one axis for frames of one kind, from the best source that has them."""

from collections.abc import Callable, Iterable, Sequence

import numpy as np
from numpy.typing import NDArray

from daiss_bluesky.core.errors import UnavailableError
from daiss_bluesky.core.frames import FrameKey
from daiss_callbacks.axes import AXIS_SOURCES, Axis, AxisSource

Others = Sequence[float | None] | NDArray[np.float64]


class AxisValues:
    """Values of one axis, NaN until a source fills them; the first source wins."""

    def __init__(self, values: NDArray[np.float64]) -> None:
        """Begin with what the file says, NaN where it says nothing."""
        self.values = values
        self.sources: list[AxisSource] = [
            "file" if known else "none" for known in np.isfinite(values)
        ]

    @property
    def open(self) -> NDArray[np.bool_]:
        """Which frames have no value yet."""
        return np.isnan(self.values)

    def fill(self, source: AxisSource, others: Others) -> None:
        """Take values where there are none."""
        for i in np.flatnonzero(fill_gaps(self.values, others)):
            self.sources[i] = source

    def fill_monitored(
        self,
        times_s: NDArray[np.float64],
        values_at: Callable[[NDArray[np.float64]], NDArray[np.float64] | None],
    ) -> bool:
        """Interpolate where there is a time; False if nothing was monitored."""
        wanted = self.open & np.isfinite(times_s)
        if not wanted.any():
            return False
        monitored = values_at(times_s[wanted])
        if monitored is None:
            return False
        others = np.full(len(self.values), np.nan)
        others[wanted] = monitored
        self.fill("monitor", others)
        return True

    def check(
        self, axis: Axis, attributes: Iterable[str], keys: Sequence[FrameKey]
    ) -> None:
        """Refuse a frame without a value, naming it and what was looked for."""
        unknown = np.flatnonzero(self.open)
        if not unknown.size:
            return
        key = keys[unknown[0]]
        raise UnavailableError(
            f"the {axis.title} of frame {key.index} of stream {key.stream!r} is not"
            f" known: no NDAttribute {' or '.join(attributes)}, no {axis.name}"
            f" readback, no monitored {axis.name}, no planned {axis.title}"
        )


def worst_source(sources: Sequence[AxisSource]) -> AxisSource:
    """Give the source that a frame's values are only as good as."""
    return max(sources, key=AXIS_SOURCES.index, default="none")


def fill_gaps(values: NDArray[np.float64], others: Others) -> NDArray[np.bool_]:
    """Put others where values are NaN, in place; tell where that was."""
    candidates = np.array(others, dtype=np.float64)
    filled: NDArray[np.bool_] = ~np.isfinite(values) & np.isfinite(candidates)
    values[filled] = candidates[filled]
    return filled
