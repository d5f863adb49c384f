"""`operators.Operators` on a GPU: each of its steps in the order they are asked for.

Everything is computed in one stream; frames come in by another, beside it.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
from numpy.typing import DTypeLike, NDArray

from daiss_bluesky.core.plane import Plane
from daiss_bluesky.kernels.correction import Fields
from daiss_bluesky.kernels.cuda import stripes
from daiss_bluesky.kernels.cuda.backprojection import add_to_plane
from daiss_bluesky.kernels.cuda.correction import DeviceFields, correct
from daiss_bluesky.kernels.cuda.filtering import RowFilter, most_rows
from daiss_bluesky.kernels.cuda.gridding import SlabGridding
from daiss_bluesky.kernels.cuda.memory import told_of_memory
from daiss_bluesky.kernels.cuda.module import cupy, shared_memory
from daiss_bluesky.kernels.cuda.phase import DevicePhase
from daiss_bluesky.kernels.cuda.slabs import BackprojectedSlabs, GriddedSlabs
from daiss_bluesky.kernels.cuda.straighten import straighten
from daiss_bluesky.kernels.cuda.transfers import Transfers
from daiss_bluesky.kernels.phase import PhaseFilter

Array = Any

_FILTER_BYTES = 1 << 29
"""Rows are filtered so much at a time."""

_MEAN_ROWS = 16
"""Of half precision that become float32 at once."""


class CudaOperators:
    """The numerics of a reconstruction whose frames are CuPy's, on one GPU."""

    def __init__(self, number: int, *, half: bool = False) -> None:
        cp = cupy()
        self.place = f"cuda:{number}"
        self.stored: DTypeLike = np.float16 if half else np.float32
        self._half = half
        self._device = cp.cuda.Device(number)
        with self._device:
            self._compute = cp.cuda.Stream(non_blocking=True)
            self._transfers = Transfers(self._compute)
        self._fields: DeviceFields | None = None
        self._filter: tuple[tuple[int, str], RowFilter] | None = None
        self._phase: tuple[tuple[Any, ...], DevicePhase] | None = None

    @contextmanager
    def _on(self) -> Iterator[Any]:
        """Compute on this device and in its stream; gives CuPy."""
        sentence = (
            f"{self.place} has no memory left ({{}}); device_memory_gb sets how much is"
            " planned with"
        )
        with told_of_memory(sentence), self._device, self._compute:
            yield cupy()

    @property
    def most_sorted(self) -> int:
        """Projections whose sinograms it can sort."""
        with self._on():
            return stripes.most_angles(shared_memory())

    def free_bytes(self) -> int:
        """Tell how much memory is free, or kept for arrays to come."""
        with self._on() as cp:
            free, _ = cp.cuda.runtime.memGetInfo()
            return int(free + cp.get_default_memory_pool().free_bytes())

    def held_bytes(self) -> int:
        """Tell how much memory is taken there, room to work in included."""
        with self._on() as cp:
            return int(cp.get_default_memory_pool().total_bytes())

    def give_back(self) -> None:
        """Give memory that is in no use back to the device."""
        with self._on() as cp:
            self._compute.synchronize()
            self._filter = self._phase = self._fields = None
            cp.get_default_memory_pool().free_all_blocks()

    def empty(self, shape: tuple[int, ...], dtype: DTypeLike) -> Array:
        """Make an array."""
        with self._on() as cp:
            array = cp.empty(shape, dtype)
            # What had this memory before may still be at work on it.
            self._transfers.wait_for_compute()
            return array

    def zeros(self, shape: tuple[int, ...], dtype: DTypeLike = np.float32) -> Array:
        """Make an array of zeros."""
        with self._on() as cp:
            return cp.zeros(shape, dtype)

    def upload(
        self, frames: NDArray[Any], target: Array, *, is_read: bool = False
    ) -> None:
        """Begin to copy into an array there; frames may change once this returns."""
        with self._on():
            if is_read:
                self._transfers.wait_for_compute()
            self._transfers.upload(frames, target)

    def download(self, array: Array, target: NDArray[Any]) -> None:
        """Wait for what makes the array, and copy it."""
        with self._on():
            self._transfers.download(array, target)

    def wait(self) -> None:
        """Wait for everything that was asked for."""
        with self._on():
            self._transfers.uploads.synchronize()
            self._compute.synchronize()

    def correct(
        self,
        raw: Array,
        times_s: NDArray[np.float64],
        fields: Fields,
        zinger_threshold: float | None,
        out: Array,
        *,
        first_row: int,
        rows: slice,
        logarithm: bool,
    ) -> None:
        """Correct rows of frames; raw begins at a row of its own."""
        with self._on():
            if self._fields is None or self._fields.fields is not fields:
                self._fields = DeviceFields.of(fields)
            correct(
                raw, np.arange(len(raw)), times_s, self._fields, zinger_threshold, out,
                rows=rows, raw_first_row=first_row, logarithm=logarithm,
            )  # fmt: skip

    def straighten(
        self, t: Array, tilt_rad: float, middle_row_px: float, *, logarithm: bool
    ) -> Array:
        """Turn transmission about the middle."""
        with self._on() as cp:
            out = cp.empty_like(t)
            straighten(t, tilt_rad, middle_row_px, out, logarithm=logarithm)
            return out

    def retrieve(self, t: Array, phase: PhaseFilter) -> None:
        """Turn transmission into line integrals in place."""
        key = phase, *t.shape[1:]
        with self._on():
            if self._phase is None or self._phase[0] != key:
                self._phase = None
                self._phase = key, DevicePhase(phase, *t.shape[1:])
            self._phase[1].retrieve(t, t)

    def put(self, source: Array, target: Array) -> None:
        """Copy an array into another, as precise as that is."""
        with self._on():
            target[...] = source

    def widen(
        self, p: Array, weights: NDArray[np.float32], left: int, wide: int
    ) -> Array:
        """Weigh columns and put them into wider rows of zeros, `left` from the edge."""
        with self._on() as cp:
            found = cp.zeros((*p.shape[:2], wide), p.dtype)
            inside = found[:, :, left : left + p.shape[2]]
            cp.multiply(p, cp.asarray(weights), out=inside, casting="unsafe")
            return found

    def add_mean(self, p: Array, weights: NDArray[np.float64], total: Array) -> None:
        """Add the weighted sum over frames to a total (row, column)."""
        with self._on() as cp:
            w = cp.asarray(weights, cp.float32)
            rows = p.transpose(1, 0, 2)
            for first in range(0, len(rows), _MEAN_ROWS):
                part = slice(first, first + _MEAN_ROWS)
                total[part] += cp.matmul(w, rows[part].astype(cp.float32, copy=False))

    def subtract(self, p: Array, image: NDArray[np.float32]) -> None:
        """Subtract an image (row, column) from every frame."""
        with self._on() as cp:
            cp.subtract(p, cp.asarray(image), out=p, casting="unsafe")

    def remove_stripes(
        self, p: Array, order: NDArray[np.intp], small: int, large: int | None
    ) -> None:
        """Remove stripes from whole sinograms in place."""
        with self._on() as cp:
            sinograms = p.transpose(1, 0, 2)
            is_ordered = bool((order == np.arange(len(order))).all())
            if is_ordered and sinograms.flags.c_contiguous:
                stripes.remove_stripes(sinograms, small, large)
                return
            which = cp.asarray(order)
            ordered = cp.ascontiguousarray(sinograms[:, which])
            stripes.remove_stripes(ordered, small, large)
            sinograms[:, which] = ordered

    def filter(
        self, p: Array, weights: NDArray[np.float64], filter_name: str, out: Array
    ) -> None:
        """Filter for backprojection, each frame times its weight."""
        columns = p.shape[2]
        with self._on() as cp:
            if self._filter is None or self._filter[0] != (columns, filter_name):
                self._filter = None
                most = most_rows(columns, _FILTER_BYTES)
                made = RowFilter(columns, filter_name, most)
                self._filter = (columns, filter_name), made
            self._filter[1].filter(cp.ascontiguousarray(p), weights, out)

    def add_plane(
        self,
        q: Array,
        angles_rad: NDArray[np.float64],
        center_px: float,
        plane: Plane,
        picture: Array,
    ) -> None:
        """Add the backprojection of filtered frames in any plane to a picture."""
        with self._on():
            add_to_plane(q, angles_rad, center_px, plane, picture)

    def slab_maker(
        self, rows: int, columns: int, n_angles: int, filter_name: str, method: str
    ) -> Any:
        """Make what makes slices, of `rows` at a time at most."""
        with self._on():
            # Now, since it comes before the frames do.
            self._transfers.get_ready()
            if method == "gridding":
                made = SlabGridding(
                    rows, columns, n_angles, filter_name, half=self._half
                )
                return GriddedSlabs(self._on, made)
            return BackprojectedSlabs(self._on, rows, columns, filter_name)

    def slab_bytes(self, rows: int, columns: int, n_angles: int) -> int:
        """Tell what a slab maker holds and works in."""
        return SlabGridding.bytes(rows, columns, n_angles, half=self._half)
