"""After the last frame: passes through all, and one half compared with the other."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Self

import numpy as np
from numpy.typing import NDArray

from daiss_bluesky.algorithms.ptychography.parameters import PtychographyParameters
from daiss_bluesky.algorithms.ptychography.visits import in_groups
from daiss_bluesky.kernels.overlap import add_illumination
from daiss_bluesky.kernels.ptychography import GROUP, Solver
from daiss_bluesky.kernels.ptychography_modes import orthogonalize, widen
from daiss_bluesky.kernels.ptychography_step import Misfit, Step
from daiss_bluesky.kernels.ring_correlation import fourier_ring_correlation

HELD_PASSES = 1
"""Positions stay until the new modes have found their shape."""

SETTLED, SETTLED_PASSES = 0.01, 3
"""So small a part of the residual gained in so many passes is the end.

A single pass may gain nothing where positions are still far off.
"""

HALF_PASSES = 8
"""Of each half of the frames, for the ring correlation."""


@dataclass(frozen=True, slots=True)
class Updates:
    """What is improved, under the names of the parameters."""

    update_object: bool
    update_probe: bool
    refine_positions: bool

    @classmethod
    def of(cls, parameters: PtychographyParameters) -> Self:
        """Give those that a run begins with."""
        return cls(
            parameters.update_object,
            parameters.update_probe,
            parameters.refine_positions,
        )


def refined(
    solver: Solver,
    parameters: PtychographyParameters,
    updates: Callable[[], Updates],
) -> Iterator[Misfit]:
    """Give the solver its modes and pass through all frames; yields each pass.

    `updates` is asked before each. A probe that is held keeps the modes it has. The
    last pass is the one after which nothing is gained, or that of the parameters.
    """
    everything = np.arange(solver.count)
    found: list[float] = []
    for number in range(parameters.passes):
        wanted = updates()
        if wanted.update_probe and parameters.modes > len(solver.probe):
            solver.probe = widen(solver.probe, parameters.modes)
        step = Step(
            object_step=float(wanted.update_object),
            probe_step=float(wanted.update_probe),
            alpha=parameters.alpha,
            beta=parameters.alpha,
            position_step=float(wanted.refine_positions and number >= HELD_PASSES),
        )
        misfit = one_pass(solver, everything, number, step)
        yield misfit
        found.append(misfit.residual)
        if _settled(found[HELD_PASSES:]):
            break
    solver.probe = orthogonalize(solver.probe)


def _settled(residuals: list[float]) -> bool:
    if len(residuals) <= SETTLED_PASSES:
        return False
    return residuals[-1] > (1 - SETTLED) * residuals[-1 - SETTLED_PASSES]


def one_pass(
    solver: Solver, frames: NDArray[np.int64], number: int, step: Step
) -> Misfit:
    """Visit each of these frames once, in an order of this pass's own."""
    found = [solver.update(group, step) for group in in_groups(frames, GROUP, number)]
    return total(found)


def total(misfits: list[Misfit]) -> Misfit:
    """Add up what groups of frames had."""
    return Misfit(
        sum(one.squared for one in misfits), sum(one.power for one in misfits)
    )


def half_data_resolution_px(
    solver: Solver, parameters: PtychographyParameters
) -> float | None:
    """Reconstruct every other frame, then the rest; give the half period they agree to.

    Both begin with the probe and the positions found with all frames, and an empty
    object. None where nothing agrees, or where there are too few frames to halve.
    """
    if solver.count < 2 * GROUP:
        return None
    halves = []
    step = Step(alpha=parameters.alpha, beta=parameters.alpha)
    for part in (0, 1):
        half = solver.anew(solver.probe)
        half.canvas.corners(solver.positions)
        frames = np.arange(part, solver.count, 2)
        for number in range(HALF_PASSES):
            one_pass(half, frames, number, step)
        counts = np.zeros(half.canvas.pixels.shape, np.int32)
        corners = half.canvas.corners(half.positions)[frames]
        add_illumination(counts, corners, half.probe)
        halves.append((half.canvas.pixels, counts > 0))
    (a, seen_a), (b, seen_b) = halves
    found = fourier_ring_correlation(a, b, seen_a & seen_b)
    return found.half_period_px
