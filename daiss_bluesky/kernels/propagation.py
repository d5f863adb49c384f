"""Free propagation of a wave behind the sample: in-line phase contrast.

Fresnel's approximation by its transfer function (Goodman, Introduction to Fourier
Optics, 4.2): H(f) = exp(-iπλz f²). The wave is continued by its mirror image beyond the
field, so that light near an edge does not come back at the opposite one.
"""

from dataclasses import dataclass

import numpy as np
import scipy.fft
from numpy.typing import NDArray

from daiss_bluesky.core.errors import InputError

HC_KEV_M = 1.23984198e-9
"""Planck's constant times the speed of light, in keV·m."""


def wavelength_m(energy_kev: float) -> float:
    """Give the wavelength of photons."""
    if not 0 < energy_kev < np.inf:
        raise InputError(f"the photon energy must be positive, not {energy_kev} keV")
    return HC_KEV_M / energy_kev


def absorption_per_m(beta: float, energy_kev: float) -> float:
    """Give the linear attenuation coefficient 4πβ/λ of a material."""
    return 4 * np.pi * beta / wavelength_m(energy_kev)


@dataclass(frozen=True, slots=True)
class FresnelPropagator:
    """Carries a wave (row, column) over a distance."""

    distance_m: float
    energy_kev: float
    pixel_size_m: float

    def propagate(self, wave: NDArray[np.complex64]) -> NDArray[np.complex64]:
        """Give the wave after the distance, same shape and sampling."""
        if self.distance_m == 0:
            return wave
        rows, columns = wave.shape
        pads = [_padding(rows), _padding(columns)]
        wide = np.pad(wave, pads, mode="symmetric")
        spectrum = scipy.fft.fft2(wide, overwrite_x=True)
        spectrum *= self.transfer(wide.shape)
        behind = scipy.fft.ifft2(spectrum, overwrite_x=True)
        top, left = pads[0][0], pads[1][0]
        return np.asarray(behind[top : top + rows, left : left + columns], np.complex64)

    def transfer(self, shape: tuple[int, ...]) -> NDArray[np.complex64]:
        """Give H in the order of scipy.fft.fft2."""
        fy, fx = (scipy.fft.fftfreq(n, self.pixel_size_m) for n in shape)
        reach = -np.pi * wavelength_m(self.energy_kev) * self.distance_m
        phase_y = np.exp(1j * reach * fy**2).astype(np.complex64)
        phase_x = np.exp(1j * reach * fx**2).astype(np.complex64)
        return np.asarray(phase_y[:, None] * phase_x, np.complex64)


def exit_wave(
    log_transmission: NDArray[np.float32], delta_over_beta: float
) -> NDArray[np.complex64]:
    """Give the wave behind a thin sample of one material.

    ln T = -μt gives exp(-μt/2 - iφ) with φ = 2πδt/λ = (δ/β)·μt/2 (Paganin et al.,
    J. Microsc. 206, 33, 2002).
    """
    half = 0.5 * log_transmission
    wave: NDArray[np.complex64] = np.exp(half * np.complex64(1 + 1j * delta_over_beta))
    return wave


def _padding(n: int) -> tuple[int, int]:
    extra = scipy.fft.next_fast_len(n + min(n, 2 * (n // 8) + 16)) - n
    return extra // 2, extra - extra // 2
