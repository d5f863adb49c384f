"""SIRT, CGLS and total variation, for few angles and missing wedges.

Sources: `kernels.reference_iterative`. Each slice is solved by itself, a block of
slices at a time, so that the memory beside data and volume is that of one block.
"""

from collections.abc import Iterable, Iterator
from dataclasses import replace
from functools import partial
from typing import Any, ClassVar, Protocol

import numpy as np
from numpy.typing import NDArray

from daiss_bluesky.algorithms.iterative_parameters import (
    CglsParameters,
    SirtParameters,
    TvParameters,
)
from daiss_bluesky.algorithms.kept import KeptAlgorithm, LineIntegrals, Step
from daiss_bluesky.core.geometry import angle_weights
from daiss_bluesky.core.registry import load
from daiss_bluesky.kernels import iterative as kernels
from daiss_bluesky.kernels.backprojection import (
    Blocks,
    backproject,
    filter_projections,
)
from daiss_bluesky.kernels.devices import Gpu, choose_device
from daiss_bluesky.kernels.iterative import Projector, Rays, Squares
from daiss_bluesky.kernels.solver_places import HostPlace, SolverPlace

Array = NDArray[np.float32]


class Solver(Protocol):
    """Improves a block in place; see `kernels.iterative`."""

    def __call__(
        self,
        rays: Projector,
        b: Array,
        x: Array,
        iterations: int,
        non_negative: bool,
    ) -> Iterator[Squares]:
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
    place: SolverPlace | None = None,
) -> Iterator[Step]:
    """Solve for the volume (z, y, x) in attenuation per pixel, a step an iteration.

    It starts from zeros, from `fbp`, or from a volume given. Notes the relative
    residual, |A x - b| / |b|, before the iteration; at the end that of the whole volume
    before each; for SIRT weighted by the inverse lengths of the rays.
    """
    _, rows, n = lines.p.shape
    volume = _start(lines, start, filter_name)
    if non_negative:
        np.maximum(volume, 0, out=volume)
    place = HostPlace() if place is None else place
    rays = place.rays(lines.angles_rad, lines.center_px, n)
    squares = np.zeros((iterations, 2))
    together = Blocks(rows, n).slices
    parts = [slice(first, first + together) for first in range(0, rows, together)]
    # The middle, which is looked at, comes first.
    parts.sort(key=lambda part: not part.start <= rows // 2 < part.stop)
    for block, part in enumerate(parts):
        x = place.upload(_block(volume[part]))
        b = place.upload(_arranged(lines.p[:, part]))
        present = partial(_put_back, volume, part, place, x)
        steps = solver(rays, b, x, iterations, non_negative)
        for i, now in enumerate(place.each(steps)):
            squares[i] += now
            notes: dict[str, Any] = {"iteration": i + 1, "residual": _residual(now)}
            if len(parts) > 1:
                notes |= {"block": block + 1, "blocks": len(parts)}
            number, of = block * iterations + i + 1, len(parts) * iterations
            if number == of:
                notes["residuals"] = [_residual(of_all) for of_all in squares]
            yield Step(number, of, present, notes)
        present()


def _put_back(volume: Array, part: slice, place: SolverPlace, x: Any) -> Array:
    found = place.download(x)
    volume[part] = found[..., : len(volume[part])].transpose(2, 0, 1)
    return volume


def _residual(squares: Iterable[float]) -> float:
    residual, data = squares
    return float(f"{np.sqrt(residual / data) if data else 0.0:.4g}")


def _start(lines: LineIntegrals, start: Array | str, filter_name: str) -> Array:
    _, rows, n = lines.p.shape
    if not isinstance(start, str):
        return start.copy()
    volume = np.zeros((rows, n, n), np.float32)
    if start == "fbp":
        if filter_name == "sharp":
            filter_name = "ramp"  # the sharpest that backprojection knows
        weights = angle_weights(lines.angles_rad)
        together = Blocks(rows, n).slices
        for first in range(0, rows, together):
            part = slice(first, first + together)
            blocks = Blocks(*volume[part].shape[:2])
            x = blocks.zeros()
            q = filter_projections(lines.p[:, part], weights, blocks, filter_name)
            backproject(q, lines.angles_rad, lines.center_px, x)
            _put_back(volume, part, HostPlace(), *x)
    return volume


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
        self, *, memory_limit_gb: float | None = None, **parameters: Any
    ) -> None:
        """Check the parameters."""
        super().__init__(memory_limit_gb=memory_limit_gb)
        what = f"the parameters of {self.name}"
        self.parameters = self.model.parse(parameters, what)

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

    def device_name(self) -> str:
        """Name what it would solve on now; views are made on the CPU."""
        gpu = self._gpu()
        return super().device_name() if gpu is None else gpu.name

    def _gpu(self) -> Gpu | None:
        """Give the GPU that is asked for by its number, if it is there."""
        if self.parameters.device == "auto":
            return None
        chosen = choose_device(self.parameters.device)
        return chosen.gpus[0] if chosen.gpus else None

    def _place(self) -> SolverPlace:
        if (gpu := self._gpu()) is None:
            return HostPlace()
        make: Any = load("daiss_bluesky.kernels.cuda.solver_place:CudaPlace")
        place: SolverPlace = make(gpu.number)
        return place

    def solve(self, lines: LineIntegrals) -> Iterator[Step]:
        """Make the volume, a step an iteration; see `solve_volume`."""
        solver, told = self._solver(lines)
        place = self._place()
        told |= {"device": place.name}
        steps = solve_volume(
            lines,
            solver,
            iterations=self.parameters.iterations,
            non_negative=self.parameters.non_negative,
            start=self.parameters.start,
            filter_name=self.parameters.filter,
            place=place,
        )
        for step in steps:
            yield replace(step, notes={**told, **step.notes})


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
