"""The volume of frames on a device, a slab of slices at a time."""

import numpy as np
from numpy.typing import NDArray

from daiss_bluesky.algorithms.device_part import DevicePart, Lines
from daiss_bluesky.algorithms.fbp_parameters import FbpParameters
from daiss_bluesky.algorithms.live_pictures import Settled
from daiss_bluesky.core.array_store import ArrayStore
from daiss_bluesky.kernels.operators import Array, SlabMaker
from daiss_bluesky.kernels.stripes import stripe_image

Image = NDArray[np.float32]

STRIPE_ROWS = 64
"""Sinograms whose stripes are removed at once."""


class DeviceVolume:
    """Makes one part's slices of all its frames."""

    def __init__(
        self,
        part: DevicePart,
        slab_rows: int,
        settled: Settled,
        lines: Lines,
        parameters: FbpParameters,
        method: str,
    ) -> None:
        self._part = part
        self._slab_rows = slab_rows
        self._settled = settled
        self._lines = lines
        self._parameters = parameters
        self._method = method

    @property
    def name(self) -> str:
        """What the volume is called in the store."""
        return f"volume {self._part.rows.start}-{self._part.rows.stop}"

    def keep(self, store: ArrayStore) -> Array:
        """Give all slices (z, y, x) on the device, held by name in the store."""
        rows, n = self._rows, self._settled.slices_shape[1]
        ops = self._part.operators
        shape = rows, n, n
        n_bytes = int(np.prod(shape)) * np.dtype(ops.stored).itemsize
        volume = store.make(
            self.name, ops.place, n_bytes, lambda: ops.empty(shape, ops.stored)
        )
        maker = self._maker()
        for first in range(0, rows, self._slab_rows):
            part = slice(first, min(first + self._slab_rows, rows))
            self._make(maker, part, volume[part])
        return volume

    def write(self, target: Image) -> None:
        """Write all slices (z, y, x) here, one slab after the other."""
        n, ops = self._settled.slices_shape[1], self._part.operators
        maker = self._maker()
        room = ops.empty((self._slab_rows, n, n), ops.stored)
        for first in range(0, self._rows, self._slab_rows):
            part = slice(first, min(first + self._slab_rows, self._rows))
            slab = room[: part.stop - part.start]
            self._make(maker, part, slab)
            ops.download(slab, target[part])

    @property
    def _rows(self) -> int:
        rows = self._part.rows
        return int(rows.stop - rows.start)

    def _maker(self) -> SlabMaker:
        axis, lines = self._settled.axis, self._lines
        maker = self._part.operators.slab_maker(
            min(self._slab_rows, self._rows),
            self._settled.slices_shape[1],
            len(lines.angles_rad),
            self._parameters.filter,
            self._method,
        )
        maker.set_lines(lines.angles_rad, lines.weights, axis.center_px)
        return maker

    def _make(self, maker: SlabMaker, inside: slice, out: Array) -> None:
        """Make slices numbered inside the part."""
        part, ops = self._part, self._part.operators
        fields, axis = self._settled.fields, self._settled.axis
        top = part.rows.start
        rows = slice(top + inside.start, top + inside.stop)
        shape = len(out), len(self._lines.angles_rad), fields.dark.shape[1]
        # A sinogram lies together.
        p = ops.empty(shape, ops.stored).transpose(1, 0, 2)
        part.whole(self._lines, fields, axis, rows, p)
        self._remove_stripes(p)
        placed = part.place(p, axis)
        for first in range(0, len(out), maker.rows):
            some = slice(first, min(first + maker.rows, len(out)))
            maker.slices(placed[:, some], out[some])

    def _remove_stripes(self, p: Array) -> None:
        ops, parameters, lines = self._part.operators, self._parameters, self._lines
        columns = p.shape[2]
        if parameters.needs_whole_sinograms:
            order = np.argsort(lines.angles_rad, kind="stable")
            windows = parameters.sorting_windows_px(columns)
            for first in range(0, p.shape[1], STRIPE_ROWS):
                some = p[:, first : first + STRIPE_ROWS]
                ops.remove_stripes(some, order, *windows)
        elif parameters.stripes == "mean":
            total = ops.zeros(p.shape[1:], np.float64)
            ops.add_mean(p, lines.weights, total)
            mean = np.empty(p.shape[1:])
            ops.download(total, mean)
            mean /= lines.weights.sum()
            window_px = parameters.mean_window_px(columns)
            ops.subtract(p, stripe_image(mean.astype(np.float32), window_px))
