"""After the last frame: passes through all, and one half compared with the other."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Self

import numpy as np
from numpy.typing import NDArray

from daiss_bluesky.algorithms.ptychography.parameters import PtychographyParameters
from daiss_bluesky.algorithms.ptychography.positions import keep_scale, retry_worst
from daiss_bluesky.algorithms.ptychography.visits import in_groups
from daiss_bluesky.kernels.overlap import add_illumination
from daiss_bluesky.kernels.ptychography_modes import orthogonalize, widen
from daiss_bluesky.kernels.ptychography_solver import AnySolver
from daiss_bluesky.kernels.ptychography_step import GROUP, Misfit, Step
from daiss_bluesky.kernels.ring_correlation import fourier_ring_correlation

HELD_PASSES = 1
"""Positions stay until the new modes have found their shape."""

POSITION_STEP = 2.0
"""The detector tells amplitudes only, so that waves lack half of what a move does."""

RETRY_PASSES = (8, 16)
"""Before these, frames that fit worst are tried elsewhere."""

GAIN_PASSES = 3
"""What these gain decides: one may gain nothing where positions are still far off."""

FADING = (0.5, 0.3, 0.2, 0.1)
"""Steps of the last passes, which leave the mean of what each frame asks for."""

HALF_PASSES = 8
"""Of each half of the frames, before the fading ones, for the ring correlation."""


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
    solver: AnySolver,
    parameters: PtychographyParameters,
    updates: Callable[[], Updates],
) -> Iterator[Misfit]:
    """Give the solver its modes and pass through all frames; yields each pass.

    Passes end when little is gained, and the fading ones follow. `updates` is asked
    before each. A probe that is held keeps the modes it has.
    """
    found: list[float] = []
    while len(found) < parameters.passes:
        misfit = _improve(solver, parameters, updates(), len(found), 1.0)
        yield misfit
        found.append(misfit.residual)
        if _settled(found[HELD_PASSES:], parameters.least_gain):
            break
    for number, size in enumerate(FADING, len(found)):
        yield _improve(solver, parameters, updates(), number, size)
    solver.probe = orthogonalize(solver.probe)


def _improve(
    solver: AnySolver,
    parameters: PtychographyParameters,
    wanted: Updates,
    number: int,
    size: float,
) -> Misfit:
    if wanted.update_probe and parameters.modes > len(solver.probe):
        solver.probe = widen(solver.probe, parameters.modes)
    free = wanted.refine_positions and number >= HELD_PASSES
    if free and number in RETRY_PASSES:
        retry_worst(solver)
    step = Step(
        object_step=size * wanted.update_object,
        probe_step=size * wanted.update_probe,
        position_step=POSITION_STEP * free,
        alpha=parameters.alpha,
    )
    misfit = one_pass(solver, np.arange(solver.count), number, step)
    if free:
        keep_scale(solver)
    return misfit


def _settled(residuals: list[float], least_gain: float) -> bool:
    if not least_gain or len(residuals) <= GAIN_PASSES:
        return False
    return residuals[-1] > (1 - least_gain) * residuals[-1 - GAIN_PASSES]


def one_pass(
    solver: AnySolver, frames: NDArray[np.int64], number: int, step: Step
) -> Misfit:
    """Visit each of these frames once, in an order of this pass's own."""
    return total(solver.run([*in_groups(frames, GROUP, number)], step))


def total(misfits: list[Misfit]) -> Misfit:
    """Add up what groups of frames had."""
    return Misfit(
        sum(one.squared for one in misfits), sum(one.power for one in misfits)
    )


def half_data_resolution_px(
    solver: AnySolver, parameters: PtychographyParameters
) -> float | None:
    """Reconstruct every other frame, then the rest; give the half period they agree to.

    Both begin with the probe and the positions found with all frames, and an empty
    object. None where nothing agrees, or where there are too few frames to halve.
    """
    if solver.count < 2 * GROUP:
        return None
    halves = []
    sizes = (1.0,) * HALF_PASSES + FADING
    for part in (0, 1):
        half = solver.anew(solver.probe)
        half.canvas.corners(solver.positions)
        frames = np.arange(part, solver.count, 2)
        for number, size in enumerate(sizes):
            step = Step(size, size, alpha=parameters.alpha)
            one_pass(half, frames, number, step)
        counts = np.zeros(half.canvas.shape, np.int32)
        corners = half.canvas.corners(half.positions)[frames]
        add_illumination(counts, corners, half.probe)
        halves.append((half.canvas.pixels, counts > 0))
    (a, seen_a), (b, seen_b) = halves
    found = fourier_ring_correlation(a, b, seen_a & seen_b)
    return found.half_period_px
