"""Frames on a device filtered for backprojection, kept where there is room for them.

With them a slice at another place is one pass of backprojection.
"""

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from daiss_bluesky.algorithms.device_part import DevicePart, Lines, Settled
from daiss_bluesky.core.array_store import ArrayStore
from daiss_bluesky.kernels.operators import Array

Image = NDArray[np.float32]


class FilteredFrames:
    """One part's frames, made with the same fields about the same axis."""

    def __init__(
        self,
        part: DevicePart,
        settled: Settled,
        filter_name: str,
        *,
        watches_mean: bool,
    ) -> None:
        self.part = part
        self.settled = settled
        # Lines between columns: nothing is sharper than the ramp.
        self._filter = "ramp" if filter_name == "sharp" else filter_name
        self._kept: Array | None = None
        self._stored = 0
        """Frames that are kept."""
        self._count = 0
        """Frames that were made, and are in the mean."""
        self._weight = 0.0
        self._total: Array | None = None
        if watches_mean:
            rows = part.rows.stop - part.rows.start
            shape = rows, settled.fields.dark.shape[1]
            self._total = part.operators.zeros(shape, np.float64)

    def keep(self, store: ArrayStore, most: int) -> None:
        """Keep so many from now on; by name in the store."""
        part, ops = self.part, self.part.operators
        rows = part.rows.stop - part.rows.start
        shape = most, rows, self.settled.slices_shape[1]
        n_bytes = int(np.prod(shape)) * np.dtype(ops.stored).itemsize
        name = f"filtered {part.rows.start}-{part.rows.stop}"
        store.release(name)
        self._kept = store.make(
            name, ops.place, n_bytes, lambda: ops.empty(shape, ops.stored)
        )

    def all(self, lines: Lines, first: int) -> Iterator[tuple[slice, Array]]:
        """Give all from number `first` on: numbers, and (frame, row, column).

        Each is valid until the next is asked for.
        """
        there = self._stored
        if self._kept is not None and first < there:
            yield slice(first, there), self._kept[first:there]
        fields, axis = self.settled.fields, self.settled.axis
        part, start = self.part, max(first, there)
        for which, p in part.line_integrals(lines, fields, axis, part.rows, start):
            self._watch(p, lines.weights[which], which)
            placed = part.place(p, axis)
            q = self._room(which, placed)
            part.operators.filter(placed, lines.weights[which], self._filter, q)
            yield which, q

    def without(self, stripes: Image, lines: Lines) -> Iterator[tuple[slice, Array]]:
        """Give all, less an image (row, column) of the detector."""
        fields, axis = self.settled.fields, self.settled.axis
        part, ops = self.part, self.part.operators
        for which, p in part.line_integrals(lines, fields, axis, part.rows, 0):
            ops.subtract(p, stripes[part.rows])
            placed = part.place(p, axis)
            q = ops.empty(placed.shape, np.float32)
            ops.filter(placed, lines.weights[which], self._filter, q)
            yield which, q

    def _room(self, which: slice, placed: Array) -> Array:
        follows = which.start == self._stored
        if self._kept is not None and follows and which.stop <= len(self._kept):
            self._stored = which.stop
            return self._kept[which]
        return self.part.operators.empty(placed.shape, np.float32)

    def _watch(self, p: Array, weights: NDArray[np.float64], which: slice) -> None:
        new = max(0, self._count - which.start)
        if which.stop <= self._count:
            return
        self._count = which.stop
        if self._total is not None:
            self.part.operators.add_mean(p[new:], weights[new:], self._total)
            self._weight += float(weights[new:].sum())

    def mean(self, target: NDArray[np.float64]) -> None:
        """Write the mean projection's rows, if it is watched and there is one."""
        if self._total is not None and self._weight:
            self.part.operators.download(self._total, target)
            target /= self._weight
