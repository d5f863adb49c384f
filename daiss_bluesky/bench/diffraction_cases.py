"""The two ptychography scans that are measured: one that is known, one from a beamline.

Both are 128 x 128 pixels, uint16, in the far field.
"""

import os
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from daiss_bluesky.core.errors import unknown
from daiss_bluesky.core.ptychography import PtychographyScan
from daiss_bluesky.core.stored_diffraction import StoredDiffraction
from daiss_bluesky.kernels.phase_error import phase_error_rad
from daiss_bluesky.plans.positions import GOLDEN_RAD
from daiss_bluesky.readers import open_diffraction
from daiss_bluesky.testing.ptychography_phantom import (
    PhantomSettings,
    PtychographyPhantom,
    ptychography_phantom,
)

MEASURED = "ptycho_siemens_star.npz"
DATA = "DAISS_DATA"
"""Names the folder of measured scans."""

PHOTONS = 1e6
"""In a frame without sample."""
_POSITION_NOISE_UM = 0.005


@dataclass(frozen=True, slots=True)
class PhantomCase:
    """The phantom on a Fermat spiral from the middle outwards; counted photons."""

    name: str = "phantom"
    n_frames: int = 225
    step_um: float = 0.4
    side: int = 128
    phantom: PtychographyPhantom = field(init=False)

    def __post_init__(self) -> None:
        """Draw the object."""
        side = self.side
        far = PhantomSettings(side, side, 75.0 * 128 / side, 2000.0, 8.8)
        made = ptychography_phantom(far, np.complex64)
        object.__setattr__(self, "phantom", made)

    @property
    def missing(self) -> str | None:
        """Say nothing: it is always at hand."""
        return None

    def stored(self) -> StoredDiffraction:
        """Diffract at every position; positions are told as a stage would read them."""
        rng, n = np.random.default_rng(0), np.arange(self.n_frames)
        radius, angle = self.step_um * np.sqrt(n / np.pi), GOLDEN_RAD * n
        at = np.stack([radius * np.sin(angle), radius * np.cos(angle)], axis=-1)
        frames = np.stack(
            [rng.poisson(PHOTONS * self.phantom.pattern((y, x))) for y, x in at]
        )
        told = at + rng.normal(0, _POSITION_NOISE_UM, at.shape)
        settings = self.phantom.settings
        scan = PtychographyScan(
            run_uid=self.name,
            positions_um=[(float(y), float(x)) for y, x in at],
            detector_pixel_um=settings.detector_pixel_um,
            distance_mm=settings.distance_mm,
            energy_kev=settings.energy_kev,
        )
        counted = np.minimum(frames, 65535).astype(np.uint16)
        none = np.empty((0, *settings.shape), np.uint16)
        return StoredDiffraction(scan, counted, n, told, n.astype(float), none)

    def truth_error_rad(
        self,
        found: NDArray[Any],
        origin_px: NDArray[np.float64],
        coverage: NDArray[np.float32],
    ) -> float:
        """Give the RMS phase error over what half as many frames lit as most did."""
        first = np.rint(np.array(self.phantom.origin_px) + origin_px).astype(int)
        last = first + found.shape
        truth = self.phantom.truth[first[0] : last[0], first[1] : last[1]]
        scanned = coverage > 0.5 * np.median(coverage[coverage > 0])
        return phase_error_rad(found, truth, scanned, register=True)


@dataclass(frozen=True, slots=True)
class MeasuredCase:
    """A Siemens star from a beamline, where its file is at hand."""

    name: str = "siemens"

    @property
    def path(self) -> Path:
        """Where it would be."""
        return Path(os.environ.get(DATA, "../shared/data")) / MEASURED

    @property
    def missing(self) -> str | None:
        """Say in a sentence what to do where it is not."""
        if self.path.is_file():
            return None
        return f"{DATA} names no folder with {MEASURED}: left out"

    def stored(self) -> StoredDiffraction:
        """Open it."""
        return open_diffraction(self.path)


DiffractionCase = PhantomCase | MeasuredCase
CASES: dict[str, type[PhantomCase] | type[MeasuredCase]] = {
    "siemens": MeasuredCase,
    "phantom": PhantomCase,
}


def find_diffraction_case(name: str) -> DiffractionCase:
    """Look a case up."""
    if name not in CASES:
        raise unknown("case", name, CASES)
    return CASES[name]()
