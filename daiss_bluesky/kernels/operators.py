"""What a tomographic reconstruction asks of where its frames lie: host or GPU.

Arrays are NumPy's or CuPy's and stay where they are; nothing here copies one unasked.
Frames and line integrals are (frame, row, column), with columns beside each other in
memory and any other strides. `kernels.host_operators` defines what each does, in terms
of the kernels there are; `kernels.cuda.operators` does it on a GPU.
"""

from typing import Any, Protocol

import numpy as np
from numpy.typing import DTypeLike, NDArray

from daiss_bluesky.core.plane import Plane
from daiss_bluesky.kernels.correction import Fields
from daiss_bluesky.kernels.phase import PhaseFilter

Array = Any
"""Of the device."""


class SlabMaker(Protocol):
    """Makes slices of some rows at a time, with room and tables made once."""

    rows: int
    """At most so many at a time."""

    def set_lines(
        self,
        angles_rad: NDArray[np.float64],
        weights: NDArray[np.float64],
        center_px: float,
    ) -> None:
        """Fix the projections' geometry for the slabs that follow."""
        ...

    def slices(self, p: Array, out: Array) -> None:
        """Make slices (z, y, x) of all line integrals of their rows."""
        ...


class Operators(Protocol):
    """A device, the numerics on it, and the way there and back."""

    place: str
    """cpu, or cuda:N."""
    stored: DTypeLike
    """What line integrals of a slab and its slices are kept as."""

    @property
    def most_sorted(self) -> int:
        """Projections whose sinograms it can sort."""
        ...

    def free_bytes(self) -> int:
        """Tell how much memory is free there."""
        ...

    def held_bytes(self) -> int:
        """Tell how much memory is taken there, room to work in included."""
        ...

    def give_back(self) -> None:
        """Give memory that is in no use back to the device."""
        ...

    def empty(self, shape: tuple[int, ...], dtype: DTypeLike) -> Array:
        """Make an array."""
        ...

    def zeros(self, shape: tuple[int, ...], dtype: DTypeLike = np.float32) -> Array:
        """Make an array of zeros."""
        ...

    def upload(
        self, frames: NDArray[Any], target: Array, *, is_read: bool = False
    ) -> None:
        """Begin to copy into an array there; frames may change once this returns.

        `is_read`: what was asked for before may still read the target.
        """
        ...

    def download(self, array: Array, target: NDArray[Any]) -> None:
        """Wait for what makes the array, and copy it here (contiguous)."""
        ...

    def wait(self) -> None:
        """Wait for everything that was asked for."""
        ...

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
        """Correct rows of frames; raw begins at a row of its own.

        See `kernels.correction`. Rows that raw has beyond the wanted ones count as
        neighbors of dead pixels and zingers.
        """
        ...

    def straighten(
        self,
        t: Array,
        tilt_rad: float,
        middle_row_px: float,
        *,
        logarithm: bool,
    ) -> Array:
        """Turn transmission about the middle; see `kernels.axis_tilt.straighten`."""
        ...

    def retrieve(self, t: Array, phase: PhaseFilter) -> None:
        """Turn transmission into line integrals in place; see `kernels.phase`."""
        ...

    def put(self, source: Array, target: Array) -> None:
        """Copy an array into another there, as precise as that is."""
        ...

    def widen(
        self, p: Array, weights: NDArray[np.float32], left: int, wide: int
    ) -> Array:
        """Weigh columns and put them into wider rows of zeros, `left` from the edge."""
        ...

    def add_mean(self, p: Array, weights: NDArray[np.float64], total: Array) -> None:
        """Add the weighted sum over frames to a total (row, column), float64."""
        ...

    def subtract(self, p: Array, image: NDArray[np.float32]) -> None:
        """Subtract an image (row, column) from every frame."""
        ...

    def remove_stripes(
        self, p: Array, order: NDArray[np.intp], small: int, large: int | None
    ) -> None:
        """Remove stripes from whole sinograms in place; see `kernels.stripes`.

        `order` is that of the angles.
        """
        ...

    def filter(
        self, p: Array, weights: NDArray[np.float64], filter_name: str, out: Array
    ) -> None:
        """Filter for backprojection, each frame times its weight."""
        ...

    def add_plane(
        self,
        q: Array,
        angles_rad: NDArray[np.float64],
        center_px: float,
        plane: Plane,
        picture: Array,
    ) -> None:
        """Add the backprojection of filtered frames in any plane to a picture.

        Row 0 of q is slice z = 0; nothing is added outside the inscribed circle.
        """
        ...

    def slab_maker(
        self, rows: int, columns: int, n_angles: int, filter_name: str, method: str
    ) -> SlabMaker:
        """Make what makes slices, of `rows` at a time at most."""
        ...

    def slab_bytes(self, rows: int, columns: int, n_angles: int) -> int:
        """Tell what a slab maker holds and works in."""
        ...
