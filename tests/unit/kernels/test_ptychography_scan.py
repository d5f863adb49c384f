"""Scans of known objects come out as what they are."""

from dataclasses import dataclass, field

import numpy as np
import pytest
import scipy.ndimage
from numpy.typing import NDArray

from daiss_bluesky.kernels import reference_ptychography as reference
from daiss_bluesky.kernels.ptychography import Solver
from daiss_bluesky.kernels.ptychography_guess import far_guess, near_guess, sweep
from daiss_bluesky.kernels.ptychography_modes import orthogonalize, powers, widen
from daiss_bluesky.kernels.ptychography_step import GROUP, Step

SIDE, ACROSS, SPACING_PX = 48, 9, 5.3
COUNTS = 2e5
STEADY = Step(alpha=0.5, beta=1.0)
HELD = Step(probe_step=0, alpha=0.5)


@dataclass
class Scan:
    """Frames of a smooth random object, on a jittered raster."""

    spread_px: float = 0.0
    """How far positions are wrong, root mean square along each axis."""
    second: float = 0.0
    """Share of the power in a second mode."""
    transfer: NDArray[np.complex64] | None = None
    probe: NDArray[np.complex64] = field(init=False)

    def __post_init__(self) -> None:
        rng = np.random.default_rng(7)
        size = int(ACROSS * SPACING_PX) + SIDE + 12
        depth = scipy.ndimage.gaussian_filter(
            rng.normal(size=(2, size, size)), (0, 3, 3)
        )
        depth /= depth.std()
        self.truth = np.exp((0.6j * depth[0]) - 0.1 * np.abs(depth[1]))
        y, x = np.mgrid[:SIDE, :SIDE] - SIDE / 2
        disc = scipy.ndimage.gaussian_filter((np.hypot(y, x) < 11) * 1.0, 1.5)
        first = disc * np.exp(1j * (0.02 * (x**2 + y**2) + 0.1 * x))
        self.probe = widen(first.astype(np.complex64), 2, max(self.second, 1e-9))
        self.probe *= np.sqrt(COUNTS / np.sum(np.abs(self.probe) ** 2))
        grid = np.mgrid[:ACROSS, :ACROSS].reshape(2, -1).T * SPACING_PX + 4.0
        self.right = grid + rng.uniform(-1.5, 1.5, grid.shape)
        self.positions = self.right + self.spread_px * rng.normal(size=grid.shape)
        self.frames = np.stack([self.frame(at) for at in self.right])

    def frame(self, at: NDArray[np.float64]) -> NDArray[np.uint16]:
        patch = reference.gather(self.truth, at, (SIDE, SIDE))
        far = reference.Model(self.transfer).detect(self.probe * patch)
        intensity = np.sum(np.abs(far) ** 2, axis=0)
        return np.asarray(np.round(intensity), np.uint16)

    def solver(self, probe: NDArray[np.complex64]) -> Solver:
        made = Solver(probe, transfer=self.transfer)
        made.add(self.frames, self.positions)
        made.canvas.corners(self.positions)
        return made

    def phase_error_rad(self, solver: Solver) -> float:
        """Compare where the probe was, up to a constant and a ramp."""
        (y, x), inner = solver.canvas.origin, np.s_[30:60, 30:60]
        found = solver.canvas.pixels[-y:, -x:][inner]
        difference = np.angle(found * np.conj(self.truth[inner]))
        rows, columns = np.mgrid[inner]
        ramp = np.stack([np.ones(rows.size), rows.ravel(), columns.ravel()], axis=1)
        fit = np.linalg.lstsq(ramp, difference.ravel(), rcond=None)[0]
        return float(np.std(difference.ravel() - ramp @ fit))


def solve(solver: Solver, passes: int, step: Step) -> float:
    """Visit all frames some times; give the residual of the last pass."""
    rng = np.random.default_rng(0)
    squared = power = 0.0
    for _ in range(passes):
        order = rng.permutation(solver.count)
        found = [
            solver.update(group, step)
            for group in np.array_split(order, -(-solver.count // GROUP))
        ]
        squared = sum(each.squared for each in found)
        power = sum(each.power for each in found)
    return float(np.sqrt(squared / power))


def blurred(probe: NDArray[np.complex64]) -> NDArray[np.complex64]:
    """Give a first guess that is wrong by a third."""
    y, x = np.mgrid[: probe.shape[-2], : probe.shape[-1]]
    wrong = probe * (1 + 0.5 * np.sin(0.3 * y) * np.cos(0.25 * x))
    return np.asarray(wrong, np.complex64)


def test_a_scan_is_solved() -> None:
    scan = Scan()
    solver = scan.solver(blurred(scan.probe[0]))
    first = solve(solver, 3, HELD)
    last = solve(solver, 60, STEADY)
    assert first > 0.1
    assert last < 0.02
    assert scan.phase_error_rad(solver) < 0.03


def test_a_near_field_scan_is_solved() -> None:
    scan = Scan(transfer=fresnel())
    solver = scan.solver(blurred(scan.probe[0]))
    solve(solver, 3, HELD)
    assert solve(solver, 60, STEADY) < 0.02
    assert scan.phase_error_rad(solver) < 0.05


def test_a_near_field_probe_is_guessed_from_frames() -> None:
    scan = Scan(transfer=fresnel())
    guess = near_guess(scan.frames.mean(axis=0), fresnel())
    same = np.corrcoef(np.abs(guess).ravel(), np.abs(scan.probe[0]).ravel())[0, 1]
    assert same > 0.9
    assert solve(scan.solver(guess), 60, STEADY) < 0.05


def fresnel() -> NDArray[np.complex64]:
    f = np.fft.fftfreq(SIDE)
    reach = np.pi * 40 * (f[:, None] ** 2 + f**2)
    return np.asarray(np.exp(-1j * reach), np.complex64)


def test_wrong_positions_are_put_right() -> None:
    scan = Scan(spread_px=0.7)
    solver = scan.solver(scan.probe[0])
    solve(solver, 20, HELD)
    wrong = solve(solver, 5, STEADY)
    moving = Step(alpha=0.5, beta=1.0, position_step=0.5)
    right = solve(solver, 80, moving)
    away = solver.positions - scan.right
    away -= away.mean(axis=0)
    assert np.std(scan.positions - scan.right) > 0.6
    assert np.std(away) < 0.1
    assert right < wrong / 3


def test_two_modes_explain_partly_coherent_light() -> None:
    scan = Scan(second=0.2)
    one, two = scan.solver(scan.probe[0]), scan.solver(widen(scan.probe[0], 2))
    for solver in (one, two):
        solve(solver, 3, HELD)
    residuals = [solve(solver, 60, STEADY) for solver in (one, two)]
    two.probe = orthogonalize(two.probe)
    assert residuals[1] < 0.5 * residuals[0]
    assert powers(two.probe)[1] == pytest.approx(0.2 / 1.2, abs=0.03)


def test_a_probe_is_found_from_frames_alone() -> None:
    scan = Scan()
    found = sweep(scan.frames[:45], scan.positions[:45])
    solver = scan.solver(found)
    assert solve(solver, 60, STEADY) < 0.04
    assert scan.phase_error_rad(solver) < 0.1


def test_a_guess_has_the_power_and_the_amplitude_of_the_mean() -> None:
    mean = Scan().frames.mean(axis=0)
    for radius in (0.0, 0.1, -0.2):
        guess = far_guess(mean, radius)
        far = np.abs(np.fft.fft2(guess, norm="ortho")) ** 2
        np.testing.assert_allclose(far, mean, atol=1e-3 * mean.max())
