"""Phase retrieval as it is defined: plain NumPy float64, in SI units."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from daiss_bluesky.kernels.phase import CTF_DAMPING, PhaseFilter, padded_shape
from daiss_bluesky.kernels.propagation import wavelength_m
from daiss_bluesky.kernels.reference import MIN_TRANSMISSION, Array


def retrieve(transmission: NDArray[Any], phase: PhaseFilter) -> Array:
    """Give the attenuation line integral of one frame (row, column) of I/I0.

    The frame is continued by its mirror image to a fast length, and then for ever.
    """
    rows, columns = transmission.shape
    tall, wide = padded_shape(rows, columns, phase.margin_px)
    pads = [(0, tall - rows), (0, wide - columns)]
    fast = np.pad(np.asarray(transmission, np.float64), pads, mode="symmetric")
    period = np.pad(fast, [(0, tall), (0, wide)], mode="symmetric")
    spectrum = np.fft.fft2(period) / transfer(phase, period.shape)
    filtered = np.fft.ifft2(spectrum).real[:rows, :columns]
    return np.asarray(-np.log(np.maximum(filtered, MIN_TRANSMISSION)))


def transfer(phase: PhaseFilter, shape: tuple[int, ...]) -> Array:
    """Give what F[I/I0] is divided by, in the order of np.fft.fft2."""
    path_m2 = wavelength_m(phase.energy_kev) * phase.distance_mm * 1e-3
    path_m2 /= phase.magnification
    pixel_m = phase.pixel_size_um * 1e-6 / phase.magnification
    ky, kx = (2 * np.pi * np.fft.fftfreq(n, pixel_m) for n in shape)
    ky = ky[:, None]
    if phase.method == "ctf":
        chi = path_m2 * (ky**2 + kx**2) / (4 * np.pi)
        c = np.cos(chi) + phase.delta_beta * np.sin(chi)
        # Smooth from 0 at χ = π/2, the first maximum, to 1 at π, the first zero.
        t = np.clip(2 * chi / np.pi - 1, 0, 1)
        damping = CTF_DAMPING * np.sqrt(
            (3 * t**2 - 2 * t**3) * (1 + phase.delta_beta**2)
        )
        with np.errstate(divide="ignore"):
            return np.asarray(c + damping**2 / c)
    squared = ky**2 + kx**2
    if phase.method == "generalized-paganin":
        cosines = np.cos(ky * pixel_m) + np.cos(kx * pixel_m)
        squared = 2 * (2 - cosines) / pixel_m**2
    alpha_m2 = path_m2 * phase.delta_beta / (4 * np.pi)
    return np.asarray(1 + alpha_m2 * squared)
