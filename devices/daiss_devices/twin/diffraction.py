"""Diffraction patterns of the ptychography phantom, as a photon-counting camera."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from daiss_bluesky.core.ptychography import PTYCHOGRAPHY_KEY
from daiss_bluesky.testing.ptychography_phantom import PtychographyPhantom
from daiss_devices.twin.scene import BeamState

LARGEST = 65535
BEAM = ("field", "detector_pixel_um", "distance_mm", "energy_kev")
"""What the beamline file has to say of the phantom."""


@dataclass(frozen=True, slots=True)
class CounterSettings:
    """What the camera is."""

    counts: float = 1e6
    """Photons in a frame without sample."""
    background: float = 0.0
    """Counts of a pixel without light, on average."""
    noise: float = 1.0
    """1: the counts of photons; 0: their mean."""
    beam_stop_px: float = 0.0
    """Radius of what covers the direct beam; 0: nothing does."""
    dead_pixels: int = 0
    """Pixels that always read 0."""
    seed: int = 1


@dataclass(slots=True, eq=False)
class DiffractionScene:
    """The phantom on the piezo stage, in a probe that stands still."""

    phantom: PtychographyPhantom
    camera: CounterSettings
    out_position_mm: float
    """Nothing is in the beam at |x| of this and more."""
    center_px: None = None
    attenuation: None = None
    travel_um: float = 0.0
    blind: NDArray[np.int64] = field(init=False)
    """Flat indices of the pixels that always read 0."""
    _rng: np.random.Generator = field(init=False)

    def __post_init__(self) -> None:
        """Draw what stays the same in every frame."""
        self._rng = np.random.default_rng(self.camera.seed)
        rows, columns = self.shape
        y, x = np.ogrid[:rows, :columns]
        radius = np.hypot(y - rows // 2, x - columns // 2)
        dead = self._rng.choice(
            rows * columns, min(self.camera.dead_pixels, rows * columns), replace=False
        )
        stopped = np.flatnonzero(radius < self.camera.beam_stop_px)
        self.blind = np.union1d(dead, stopped)

    @property
    def facts(self) -> Mapping[str, Any]:
        """What the beamline file is to say, and from what to make the phantom again."""
        phantom = asdict(self.phantom.settings)
        return {
            "technique": PTYCHOGRAPHY_KEY,
            "sample": "star-and-grains",
            "ptychography": {name: phantom[name] for name in BEAM},
            "phantom": phantom,
            "camera": asdict(self.camera),
        }

    @property
    def dtype(self) -> np.dtype[Any]:
        """The camera has 16 bits."""
        return np.dtype(np.uint16)

    @property
    def shape(self) -> tuple[int, int]:
        """Rows and columns."""
        return self.phantom.settings.shape

    def picture(self, state: BeamState) -> NDArray[np.uint16]:
        """Diffract, count."""
        mean = np.full(self.shape, self.camera.background, np.float32)
        if state.brightness > 0:
            out = abs(state.x_mm) >= self.out_position_mm
            pattern = self.phantom.pattern(None if out else state.position_um)
            mean += np.float32(self.camera.counts * state.brightness) * pattern
        counts = self._rng.poisson(mean) if self.camera.noise else np.rint(mean)
        frame = np.minimum(counts, LARGEST).astype(np.uint16)
        frame.reshape(-1)[self.blind] = 0
        return frame
