"""Where iterative solvers work on a block of slices: here, or on a GPU."""

from collections.abc import Iterator
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from daiss_bluesky.kernels.iterative import Projector, Rays, Squares

Array = Any
"""Of the place."""


class SolverPlace(Protocol):
    """Brings blocks to where they are worked on, and back."""

    name: str
    """cpu, or cuda:N."""

    def rays(
        self, angles_rad: NDArray[np.float64], center_px: float, columns: int
    ) -> Projector:
        """Make the projector for its arrays."""
        ...

    def upload(self, array: NDArray[np.float32]) -> Array:
        """Bring an array there; it may be the same one."""
        ...

    def download(self, array: Array) -> NDArray[np.float32]:
        """Bring an array back; it may be the same one."""
        ...

    def each(self, steps: Iterator[Squares]) -> Iterator[Squares]:
        """Take a solver's steps there."""
        ...


class HostPlace:
    """The CPU, where nothing has to be brought."""

    name = "cpu"

    def rays(
        self, angles_rad: NDArray[np.float64], center_px: float, columns: int
    ) -> Projector:
        """Make the projector."""
        return Rays(angles_rad, center_px, columns)

    def upload(self, array: NDArray[np.float32]) -> NDArray[np.float32]:
        """Give the array."""
        return array

    def download(self, array: NDArray[np.float32]) -> NDArray[np.float32]:
        """Give the array."""
        return array

    def each(self, steps: Iterator[Squares]) -> Iterator[Squares]:
        """Take the steps."""
        return steps
