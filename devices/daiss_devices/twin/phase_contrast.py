"""Phase contrast of a sample made of one material, with known δ and β."""

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from daiss_bluesky.kernels.propagation import (
    FresnelPropagator,
    absorption_per_m,
    exit_wave,
)
from daiss_bluesky.testing.phantoms import Phantom
from daiss_devices.twin.settings import TwinSettings


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


def with_phase(phantom: Phantom, s: TwinSettings) -> tuple[Phantom, Propagation]:
    """Let density 1 be the material: attenuation and phase follow from δ and β."""
    pixel_m = s.pixel_size_um * 1e-6
    per_half_width = absorption_per_m(s.beta, s.energy_kev) * pixel_m * s.columns / 2
    propagator = FresnelPropagator(s.distance_mm * 1e-3, s.energy_kev, pixel_m)
    return (
        replace(phantom, attenuation=per_half_width),
        Propagation(propagator, s.delta / s.beta),
    )
