"""`solver_places.SolverPlace` on a GPU."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
from numpy.typing import NDArray

from daiss_bluesky.kernels.cuda.joseph import DeviceRays
from daiss_bluesky.kernels.cuda.memory import told_of_memory
from daiss_bluesky.kernels.cuda.module import cupy
from daiss_bluesky.kernels.iterative import Projector, Squares


class CudaPlace:
    """One GPU, in its default stream."""

    def __init__(self, number: int) -> None:
        self.name = f"cuda:{number}"
        self._device = cupy().cuda.Device(number)

    @contextmanager
    def _on(self) -> Iterator[Any]:
        sentence = (
            f"{self.name} has too little memory for a block of slices ({{}}): device"
            " cpu would do"
        )
        with told_of_memory(sentence), self._device:
            yield cupy()

    def rays(
        self, angles_rad: NDArray[np.float64], center_px: float, columns: int
    ) -> Projector:
        """Make the projector for its arrays."""
        return DeviceRays(angles_rad, center_px, columns)

    def upload(self, array: NDArray[np.float32]) -> Any:
        """Bring an array there."""
        with self._on() as cp:
            return cp.asarray(array)

    def download(self, array: Any) -> NDArray[np.float32]:
        """Bring an array back."""
        with self._on():
            return np.asarray(array.get())

    def each(self, steps: Iterator[Squares]) -> Iterator[Squares]:
        """Take a solver's steps there."""
        while True:
            with self._on():
                now = next(steps, None)
            if now is None:
                return
            yield now
