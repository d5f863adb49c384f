"""A measured scan: 516 far-field frames of a Siemens star."""

import os
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from daiss_bluesky.kernels.ptychography import Solver
from daiss_bluesky.kernels.ptychography_guess import scaled, sweep
from daiss_bluesky.kernels.ptychography_modes import orthogonalize, powers, widen
from daiss_bluesky.kernels.ptychography_step import GROUP, Step

pytestmark = pytest.mark.data

DATA = Path(os.environ.get("DAISS_DATA", "../shared/data"))
NAME = "ptycho_siemens_star.npz"
HELD = Step(probe_step=0)


class Star:
    """The scan and its first guess of the probe."""

    def __init__(self) -> None:
        if not (DATA / NAME).exists():
            pytest.skip(f"DAISS_DATA names no folder with {NAME}")
        with np.load(DATA / NAME) as arrays:
            self.frames = arrays["data"]
            self.positions = arrays["positions_px"].astype(np.float64)
            self.guess = arrays["probe"]
        self.power = float(self.frames.sum(dtype=np.float64)) / len(self.frames)

    def solver(self, probe: NDArray[np.complex64]) -> Solver:
        made = Solver(scaled(probe, self.power))
        made.add(self.frames, self.positions)
        return made


@pytest.fixture(scope="module")
def star() -> Star:
    return Star()


def solve(solver: Solver, steps: list[Step]) -> float:
    """Visit all frames once for each step; give the residual after all."""
    rng = np.random.default_rng(0)
    for step in steps:
        for group in np.array_split(rng.permutation(solver.count), 516 // GROUP + 1):
            solver.update(group, step)
    groups = np.array_split(np.arange(solver.count), 516 // GROUP + 1)
    found = [solver.update(group, Step(0, 0)) for group in groups]
    squared = sum(each.squared for each in found)
    return float(np.sqrt(squared / sum(each.power for each in found)))


def fading(count: int, position_step: float = 0.0) -> list[Step]:
    """Give steps that fall to a tenth."""
    sizes = 0.1 ** (np.arange(1, count + 1) / count)
    return [Step(size, size, position_step=position_step) for size in sizes]


def test_one_mode_reaches_its_floor(star: Star) -> None:
    solver = star.solver(star.guess)
    residual = solve(solver, [HELD] * 2 + [Step()] * 8 + fading(8))
    assert residual < 0.11
    # Without position refinement, positions are what was measured.
    np.testing.assert_array_equal(solver.positions, star.positions)


def test_modes_and_positions_explain_more(star: Star) -> None:
    solver = star.solver(widen(star.guess, 3))
    moving = Step(position_step=1.0)
    solve(solver, [HELD] * 2 + [Step()] * 3 + [moving] * 5)
    solver.probe = orthogonalize(solver.probe)
    residual = solve(solver, fading(8, position_step=1.0))
    shares = powers(orthogonalize(solver.probe))
    assert residual < 0.094
    assert shares[0] > 0.6
    assert shares[2] < 0.15
    assert np.std(solver.positions - star.positions) < 1.0


def test_a_probe_from_the_first_frames_serves_as_well(star: Star) -> None:
    found = sweep(star.frames[:32], star.positions[:32])
    solver = star.solver(found)
    assert solve(solver, [HELD] * 2 + [Step()] * 8 + fading(8)) < 0.11
