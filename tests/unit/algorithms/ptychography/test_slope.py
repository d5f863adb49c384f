"""Slope and mean of the phase move to the probe; patterns stay what they are."""

import numpy as np

from daiss_bluesky.algorithms.ptychography.slope import (
    level,
    leveled,
    mean_slope_rad_px,
    plane,
)
from daiss_bluesky.kernels.ptychography import Solver

SHAPE = (24, 32)


def test_a_plane_has_its_slope_and_is_leveled_to_one() -> None:
    wave = plane((40, 50), 0.21, -0.13)
    np.testing.assert_allclose(mean_slope_rad_px(wave), (0.21, -0.13), atol=1e-6)
    cut = np.where(np.hypot(*np.ogrid[-20:20, -25:25]) < 18, 0.7 * wave, 0)
    flat = leveled(cut.astype(np.complex64) * np.complex64(1j))
    np.testing.assert_allclose(flat, np.abs(cut), atol=1e-5)


def test_leveling_leaves_exit_waves_but_for_a_phase_of_each() -> None:
    rng = np.random.default_rng(2)
    probe = rng.normal(size=(2, *SHAPE)) + 1j * rng.normal(size=(2, *SHAPE))
    solver = Solver(probe.astype(np.complex64))
    places = np.array([[3.0, 5.0], [9.0, 2.0], [12.0, 14.0]])
    solver.add(np.ones((3, *SHAPE), np.uint16), places)
    corners = solver.canvas.corners(places).astype(int)
    pixels = solver.canvas.pixels
    noise = rng.normal(size=pixels.shape)
    pixels *= plane(pixels.shape, 0.05, 0.11) * np.exp(0.3j * noise + 0.4j).astype(
        np.complex64
    )

    def waves() -> list[np.ndarray[tuple[int, ...], np.dtype[np.complex64]]]:
        rows, columns = SHAPE
        cut = [solver.canvas.pixels[y : y + rows, x : x + columns] for y, x in corners]
        return [solver.probe * patch for patch in cut]

    before = waves()
    level(solver, np.ones(pixels.shape, bool))
    assert abs(np.angle(np.sum(solver.canvas.pixels))) < 1e-5
    np.testing.assert_allclose(mean_slope_rad_px(solver.canvas.pixels), 0, atol=1e-5)
    for one, other in zip(before, waves(), strict=True):
        turn = np.vdot(one, other)
        turn /= abs(turn)
        np.testing.assert_allclose(other, one * turn, atol=2e-5)
