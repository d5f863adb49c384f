"""Joseph's projector on a device, for the solvers of `kernels.iterative`."""

from dataclasses import dataclass
from types import ModuleType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from daiss_bluesky.kernels.cuda import iterative_steps
from daiss_bluesky.kernels.cuda.module import Operator, cupy, parts
from daiss_bluesky.kernels.reference import circle

_THREADS = 32, 8


@dataclass(frozen=True, slots=True, eq=False)
class DeviceRays:
    """A `kernels.iterative.Projector` for blocks and projections on a device.

    Slices lie innermost and are worked on 32 at a time, so fewer take as long.
    """

    angles_rad: NDArray[np.float64]
    center_px: float
    columns: int

    @property
    def steps(self) -> ModuleType:
        """Functions for a device's arrays."""
        return iterative_steps

    def inside(self) -> Any:
        """Mark the pixels (y, x) of the inscribed circle."""
        return cupy().asarray(circle(self.columns))

    def forward(self, x: Any, out: Any) -> None:
        """Project a block (y, x, slice), zero outside the circle.

        Into (angle, 1 + column + 1, slice), whose edges become zero.
        """
        out[:, 0] = 0
        out[:, -1] = 0
        self._launch("forward_project", x, out, len(self.angles_rad))

    def transposed(self, q: Any, out: Any) -> None:
        """Give each pixel its share of (angle, 1 + column + 1, slice)."""
        self._launch("transposed_project", q, out, self.columns)

    def _launch(self, function: str, given: Any, out: Any, down: int) -> None:
        slices, n = given.shape[2], self.columns
        directions = np.cos(self.angles_rad), np.sin(self.angles_rad)
        Operator("joseph").launch(
            function,
            (parts(n, _THREADS[1]), down, parts(slices, _THREADS[0])),
            _THREADS,
            (
                given, cupy().asarray(np.stack(directions, axis=1)),
                np.int32(len(self.angles_rad)), np.int32(n), np.int32(slices),
                np.float64(self.center_px), out,
            ),
        )  # fmt: skip

    def sums(self) -> tuple[Any, Any]:
        """Sum along each ray (angle, 1 + column + 1) and over each pixel (y, x)."""
        cp, n = cupy(), self.columns
        x = self.inside()[..., None].astype(cp.float32)
        q = cp.empty((len(self.angles_rad), n + 2, 1), cp.float32)
        self.forward(x, q)
        along = q[..., 0].copy()
        q[:, 1 : n + 1] = 1
        self.transposed(q, x)
        return along, x[..., 0]
