"""A small scan of the phantom, as a file would hold it."""

import numpy as np

from daiss_bluesky.core.ptychography import PtychographyScan
from daiss_bluesky.core.stored_diffraction import StoredDiffraction
from daiss_bluesky.testing.ptychography_phantom import (
    PhantomSettings,
    ptychography_phantom,
)

GOLDEN_RAD = np.pi * (3 - np.sqrt(5))


def star_scan(
    n: int = 80,
    *,
    shape: tuple[int, int] = (64, 64),
    step_px: float = 5.0,
    photons: float = 1e6,
) -> StoredDiffraction:
    """A spiral of n positions (Fermat) over the star; the probe is the phantom's."""
    settings = PhantomSettings(*shape, 75.0, 2000.0, 8.0)
    phantom = ptychography_phantom(settings)
    turn = np.arange(n)
    radius = 0.55 * step_px * np.sqrt(turn)
    around = turn * GOLDEN_RAD
    places_px = np.stack([radius * np.cos(around), radius * np.sin(around)], axis=1)
    positions_um = places_px * np.array(settings.pixel_um)
    rng = np.random.default_rng(1)
    frames = np.array(
        [rng.poisson(photons * phantom.pattern((y, x))) for y, x in positions_um]
    )
    record = {
        "run_uid": "star",
        "energy_kev": settings.energy_kev,
        "distance_mm": settings.distance_mm,
        "detector_pixel_um": settings.detector_pixel_um,
        "positions_um": positions_um.tolist(),
        "counts": {"diffraction": n},
    }
    return StoredDiffraction(
        scan=PtychographyScan.parse(record, "the star"),
        frames=np.minimum(frames, 65534).astype(np.uint16),
        frame_indices=np.arange(n),
        positions_um=positions_um,
        times_s=np.arange(n, dtype=np.float64),
        darks=np.zeros((0, *shape)),
        probe=np.asarray(phantom.probe, np.complex64),
    )
