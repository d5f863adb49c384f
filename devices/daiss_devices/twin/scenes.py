"""Makes the scene that the settings ask for."""

from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from daiss_bluesky.core.errors import unknown
from daiss_bluesky.kernels.propagation import (
    FresnelPropagator,
    absorption_per_m,
    exit_wave,
)
from daiss_bluesky.testing.phantoms import Phantom, load_phantom, porous_grain
from daiss_devices.twin.detector import Detector, DetectorSettings
from daiss_devices.twin.replay import replay_scene
from daiss_devices.twin.scene import PhantomScene, Scene
from daiss_devices.twin.settings import (
    FIELD_MM,
    OFFSET_PX,
    POROUS_GRAIN,
    TwinSettings,
)


@dataclass(frozen=True, slots=True)
class Propagation:
    """Free space between a sample of one material and the camera."""

    propagator: FresnelPropagator
    delta_over_beta: float

    def intensity(self, log_transmission: NDArray[np.float32]) -> NDArray[np.float32]:
        """Give |wave|² on the camera."""
        wave = exit_wave(log_transmission, self.delta_over_beta)
        behind = self.propagator.propagate(wave)
        return behind.real**2 + behind.imag**2


def make_scene(settings: TwinSettings) -> Scene:
    """Put a phantom or a measured scan before the camera."""
    if settings.scan is not None:
        # Where a measured scan is out of the beam is a matter of convention: half the
        # default field, so that the same plan does for it.
        return replay_scene(settings.scan, FIELD_MM / 2)
    return phantom_scene(settings)


def phantom_scene(settings: TwinSettings) -> PhantomScene:
    """Put a phantom before the camera."""
    phantom = _phantom(settings.sample)
    contrast = None
    if settings.phase_contrast:
        phantom, contrast = _with_phase(phantom, settings)
    detector = Detector(
        DetectorSettings(
            rows=settings.rows,
            columns=settings.columns,
            flat_counts=settings.flat_counts,
            dark_counts=settings.dark_counts,
            noise=settings.noise,
            dead_pixels=settings.dead_pixels,
            seed=settings.seed,
        )
    )
    center_px = settings.center_px
    if center_px is None:
        center_px = (settings.columns - 1) / 2 + OFFSET_PX
    pixel_mm = settings.pixel_size_um / 1000
    return PhantomScene(phantom, detector, center_px, pixel_mm, contrast)


def _phantom(sample: str) -> Phantom:
    if sample == POROUS_GRAIN:
        return porous_grain()
    if sample.endswith(".json"):
        return load_phantom(Path(sample))
    raise unknown("sample", sample, [POROUS_GRAIN, "PATH.json"])


def _with_phase(phantom: Phantom, s: TwinSettings) -> tuple[Phantom, Propagation]:
    """Let density 1 be the material: attenuation and phase follow from δ and β."""
    pixel_m = s.pixel_size_um * 1e-6
    per_half_width = absorption_per_m(s.beta, s.energy_kev) * pixel_m * s.columns / 2
    propagator = FresnelPropagator(s.distance_mm * 1e-3, s.energy_kev, pixel_m)
    return (
        replace(phantom, attenuation=per_half_width),
        Propagation(propagator, s.delta / s.beta),
    )
