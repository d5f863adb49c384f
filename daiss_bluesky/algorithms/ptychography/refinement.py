"""After the last frame: passes through all, and one half compared with the other."""

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from daiss_bluesky.algorithms.ptychography.parameters import PtychographyParameters
from daiss_bluesky.algorithms.ptychography.positions import keep_scale, retry_worst
from daiss_bluesky.algorithms.ptychography.visits import in_groups
from daiss_bluesky.kernels.overlap import add_illumination
from daiss_bluesky.kernels.ptychography import GROUP, Solver
from daiss_bluesky.kernels.ptychography_modes import orthogonalize, widen
from daiss_bluesky.kernels.ptychography_step import Misfit, Step
from daiss_bluesky.kernels.ring_correlation import fourier_ring_correlation

HELD_PASSES = 3
"""Positions stay until the new modes have found their shape."""

POSITION_STEP = 2.0
"""The detector tells amplitudes only, so that waves lack half of what a move does."""

RETRY_PASSES = (8, 16)
"""Before these, frames that fit worst are tried elsewhere."""

HALF_PASSES = 12
"""Of each half of the frames, for the ring correlation."""


def refined(solver: Solver, parameters: PtychographyParameters) -> Iterator[Misfit]:
    """Give the solver its modes and pass through all frames; yields each pass."""
    everything = np.arange(solver.count)
    if parameters.modes > len(solver.probe):
        solver.probe = widen(solver.probe, parameters.modes)
    for number in range(parameters.passes):
        free = parameters.refine_positions and number >= HELD_PASSES
        step = Step(
            alpha=parameters.alpha,
            beta=parameters.alpha,
            position_step=POSITION_STEP * free,
        )
        if free and number in RETRY_PASSES:
            retry_worst(solver)
        misfit = one_pass(solver, everything, number, step)
        if free:
            keep_scale(solver)
        yield misfit
    solver.probe = orthogonalize(solver.probe)


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
