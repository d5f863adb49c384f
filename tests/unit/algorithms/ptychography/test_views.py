"""Pictures are as large as the plan, and grow where frames lie beyond it."""

import numpy as np
from numpy.typing import NDArray

from daiss_bluesky.algorithms.ptychography.intake import Optics, Taken
from daiss_bluesky.algorithms.ptychography.views import NOISE_PX, Pictures
from daiss_bluesky.core.ptychography import PtychographyScan
from daiss_bluesky.kernels.ptychography import Solver

SHAPE = (8, 10)
OPTICS = Optics(SHAPE, (1.0, 1.0))
PLANNED = [(0.0, 0.0), (0.0, 6.0), (4.0, 0.0), (4.0, 6.0)]
SCAN = PtychographyScan(run_uid="run", positions_um=PLANNED, pixel_size_um=1.0)
CORNER = np.array([-4.0, -5.0])
"""Of the frame at 0, 0."""


def taken(*places_um: tuple[float, float]) -> Taken:
    n = len(places_um)
    frames = np.random.default_rng(1).integers(1, 9, (n, *SHAPE), np.uint16)
    positions = OPTICS.positions_px(np.array(places_um))
    return Taken(np.arange(n), frames, positions, np.arange(n, dtype=np.float64))


def solver_of(positions_px: NDArray[np.float64]) -> Solver:
    """Give one whose object says where each of its pixels lies."""
    solver = Solver(np.ones(SHAPE, np.complex64))
    solver.add(np.ones((len(positions_px), *SHAPE), np.uint16), positions_px)
    solver.canvas.corners(positions_px)
    rows, columns = (np.arange(n) for n in solver.canvas.pixels.shape)
    top, left = solver.canvas.origin
    solver.canvas.pixels[:] = (rows[:, None] + top) + 1j * (columns + left)
    return solver


def test_noise_of_readbacks_leaves_the_size() -> None:
    pictures = Pictures(SCAN, OPTICS)
    noise = 0.9 * NOISE_PX
    frames = taken((-noise, 0.0), (4.0 + noise, 6.0 + noise))
    pictures.add(frames)
    assert pictures.origin_px == tuple(CORNER)
    solver = solver_of(frames.positions_px)
    found = pictures.crop(solver, solver.canvas.pixels)
    assert found.shape == (4 + SHAPE[0], 6 + SHAPE[1])
    assert found[0, 0] == complex(*CORNER)


def test_what_lies_far_outside_the_plan_is_seen() -> None:
    pictures = Pictures(SCAN, OPTICS)
    frames = taken((0.0, 0.0), (-9.0, 12.0))
    pictures.add(frames)
    solver = solver_of(frames.positions_px)
    found = pictures.crop(solver, solver.canvas.pixels)
    assert found[0, 0] == complex(*pictures.origin_px)
    assert pictures.origin_px[0] <= CORNER[0] - 9 + NOISE_PX
    assert found.shape[1] >= 12 + SHAPE[1] - NOISE_PX
    assert pictures.coverage(solver).shape == found.shape


def test_without_a_plan_the_object_is_as_large_as_what_came() -> None:
    unplanned = SCAN.model_copy(update={"positions_um": None})
    pictures = Pictures(unplanned, OPTICS)
    assert pictures.show(None) == {}
    frames = taken((0.0, 0.0), (0.4, 2.5))
    pictures.add(frames)
    solver = solver_of(frames.positions_px)
    shown = pictures.show(solver)
    assert shown["object_phase"].shape == (1 + SHAPE[0], 3 + SHAPE[1])
    assert (shown["coverage"] >= 0).all()
    newest = np.log10(1 + np.fft.fftshift(frames.frames[-1]).astype(np.float32))
    np.testing.assert_allclose(shown["diffraction"], newest, rtol=1e-6)


def test_nothing_is_shown_that_is_no_number() -> None:
    pictures = Pictures(SCAN, OPTICS)
    frames = taken(*PLANNED)
    pictures.add(frames)
    solver = solver_of(frames.positions_px)
    solver.canvas.pixels[:] = np.nan
    solver.probe = np.full(SHAPE, np.nan, np.complex64)
    for view in pictures.show(solver).values():
        assert np.isfinite(view).all()
