"""A random scan, in a solver of ptychography and as its definition has it."""

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from daiss_bluesky.kernels import reference_ptychography as reference
from daiss_bluesky.kernels.ptychography import Solver
from daiss_bluesky.kernels.ptychography_step import Step

EVERYTHING = Step(
    object_step=0.9, probe_step=0.8, position_step=0.7, alpha=0.2, beta=0.3
)
N = 20

SHAPES = [((32, 32), 1, 16), ((25, 36), 3, 5), ((48, 15), 2, 7), ((9, 50), 1, 1)]
"""Rows and columns, modes, and the size of a group."""

STEPS = [
    Step(object_step=0),
    Step(probe_step=0),
    Step(0, 0),
    Step(0, 0, position_step=1),
    Step(alpha=1, beta=1),
    Step(position_step=1e4, reach_px=0.3, limit_px=0.5),
]

Make = Callable[..., Any]
"""Makes a solver as `Solver` does."""


class Case:
    """The same scan twice."""

    def __init__(
        self,
        shape: tuple[int, int],
        modes: int,
        near: bool = False,
        make: Make = Solver,
    ) -> None:
        rng = np.random.default_rng(modes)
        self.frames = rng.poisson(3, (N, *shape)).astype(np.uint16)
        positions = rng.uniform(-9, 17, (N, 2))
        probe, bad = waves(rng, (modes, *shape)), rng.random(shape) < 0.1
        transfer = np.exp(6j * rng.random(shape)).astype(np.complex64) if near else None
        self.solver = make(probe, transfer=transfer, bad=bad)
        self.solver.add(self.frames, positions)
        self.solver.canvas.corners(positions - 6)
        self.solver.canvas.corners(positions + 6)
        shape = self.solver.canvas.shape
        drawn = self.solver.canvas.pixels + waves(rng, shape) * np.float32(0.3)
        self.solver.canvas.pixels = drawn
        corners = positions - np.array(self.solver.canvas.origin)
        self.solution = reference.Solution(
            drawn.astype(np.complex128), probe.astype(np.complex128), corners.copy(),
            corners,
        )  # fmt: skip
        self.model = reference.Model(transfer, ~bad)

    def check(self, group: list[int], step: Step) -> None:
        """Update both ways and compare."""
        found = self.solver.update(group, step)
        sums = reference.update(self.solution, self.frames, group, self.model, step)
        np.testing.assert_allclose((found.squared, found.power), sums, rtol=2e-5)
        pixels, probe = self.solver.canvas.pixels, self.solver.probe
        np.testing.assert_allclose(pixels, self.solution.canvas, atol=2e-5)
        np.testing.assert_allclose(probe, self.solution.probe, atol=2e-5)
        corners = self.solver.positions - np.array(self.solver.canvas.origin)
        np.testing.assert_allclose(corners, self.solution.corners, atol=2e-5)


def waves(rng: np.random.Generator, shape: tuple[int, ...]) -> NDArray[np.complex64]:
    """Draw waves without any order."""
    return (rng.normal(size=shape) + 1j * rng.normal(size=shape)).astype(np.complex64)
