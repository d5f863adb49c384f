"""What single diffraction frames tell without a reconstruction, on a GPU."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from daiss_bluesky.kernels.cuda.queue import Queue
from daiss_bluesky.kernels.frame_moments import (
    Moments,
    check_frames,
    frame_moments,
    moments_from_sums,
)

_THREADS = 256


class DeviceMoments:
    """Does as `frame_moments`, on a queue; other types than uint16 on the CPU."""

    def __init__(self, queue: Queue) -> None:
        """Nothing is allocated yet."""
        self._queue = queue

    def __call__(
        self, frames: NDArray[Any], bad: NDArray[np.bool_] | None = None
    ) -> Moments:
        """Measure frames (frame, row, column); `bad` pixels are left out."""
        check_frames(frames, bad)
        if frames.dtype != np.uint16 or not frames.size:
            return frame_moments(frames, bad)
        shape = frames.shape[1:]
        good = np.ones(shape, np.uint8) if bad is None else (~bad).astype(np.uint8)
        queue = self._queue
        with queue.active():
            xp = queue.xp
            sums = xp.zeros((len(frames), 3), np.float64)
            given = xp.asarray(np.ascontiguousarray(frames)), xp.asarray(good)
            sizes = tuple(map(np.int32, shape))
            queue.launch(
                "frame_moments", {}, "measure", (len(frames),), _THREADS,
                (*given, *sizes, sums),
            )  # fmt: skip
            return moments_from_sums(queue.get(sums))
