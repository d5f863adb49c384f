"""The compiled solver is its definition, and the definition descends."""

import numpy as np
import pytest
from numpy.typing import NDArray

from daiss_bluesky.kernels import reference_ptychography as reference
from daiss_bluesky.kernels.ptychography import Solver
from daiss_bluesky.kernels.ptychography_step import Step

EVERYTHING = Step(
    object_step=0.9, probe_step=0.8, position_step=0.7, alpha=0.2, beta=0.3
)


class Case:
    """A small random scan: frames of another object than the solver starts from."""

    def __init__(
        self, shape: tuple[int, int], modes: int, n: int, near: bool = False
    ) -> None:
        rng = np.random.default_rng(n + modes)
        self.shape = shape
        self.probe = self.random(rng, (modes, *shape))
        self.positions = rng.uniform(-9, 17, (n, 2))
        self.frames = rng.poisson(3, (n, *shape)).astype(np.uint16)
        self.bad = rng.random(shape) < 0.1
        self.transfer = None
        if near:
            self.transfer = np.exp(1j * rng.uniform(0, 6, shape)).astype(np.complex64)
        self.solver = Solver(self.probe, transfer=self.transfer, bad=self.bad)
        self.solver.add(self.frames, self.positions)
        self.solver.canvas.corners(self.positions)
        pixels = self.solver.canvas.pixels
        pixels += self.random(rng, pixels.shape) * np.float32(0.3)
        self.solution = reference.Solution(
            pixels.astype(np.complex128),
            self.probe.astype(np.complex128),
            self.positions - np.array(self.solver.canvas.origin),
        )
        self.model = reference.Model(self.transfer, ~self.bad)

    @staticmethod
    def random(
        rng: np.random.Generator, shape: tuple[int, ...]
    ) -> NDArray[np.complex64]:
        waves = rng.normal(size=shape) + 1j * rng.normal(size=shape)
        return waves.astype(np.complex64)

    def check(self, group: list[int], step: Step) -> None:
        """Update both ways and compare."""
        found = self.solver.update(group, step)
        sums = reference.update(self.solution, self.frames, group, self.model, step)
        np.testing.assert_allclose((found.squared, found.power), sums, rtol=2e-5)
        pixels, probe = self.solver.canvas.pixels, self.solver.probe
        np.testing.assert_allclose(pixels, self.solution.canvas, atol=2e-5)
        np.testing.assert_allclose(probe, self.solution.probe, atol=2e-5)
        corners = self.solver.positions - np.array(self.solver.canvas.origin)
        np.testing.assert_allclose(corners, self.solution.corners, atol=1e-4)


@pytest.mark.parametrize(
    ("shape", "modes", "group"),
    [((32, 32), 1, 16), ((25, 36), 3, 5), ((48, 15), 2, 7), ((9, 50), 1, 1)],
)
@pytest.mark.parametrize("near", [False, True])
def test_an_update_is_as_defined(
    shape: tuple[int, int], modes: int, group: int, near: bool
) -> None:
    case = Case(shape, modes, 20, near)
    chosen = np.random.default_rng(3).permutation(20)[:group].tolist()
    case.check(chosen, EVERYTHING)
    case.check(chosen, EVERYTHING)
