"""The volume of frames on a device, a slab of slices at a time."""

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from daiss_bluesky.algorithms.device_part import DevicePart, Lines, Settled
from daiss_bluesky.algorithms.device_plan import STRIPE_ROWS, DevicePlan
from daiss_bluesky.algorithms.fbp_parameters import FbpParameters
from daiss_bluesky.core.array_store import ArrayStore
from daiss_bluesky.kernels.operators import Array
from daiss_bluesky.kernels.stripes import stripe_image

Image = NDArray[np.float32]


class DeviceRoom:
    """What one part's slices are made in, once for a scan."""

    def __init__(
        self,
        part: DevicePart,
        plan: DevicePlan,
        slices_shape: tuple[int, int],
        n_angles: int,
        parameters: FbpParameters,
        method: str,
    ) -> None:
        ops, rows = part.operators, part.rows.stop - part.rows.start
        self._ops, self._columns = ops, part.columns
        self.n_angles = n_angles
        """At most."""
        self.slab_rows = min(plan.slab_rows, rows)
        width = slices_shape[1]
        self.maker = ops.slab_maker(
            self.slab_rows, width, n_angles, parameters.filter, method
        )
        size = self.slab_rows * n_angles * part.columns
        self._lines = ops.empty((size,), ops.stored)
        self.slices_shape = rows if plan.keeps_volume else self.slab_rows, width, width
        self.slices = ops.empty(self.slices_shape, ops.stored)

    def warm_up(self) -> None:
        """Make slices of nothing, so that plans and code are there when it counts."""
        angles_rad = np.linspace(0.0, np.pi, self.n_angles)
        self.maker.set_lines(angles_rad, np.ones(self.n_angles), 0.0)
        rows = min(self.maker.rows, self.slab_rows)
        p = self.lines(rows, self.n_angles, self._columns)
        self._ops.put(self._ops.zeros((1,)), p)
        self.maker.slices(p, self.slices[:rows])

    def lines(self, rows: int, n_angles: int, columns: int) -> Array:
        """Give room for line integrals (frame, row, column); sinograms lie together."""
        flat = self._lines[: rows * n_angles * columns]
        return flat.reshape(rows, n_angles, columns).transpose(1, 0, 2)


class DeviceVolume:
    """Makes one part's slices of all its frames."""

    def __init__(
        self,
        part: DevicePart,
        room: DeviceRoom,
        settled: Settled,
        lines: Lines,
        parameters: FbpParameters,
    ) -> None:
        self._part = part
        self._room = room
        self._settled = settled
        self._lines = lines
        self._parameters = parameters
        axis = settled.axis
        room.maker.set_lines(lines.angles_rad, lines.weights, axis.center_px)

    @property
    def name(self) -> str:
        """What the volume is called in the store."""
        return f"volume {self._part.rows.start}-{self._part.rows.stop}"

    def keep(self, store: ArrayStore) -> Array:
        """Give all slices (z, y, x) on the device, held by name in the store."""
        store.release(self.name)
        volume = self._room.slices
        for part in self._slabs():
            self._make(part, volume[part])
        store.put(self.name, self._part.operators.place, volume)
        return volume

    def write(self, target: Image) -> None:
        """Write all slices (z, y, x) here, one slab after the other."""
        for part in self._slabs():
            slab = self._room.slices[: part.stop - part.start]
            self._make(part, slab)
            self._part.operators.download(slab, target[part])

    def _slabs(self) -> Iterator[slice]:
        rows, each = self._rows, self._room.slab_rows
        for first in range(0, rows, each):
            yield slice(first, min(first + each, rows))

    @property
    def _rows(self) -> int:
        rows = self._part.rows
        return int(rows.stop - rows.start)

    def _make(self, inside: slice, out: Array) -> None:
        """Make slices numbered inside the part."""
        maker, n_angles = self._room.maker, len(self._lines.angles_rad)
        part = self._part
        fields, axis = self._settled.fields, self._settled.axis
        top = part.rows.start
        rows = slice(top + inside.start, top + inside.stop)
        p = self._room.lines(len(out), n_angles, part.columns)
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
