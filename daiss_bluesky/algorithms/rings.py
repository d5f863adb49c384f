"""Rings that stripes left in a sum of backprojections, and their removal from it.

Backprojection is linear: subtracting one image from every projection is the same as
subtracting its backprojection once, at the end or from what is shown meanwhile.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Self

import numpy as np
from numpy.typing import NDArray

from daiss_bluesky.algorithms.accumulation import Method
from daiss_bluesky.algorithms.arcs import angle_arcs
from daiss_bluesky.kernels.rings import (
    Places,
    filter_constant,
    filter_series,
    ring_points,
    ring_slice,
    series_places,
    subtract_rings,
)


@dataclass(frozen=True, slots=True, eq=False)
class Rings:
    """The backprojection of one stripe image over the angles of a scan."""

    stripes: NDArray[np.float32]
    """(row, column): what each pixel adds to every projection."""
    arcs: NDArray[np.float64]
    center_px: float
    filter_name: str
    method: Method
    """How the sum was formed: between columns each interpolates in its own way."""

    @classmethod
    def of(
        cls,
        stripes: NDArray[np.float32],
        angles_rad: NDArray[np.float64],
        weights_rad: NDArray[np.float64],
        center_px: float,
        filter_name: str,
        method: Method,
    ) -> Self:
        """Take a stripe image (row, column) for these angles and their weights."""
        arcs = angle_arcs(angles_rad, weights_rad)
        return cls(stripes, arcs, center_px, filter_name, method)

    @property
    def places(self) -> Places:
        """Where the filtered stripes are known."""
        if self.method == "backprojection":
            return Places()
        return series_places(self.stripes.shape[1], self.center_px)

    def subtract(self, volume: NDArray[np.float32], first: int = 0) -> None:
        """Take the rings off slices (z, y, x) from number `first` on, in place."""
        filtered = self._filtered(first, first + len(volume))
        subtract_rings(volume, filtered, self.arcs, self.center_px, self.places)

    def subtract_from_slices(
        self, slices: Mapping[str, NDArray[np.float32]], z: int, y: int, x: int
    ) -> None:
        """Take the rings off slice_xy, slice_xz and slice_yz, in place.

        A slice outside the inscribed circle stays as it is.
        """
        rows, n = self.stripes.shape
        offset = np.arange(n) - (n - 1) / 2
        alone = self._filtered(z, z + 1)
        slices["slice_xy"][...] -= ring_slice(
            alone, 0, self.arcs, self.center_px, self.places
        )
        filtered = self._filtered(0, rows)
        at_y, at_x = np.full(n, offset[y]), np.full(n, offset[x])
        slices["slice_xz"][...] -= self._upright(filtered, at_y, offset)
        slices["slice_yz"][...] -= self._upright(filtered, offset, at_x)

    def _filtered(self, first: int, last: int) -> NDArray[np.float32]:
        stripes, name = self.stripes[first:last], self.filter_name
        if self.method == "gridding":
            return filter_series(stripes, name, self.places)
        # Lines between columns: nothing is sharper than the ramp.
        return filter_constant(stripes, "ramp" if name == "sharp" else name)

    def _upright(
        self,
        filtered: NDArray[np.float32],
        y_px: NDArray[np.float64],
        x_px: NDArray[np.float64],
    ) -> NDArray[np.float32]:
        found = ring_points(
            filtered, self.arcs, self.center_px, y_px, x_px, self.places
        )
        return found[: len(self.stripes)]
