"""Phantom scans come out as the phantom is; live is as good as after the scan."""

from typing import Any

import numpy as np
import pytest

from daiss_bluesky.algorithms.ptychography.algorithm import RpieAlgorithm
from daiss_bluesky.algorithms.ptychography.refinement import one_pass
from daiss_bluesky.core.results import Final
from daiss_bluesky.core.stored_batches import sample_batch
from daiss_bluesky.engine.inline import reconstruct_scan
from daiss_bluesky.kernels.phase_error import phase_error_rad
from daiss_bluesky.kernels.ptychography import Solver
from daiss_bluesky.kernels.ptychography_guess import sweep
from daiss_bluesky.kernels.ptychography_step import Step
from daiss_bluesky.testing.ptychography_phantom import (
    PtychographyPhantom,
    ptychography_phantom,
)
from daiss_bluesky.testing.ptychography_scan import (
    FAR,
    NEAR,
    make_ptychography_scan,
)


def error_rad(phantom: PtychographyPhantom, final: Final) -> float:
    found = final.arrays["object"]
    offset = np.array(final.progress.parameters["object_origin_px"])
    first = np.rint(np.array(phantom.origin_px) + offset).astype(int)
    last = first + found.shape
    truth = phantom.truth[first[0] : last[0], first[1] : last[1]]
    coverage = final.views["coverage"]
    scanned = coverage > 0.5 * np.median(coverage[coverage > 0])
    return phase_error_rad(found, truth, scanned, register=True)


@pytest.mark.parametrize(
    ("settings", "noise_seed", "bound_rad", "half_period_px"),
    [
        (FAR, None, 0.04, 1.3),
        (FAR, 1, 0.05, 1.5),
        (NEAR, None, 0.06, 1.3),
        (NEAR, 1, 0.07, 1.5),
    ],
    ids=["far", "far noisy", "near", "near noisy"],
)
def test_the_phase_is_that_of_the_phantom(
    settings: Any,
    noise_seed: int | None,
    bound_rad: float,
    half_period_px: float,
) -> None:
    phantom = ptychography_phantom(settings)
    stored = make_ptychography_scan(
        phantom, n=100, step_px=5.0, counts=3e6, noise_seed=noise_seed
    )
    algorithm = RpieAlgorithm(modes=1, passes=30, refine_positions=False)
    final = reconstruct_scan(stored, algorithm)
    assert final.progress.quality["residual"] < 0.03
    assert final.progress.quality["frc_half_period_px"] < half_period_px
    assert error_rad(phantom, final) < bound_rad


def test_streamed_is_as_good_as_offline_at_equal_visits() -> None:
    """Frame by frame, the residual is within 1 % of passes through all frames."""
    stored = make_ptychography_scan(n=96, noise_seed=1)
    visits, passes = 16, 40
    algorithm = RpieAlgorithm(
        modes=1, passes=passes, visits_per_frame=visits, refine_positions=False
    )
    reconstruction = algorithm.start(stored.scan, stored.frame_shape)
    for one in range(96):
        reconstruction.add(sample_batch(stored, np.arange(one, one + 1)))
    reconstruction.finish(lambda _: iter(()))
    live = reconstruction.progress()
    assert live.parameters["frame_iterations"] <= (visits + passes) * 96
    frames = np.ascontiguousarray(np.fft.ifftshift(stored.frames, axes=(1, 2)))
    corners = stored.positions_px - 32
    offline = Solver(sweep(frames[:32], corners[:32]))
    offline.add(frames, corners)
    step = Step()
    passed = [
        one_pass(offline, np.arange(96), number, step)
        for number in range(visits + passes)
    ]
    assert live.quality["residual"] < 1.01 * passed[-1].residual
