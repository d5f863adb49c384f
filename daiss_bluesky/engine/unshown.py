"""Which frames are in the reconstruction but in no update yet."""

import numpy as np
from numpy.typing import NDArray

from daiss_bluesky.core.frames import Batch, FrameKey


class Unshown:
    """Frames that wait to be shown; each is shown first once, however often read."""

    def __init__(self) -> None:
        self._times_s: dict[FrameKey, float] = {}
        self._shown: set[FrameKey] = set()

    def add(self, batch: Batch) -> None:
        """Note frames that were added just now."""
        for key, time_s in zip(batch.keys, batch.times_s, strict=True):
            if key not in self._shown:
                self._times_s[key] = float(time_s)

    def forget(self) -> None:
        """Note that frames not yet shown are out again, to be read anew."""
        self._times_s.clear()

    def show(self) -> NDArray[np.float64]:
        """Note that they are shown now; gives when they were taken, as added."""
        times_s = np.fromiter(self._times_s.values(), np.float64)
        self._shown.update(self._times_s)
        self._times_s.clear()
        return times_s
