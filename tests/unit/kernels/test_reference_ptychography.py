"""What the definition calls slopes are slopes: by finite differences."""

from dataclasses import replace

import numpy as np
import pytest

from daiss_bluesky.kernels import reference_ptychography as reference
from daiss_bluesky.kernels.ptychography_step import Step

SHAPE, N = (10, 12), 5
GRADIENT = Step(alpha=1, beta=1)
LITTLE = 1e-6


class Scan:
    """Random frames, object, probe modes and corners."""

    def __init__(self, near: bool) -> None:
        rng = np.random.default_rng(1)
        self.rng = rng
        corners = rng.uniform(0, 6, (N, 2))
        self.now = reference.Solution(
            self.waves((18, 20)), self.waves((2, *SHAPE)), corners, corners.copy()
        )
        self.frames = rng.poisson(4, (N, *SHAPE))
        transfer = np.exp(6j * rng.random(SHAPE)) if near else None
        self.model = reference.Model(transfer, rng.random(SHAPE) < 0.9)

    def waves(self, shape: tuple[int, ...]) -> reference.Waves:
        return np.asarray(
            self.rng.normal(size=shape) + 1j * self.rng.normal(size=shape)
        )

    def error(self, now: reference.Solution) -> float:
        copy = reference.Solution(
            now.canvas.copy(), now.probe.copy(), now.corners.copy(), now.measured
        )
        group = list(range(N))
        return reference.update(copy, self.frames, group, self.model, Step(0, 0))[0]

    def slope(self, name: str, way: reference.Waves | reference.Reals) -> float:
        """Give the derivative of the error along a way."""
        ends = [
            replace(self.now, **{name: getattr(self.now, name) + sign * LITTLE * way})
            for sign in (1, -1)
        ]
        return (self.error(ends[0]) - self.error(ends[1])) / (2 * LITTLE)


@pytest.mark.parametrize("near", [False, True])
def test_object_and_probe_go_down_the_gradient(near: bool) -> None:
    scan = Scan(near)
    canvas, probe = scan.now.canvas.copy(), scan.now.probe.copy()
    ways = scan.waves(canvas.shape), scan.waves(probe.shape)
    slopes = scan.slope("canvas", ways[0]), scan.slope("probe", ways[1])
    patches = [reference.gather(canvas, at, SHAPE) for at in scan.now.corners]
    reference.update(scan.now, scan.frames, list(range(N)), scan.model, GRADIENT)
    bright = np.sum(np.abs(probe) ** 2, axis=0).max()
    lit = np.sum(np.abs(patches) ** 2, axis=0).max()
    asked = (scan.now.canvas - canvas) * bright, (scan.now.probe - probe) * lit
    for slope, way, gradient in zip(slopes, ways, asked, strict=True):
        assert -2 * np.vdot(way, gradient).real == pytest.approx(slope, rel=1e-6)


@pytest.mark.parametrize("near", [False, True])
def test_corners_go_down_the_gradient(near: bool) -> None:
    scan = Scan(near)
    for j, corner in enumerate(scan.now.corners):
        patch = reference.gather(scan.now.canvas, corner, SHAPE)
        change, *_ = scan.model.change(scan.now.probe * patch, scan.frames[j] * 1.0)
        normal, lacking = reference.corner_equations(scan.now, corner, change)
        assert np.linalg.eigvalsh(normal).min() > 0
        for axis in (0, 1):
            way = np.zeros((N, 2))
            way[j, axis] = 1
            slope = scan.slope("corners", way)
            assert -2 * lacking[axis] == pytest.approx(slope, rel=1e-5, abs=1e-6)


def test_scatter_is_the_adjoint_of_gather() -> None:
    scan = Scan(near=False)
    corner, patch = scan.now.corners[0], scan.waves(SHAPE)
    spread = np.zeros_like(scan.now.canvas)
    reference.scatter(spread, corner, patch)
    taken = reference.gather(scan.now.canvas, corner, SHAPE)
    assert np.vdot(taken, patch) == pytest.approx(np.vdot(scan.now.canvas, spread))


def test_bad_pixels_ask_for_nothing() -> None:
    scan = Scan(near=False)
    bad = scan.model.good == np.False_
    before = scan.error(scan.now)
    scan.frames[:, bad] = 1000
    assert scan.error(scan.now) == before
