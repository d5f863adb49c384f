"""Rings that stripes left in a sum of backprojections, and their removal from it.

Backprojection is linear: subtracting one image from every projection is the same as
subtracting its backprojection once, at the end or from what is shown meanwhile.
"""

from dataclasses import dataclass
from typing import Self

import numpy as np
from numpy.typing import NDArray

from daiss_bluesky.algorithms.arcs import angle_arcs
from daiss_bluesky.core.reconstruction import Arrays
from daiss_bluesky.kernels.rings import (
    filter_constant,
    ring_points,
    ring_slice,
    subtract_rings,
)


@dataclass(frozen=True, slots=True, eq=False)
class Rings:
    """The backprojection of one stripe image over the angles of a scan."""

    filtered: NDArray[np.float32]
    arcs: NDArray[np.float64]
    center_px: float
    rows: int

    @classmethod
    def of(
        cls,
        stripes: NDArray[np.float32],
        angles_rad: NDArray[np.float64],
        weights_rad: NDArray[np.float64],
        center_px: float,
        filter_name: str,
    ) -> Self:
        """Filter a stripe image (row, column) for these angles and their weights."""
        arcs = angle_arcs(angles_rad, weights_rad)
        filtered = filter_constant(stripes, filter_name)
        return cls(filtered, arcs, center_px, len(stripes))

    def subtract(self, volume: NDArray[np.float32]) -> None:
        """Take the rings off a volume (z, y, x), in place."""
        subtract_rings(volume, self.filtered, self.arcs, self.center_px)

    def subtract_from_views(self, views: Arrays) -> Arrays:
        """Give the three slices through the middle without rings; others as they are.

        A slice outside the inscribed circle stays as it is.
        """
        n = self.filtered.shape[1] - 2
        offset = np.arange(n) - (n - 1) / 2
        middle = np.full(n, offset[n // 2])
        rings = {
            "slice_xy": ring_slice(
                self.filtered, self.rows // 2, self.arcs, self.center_px
            ),
            "slice_xz": self._upright(middle, offset),
            "slice_yz": self._upright(offset, middle),
        }
        return dict(views) | {name: views[name] - ring for name, ring in rings.items()}

    def _upright(
        self, y_px: NDArray[np.float64], x_px: NDArray[np.float64]
    ) -> NDArray[np.float32]:
        found = ring_points(self.filtered, self.arcs, self.center_px, y_px, x_px)
        return found[: self.rows]
