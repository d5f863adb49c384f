"""SIRT, CGLS and total variation, for few angles and missing wedges.

Sources: `kernels.reference_iterative`. Each slice is solved by itself, a block of
slices at a time, so that the memory beside data and volume is that of one block.
"""

from collections.abc import Callable
from functools import partial
from typing import Any, ClassVar, Protocol

import numpy as np
from numpy.typing import NDArray

from daiss_bluesky.algorithms.iterative_parameters import (
    CglsParameters,
    SirtParameters,
    TvParameters,
)
from daiss_bluesky.algorithms.kept import KeptAlgorithm, LineIntegrals
from daiss_bluesky.core.geometry import angle_weights
from daiss_bluesky.kernels import iterative as kernels
from daiss_bluesky.kernels.backprojection import (
    Blocks,
    backproject,
    filter_projections,
)
from daiss_bluesky.kernels.iterative import Rays

Array = NDArray[np.float32]
OnIteration = Callable[[int, int, float], None]
"""Told how many iterations are done, of how many, and the RMS residual before this."""


class Solver(Protocol):
    """Improves a block in place; see `kernels.iterative`."""

    def __call__(
        self,
        rays: Rays,
        b: Array,
        x: Array,
        iterations: int,
        non_negative: bool,
        on_iteration: Callable[[int, float], None],
    ) -> None:
        """Iterate."""
        ...


def solve_volume(
    lines: LineIntegrals,
    solver: Solver,
    *,
    iterations: int,
    non_negative: bool,
    start: Array | str = "zeros",
    filter_name: str = "ramp",
    on_iteration: OnIteration | None = None,
) -> tuple[Array, NDArray[np.float64]]:
    """Solve for the volume (z, y, x) in attenuation per pixel.

    It starts from zeros, from `fbp`, or from a volume given. Also gives the RMS
    residual before each iteration: in attenuation; for SIRT weighted by the inverse
    lengths of the rays.
    """
    n_angles, rows, n = lines.p.shape
    blocks = Blocks(rows, n)
    rays = Rays(lines.angles_rad, lines.center_px, n)
    volume = np.empty((rows, n, n), np.float32)
    squares = np.zeros(iterations)

    for first in range(0, rows, blocks.slices):
        part = slice(first, min(first + blocks.slices, rows))

        def note(i: int, square: float, first: int = first) -> None:
            squares[i] += square
            if on_iteration is not None:
                done = first // blocks.slices * iterations + i + 1
                rms = float(np.sqrt(square / (n_angles * blocks.slices * n)))
                on_iteration(done, blocks.count * iterations, rms)

        p = lines.p[:, part]
        if isinstance(start, str):
            x = _start(lines, p, start, filter_name)
        else:
            x = _block(start[part])
        if non_negative:
            np.maximum(x, 0, out=x)
        solver(rays, _arranged(p), x, iterations, non_negative, note)
        volume[part] = x[..., : p.shape[1]].transpose(2, 0, 1)
    return volume, np.sqrt(squares / lines.p.size)


def _start(lines: LineIntegrals, p: Array, start: str, filter_name: str) -> Array:
    blocks = Blocks(*p.shape[1:])
    (x,) = blocks.zeros()
    if start == "fbp":
        weights = angle_weights(lines.angles_rad)
        if filter_name == "sharp":
            filter_name = "ramp"  # the sharpest that backprojection knows
        q = filter_projections(p, weights, blocks, filter_name)
        backproject(q, lines.angles_rad, lines.center_px, [x])
    return x


def _block(volume: Array) -> Array:
    rows, n, _ = volume.shape
    x = np.zeros((n, n, Blocks(rows, n).slices), np.float32)
    x[..., :rows] = volume.transpose(1, 2, 0)
    return x


def _arranged(p: Array) -> Array:
    """Turn (angle, row, column) into (angle, 1 + column + 1, slice)."""
    n_angles, rows, n = p.shape
    b = np.zeros((n_angles, n + 2, Blocks(rows, n).slices), np.float32)
    b[:, 1 : n + 1, :rows] = p.transpose(0, 2, 1)
    return b


class SirtAlgorithm(KeptAlgorithm):
    """The simultaneous iterative reconstruction technique."""

    name = "sirt"
    model: ClassVar[type[SirtParameters]] = SirtParameters
    copies: ClassVar[tuple[int, int]] = (2, 2)
    """Arrays the size of a block's projections and of the block, at the same time."""
    parameters: SirtParameters

    def __init__(
        self,
        *,
        memory_limit_gb: float | None = None,
        on_iteration: OnIteration | None = None,
        **parameters: Any,
    ) -> None:
        """Check the parameters; on_iteration is told of each iteration at the end."""
        super().__init__(memory_limit_gb=memory_limit_gb)
        what = f"the parameters of {self.name}"
        self.parameters = self.model.parse(parameters, what)
        self.on_iteration = on_iteration

    def _solver_bytes(self, n_angles: int, frame_shape: tuple[int, int]) -> int:
        n, slices = frame_shape[1], Blocks(*frame_shape).slices
        projections, blocks = self.copies
        # The filtered projections of the start come in place of one of the copies.
        return 4 * slices * (projections * n_angles * (n + 2) + blocks * n * n)

    def _solver(
        self,
        lines: LineIntegrals,  # noqa: ARG002 - total variation scales with them
    ) -> tuple[Solver, dict[str, Any]]:
        """Choose the solver, and what it is told that the parameters do not say."""
        return kernels.sirt, {}

    def solve(self, lines: LineIntegrals) -> tuple[Array, dict[str, Any]]:
        """Make the volume; notes the RMS residual before each iteration."""
        solver, told = self._solver(lines)
        volume, residuals = solve_volume(
            lines,
            solver,
            iterations=self.parameters.iterations,
            non_negative=self.parameters.non_negative,
            start=self.parameters.start,
            filter_name=self.parameters.filter,
            on_iteration=self.on_iteration,
        )
        return volume, told | {"residuals": [float(f"{r:.4g}") for r in residuals]}


class CglsAlgorithm(SirtAlgorithm):
    """Conjugate gradients for least squares."""

    name = "cgls"
    model = CglsParameters
    copies = (3, 3)

    def _solver(
        self,
        lines: LineIntegrals,  # noqa: ARG002
    ) -> tuple[Solver, dict[str, Any]]:
        return kernels.cgls, {}


class TvAlgorithm(SirtAlgorithm):
    """Least squares with total variation in each slice."""

    name = "tv"
    model = TvParameters
    copies = (3, 5)
    parameters: TvParameters

    def _solver(self, lines: LineIntegrals) -> tuple[Solver, dict[str, Any]]:
        strength = tv_strength(lines, self.parameters.tv_weight)
        return partial(kernels.tv, strength=strength), {"tv_strength": strength}


def tv_strength(lines: LineIntegrals, tv_weight: float) -> float:
    """Scale a weight with the number of angles and the sample's mean attenuation.

    So that the same weight smooths alike whatever the sample, the detector's size and
    the number of projections.
    """
    along, _ = Rays(lines.angles_rad, lines.center_px, lines.p.shape[2]).sums()
    mean = float(lines.p.mean()) / float(along[:, 1:-1].mean())
    return tv_weight * len(lines.p) * max(mean, 0.0)
