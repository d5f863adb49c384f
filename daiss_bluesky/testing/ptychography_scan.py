"""A small ptychography scan with known truth, for tests."""

import dataclasses

import numpy as np
from numpy.typing import NDArray

from daiss_bluesky.core.ptychography import PtychographyScan
from daiss_bluesky.core.stored_diffraction import StoredDiffraction
from daiss_bluesky.testing.ptychography_phantom import (
    PhantomSettings,
    PtychographyPhantom,
    ptychography_phantom,
)

FAR = PhantomSettings(64, 64, 75.0, 500.0, 8.8)
SMALL = PhantomSettings(32, 32, 150.0, 500.0, 8.8)
"""Of the same pixels as FAR."""
NEAR = PhantomSettings(64, 64, 0.1, 1.5, 8.8, field="near")

COUNTS = 3e5
"""Of a frame without object."""

GOLDEN_ANGLE_RAD = np.pi * (3 - np.sqrt(5))


def spiral_px(n: int, step_px: float) -> NDArray[np.float64]:
    """Give a Fermat spiral (n, 2) whose neighbors are about a step apart."""
    turn = np.arange(n)
    radius = step_px / np.sqrt(np.pi) * np.sqrt(turn)
    angle = GOLDEN_ANGLE_RAD * turn
    return np.stack([radius * np.sin(angle), radius * np.cos(angle)], axis=1)


def make_ptychography_scan(
    phantom: PtychographyPhantom | None = None,
    *,
    n: int = 72,
    step_px: float = 5.0,
    counts: float = COUNTS,
    noise_seed: int | None = None,
    errors_px: NDArray[np.float64] | None = None,
    dark_counts: int = 0,
) -> StoredDiffraction:
    """Make a scan of a phantom on a spiral; each frame `counts` times its pattern.

    `errors_px` (frame, 2) is how far from the position told the probe really was. A
    seed gives photon noise, `dark_counts` an offset with a pattern, and darks with it.
    """
    phantom = phantom or ptychography_phantom(FAR)
    settings = phantom.settings
    told_um = spiral_px(n, step_px) * np.array(settings.pixel_um)
    errors = np.zeros((n, 2)) if errors_px is None else errors_px
    real_um = told_um + errors * np.array(settings.pixel_um)
    frames = counts * np.stack([phantom.pattern((y, x)) for y, x in real_um])
    if noise_seed is not None:
        frames = np.random.default_rng(noise_seed).poisson(frames).astype(np.float64)
    dark = dark_counts * (1 + np.arange(frames[0].size).reshape(settings.shape) % 3)
    return StoredDiffraction(
        scan=_scan(settings, told_um),
        frames=np.rint(frames + dark).astype(np.uint16),
        frame_indices=np.arange(n),
        positions_um=told_um,
        times_s=10.0 + 0.1 * np.arange(n, dtype=np.float64),
        darks=np.repeat(dark[None], 3 if dark_counts else 0, 0).astype(np.uint16),
    )


def _scan(settings: PhantomSettings, planned: NDArray[np.float64]) -> PtychographyScan:
    return PtychographyScan(
        run_uid="phantom",
        positions_um=[(float(y), float(x)) for y, x in planned],
        field=settings.field,
        detector_pixel_um=settings.detector_pixel_um,
        distance_mm=settings.distance_mm,
        energy_kev=settings.energy_kev,
    )


def only(stored: StoredDiffraction, there: NDArray[np.int64]) -> StoredDiffraction:
    """Give the scan that has only these frames; what was planned stays."""
    return dataclasses.replace(
        stored,
        frame_indices=stored.frame_indices[there],
        positions_um=stored.positions_um[there],
        times_s=stored.times_s[there],
    )


def unplanned(stored: StoredDiffraction) -> StoredDiffraction:
    """Give the scan of which nobody said beforehand where or how many."""
    scan = stored.scan.model_copy(update={"positions_um": None, "counts": {}})
    return dataclasses.replace(stored, scan=scan)
