"""Filtered backprojection of whole sinograms, a slab of rows at a time.

Some corrections need all projections of a row at once. They are read again for every
slab, so that memory stays bounded.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from daiss_bluesky.algorithms.accumulation import SUMS, Accumulation, Method
from daiss_bluesky.algorithms.axis import Axis
from daiss_bluesky.core.errors import UnavailableError
from daiss_bluesky.core.frames import FrameKey
from daiss_bluesky.core.reconstruction import Reread
from daiss_bluesky.kernels.stripes import work_bytes

Frames = NDArray[np.float32]

LineIntegrals = Callable[[NDArray[Any], NDArray[np.float64]], Frames]
"""Takes raw frames and their times in seconds."""

SLAB_BYTES = 1_000_000_000
"""Line integrals held at once, unless 16 rows are more."""

_ROWS = 16
_WORK_FRAMES = 32


def slab_rows(n_angles: int, rows: int, columns: int) -> int:
    """Tell how many rows a slab has: a multiple of 16, or all."""
    fit = SLAB_BYTES // max(1, 4 * n_angles * columns)
    return min(rows, max(_ROWS, fit // _ROWS * _ROWS))


def slab_bytes(
    method: Method, n_angles: int, rows: int, columns: int, width: int
) -> int:
    """Tell the peak memory of `reconstruct_slabs`, the volume included."""
    slab = slab_rows(n_angles, rows, columns)
    memory = SUMS[method].memory((slab, width), _WORK_FRAMES)
    frames = 2 * 4 * _WORK_FRAMES * rows * columns
    held = 4 * n_angles * slab * columns + 4 * rows * width**2
    stripes = work_bytes(n_angles, slab, columns)
    placed = 4 * _WORK_FRAMES * slab * width if width > columns else 0
    work = max(memory.adding + placed, memory.ending)
    return held + stripes + frames + memory.held + work


@dataclass(frozen=True, slots=True, eq=False)
class Projections:
    """Which projections a volume is made of."""

    keys: list[FrameKey]
    angles_rad: NDArray[np.float64]
    weights_rad: NDArray[np.float64]

    def by_angle(self) -> "Projections":
        """Put them in the order of their angles, whatever the order they came in."""
        order = np.argsort(self.angles_rad, kind="stable")
        keys = [self.keys[i] for i in order]
        return Projections(keys, self.angles_rad[order], self.weights_rad[order])


def reconstruct_slabs(
    projections: Projections,
    reread: Reread,
    line_integrals: Callable[[slice], LineIntegrals],
    correct: Callable[[Frames], None],
    frame_shape: tuple[int, int],
    axis: Axis,
    make_sum: Callable[[tuple[int, int]], Accumulation],
) -> NDArray[np.float32]:
    """Give the volume (z, y, x) of projections that `correct` mends slab by slab.

    `line_integrals` gives, for some rows, what makes them from raw frames. Raises
    UnavailableError where a projection cannot be read again.
    """
    rows, n = frame_shape
    ordered = projections.by_angle()
    width = axis.slices_shape(frame_shape)[1]
    volume = np.empty((rows, width, width), np.float32)
    height = slab_rows(len(ordered.keys), rows, n)
    for first in range(0, rows, height):
        part = slice(first, min(first + height, rows))
        p = np.empty((len(ordered.keys), part.stop - first, n), np.float32)
        _read(ordered.keys, reread, line_integrals(part), p)
        correct(p)
        total = make_sum((p.shape[1], width))
        volume[part] = _sum_up(total, p, ordered, axis)
    return volume


def _read(
    keys: list[FrameKey], reread: Reread, line_integrals: LineIntegrals, p: Frames
) -> None:
    place = {key: i for i, key in enumerate(keys)}
    for batch in reread(keys):
        found = line_integrals(batch.pixels, batch.times_s)
        for key, frame in zip(batch.keys, found, strict=True):
            p[place.pop(key)] = frame
    if place:
        raise UnavailableError(f"{len(place)} projections did not come again")


def _sum_up(
    total: Accumulation, p: Frames, projections: Projections, axis: Axis
) -> NDArray[np.float32]:
    for first in range(0, len(p), _WORK_FRAMES):
        part = slice(first, first + _WORK_FRAMES)
        angles, weights = projections.angles_rad[part], projections.weights_rad[part]
        total.add(axis.place(p[part]), angles, weights, axis.center_px)
    return total.volume(1.0)
