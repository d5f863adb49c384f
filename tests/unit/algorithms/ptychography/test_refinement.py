"""The passes at the end: better with each, modes apart, positions put right."""

from itertools import pairwise
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from daiss_bluesky.algorithms.ptychography.algorithm import RpieAlgorithm
from daiss_bluesky.algorithms.ptychography.parameters import PtychographyParameters
from daiss_bluesky.algorithms.ptychography.positions import keep_scale, retry_worst
from daiss_bluesky.algorithms.ptychography.refinement import (
    FADING,
    Updates,
    half_data_resolution_px,
    refined,
)
from daiss_bluesky.core.stored_diffraction import StoredDiffraction
from daiss_bluesky.engine.inline import reconstruct_scan
from daiss_bluesky.kernels.ptychography import Solver
from daiss_bluesky.kernels.ptychography_guess import scaled
from daiss_bluesky.testing.ptychography_phantom import (
    PhantomSettings,
    ptychography_phantom,
)
from daiss_bluesky.testing.ptychography_scan import (
    COUNTS,
    SMALL,
    make_ptychography_scan,
)

PHANTOM = ptychography_phantom(SMALL)


def solver_of(stored: StoredDiffraction, probe: NDArray[np.complex64]) -> Solver:
    """Give one with all frames at the positions told, and a probe."""
    solver = Solver(scaled(probe, COUNTS))
    frames = np.fft.ifftshift(stored.frames, axes=(1, 2))
    solver.add(np.ascontiguousarray(frames), stored.positions_px)
    solver.canvas.corners(stored.positions_px)
    return solver


def passes(solver: Solver, **parameters: Any) -> list[float]:
    """Refine, and give the residual of each pass."""
    asked = PtychographyParameters(**parameters)
    steps = refined(solver, asked, lambda: Updates.of(asked))
    return [misfit.residual for misfit in steps]


@pytest.fixture(scope="module")
def stored() -> StoredDiffraction:
    return make_ptychography_scan(PHANTOM, n=60, step_px=3.0, noise_seed=1)


def test_the_residual_falls_and_modes_come_out_orthogonal(
    stored: StoredDiffraction,
) -> None:
    solver = solver_of(stored, PHANTOM.probe.astype(np.complex64))
    residuals = passes(solver, modes=3, passes=8, least_gain=0)
    assert len(residuals) == 8 + len(FADING)
    assert residuals[-1] < 0.5 * residuals[0]
    assert all(later < 1.1 * one for one, later in pairwise(residuals))
    flat = solver.probe.reshape(3, -1).astype(np.complex128)
    products = np.abs(flat @ flat.conj().T)
    powers = np.diag(products)
    assert (np.diff(powers) <= 0).all()
    assert np.abs(products - np.diag(powers)).max() < 1e-5 * powers[0]


def test_too_few_frames_have_no_halves(stored: StoredDiffraction) -> None:
    probe = PHANTOM.probe.astype(np.complex64)
    solver = Solver(probe)
    frames = np.ascontiguousarray(np.fft.ifftshift(stored.frames[:31], axes=(1, 2)))
    solver.add(frames, stored.positions_px[:31])
    assert half_data_resolution_px(solver, PtychographyParameters()) is None


def test_moves_of_the_whole_scan_are_taken_back(stored: StoredDiffraction) -> None:
    solver = solver_of(stored, PHANTOM.probe.astype(np.complex64))
    rng = np.random.default_rng(5)
    told = solver.measured - solver.measured.mean(axis=0)
    whole = np.column_stack([told, np.ones(len(told))])
    own = rng.normal(size=told.shape)
    own -= whole @ np.linalg.lstsq(whole, own, rcond=None)[0]
    drift = told @ np.array([[0.02, -0.01], [0.03, 0.015]]) + [1.5, -2.0]
    solver.positions[:] = solver.measured + drift + own
    keep_scale(solver)
    np.testing.assert_allclose(solver.positions - solver.measured, own, atol=1e-9)


def test_a_frame_far_off_is_found_and_no_other_moved(stored: StoredDiffraction) -> None:
    solver = solver_of(stored, PHANTOM.probe.astype(np.complex64))
    passes(solver, modes=1, passes=8, refine_positions=False)
    right = solver.positions.copy()
    solver.positions[7] += (2.0, -2.2)
    before = solver.positions.copy()
    assert retry_worst(solver) == 1
    moved = np.any(solver.positions != before, axis=1)
    assert np.flatnonzero(moved).tolist() == [7]
    assert np.hypot(*(solver.positions - right)[7]) < 1.2


def test_known_errors_of_positions_are_found() -> None:
    """Errors of 1 px, some of more than 3, are left at most 0.2 px: as the twin's."""
    phantom = ptychography_phantom(PhantomSettings(128, 128, 75.0, 2000.0, 8.8))
    errors = np.random.default_rng(3).normal(size=(160, 2))
    assert np.abs(errors).max() > 3
    stored = make_ptychography_scan(
        phantom, n=160, step_px=13.6, errors_px=errors, counts=1e6, noise_seed=1
    )
    final = reconstruct_scan(stored, RpieAlgorithm())
    pixel_um = np.array(stored.scan.object_pixel_um(stored.frame_shape))
    found = final.arrays["positions_um"] / pixel_um
    left = found - stored.positions_px - errors
    left -= left.mean(axis=0)
    assert np.sqrt(np.mean(left**2)) < 0.2
