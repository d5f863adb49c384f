"""The probe of the ptychography phantom: a lens out of focus, partly coherent."""

import numpy as np
import scipy.fft
from numpy.typing import NDArray

DISK = 0.13
"""Radius of the lens in the far field, as a part of the frame."""
SUPPORT = 0.45
"""Diameter of the probe on the sample, as a part of the frame."""
NEXT_MODE = 0.2
"""Power of a mode, as a part of that of the mode before."""

ASTIGMATISM_RAD = 0.8
COMA_RAD = 1.2


def probe_modes(shape: tuple[int, int], modes: int) -> NDArray[np.complex128]:
    """Give (mode, row, column): orthogonal, their power falling, in all 1."""
    first = _focused(shape)
    y, x = (
        (np.arange(n) - n // 2)[:, None] / n
        if axis == 0
        else (np.arange(n) - n // 2) / n
        for axis, n in enumerate(shape)
    )
    shapes = [x**i * y**j for i, j in _orders(modes)]
    found: list[NDArray[np.complex128]] = []
    for weight in shapes:
        mode = first * weight
        for other in found:
            mode = mode - other * np.vdot(other, mode)
        found.append(mode / np.linalg.norm(mode))
    power = NEXT_MODE ** np.arange(modes)
    amplitudes = np.sqrt(power / power.sum())
    return np.asarray(amplitudes[:, None, None] * np.array(found))


def _orders(n: int) -> list[tuple[int, int]]:
    """List powers of x and y, lowest first."""
    return [(total - j, j) for total in range(n) for j in range(total + 1)][:n]


def _focused(shape: tuple[int, int]) -> NDArray[np.complex128]:
    """Illuminate a round lens with aberrations and go out of its focus.

    A wave exp(-iπD f²) of the lens, f in cycles a pixel, arrives at D·f pixels off
    the axis: D follows from the size of the probe.
    """
    fy, fx = (scipy.fft.fftfreq(n) for n in shape)
    fy = fy[:, None]
    radius = np.hypot(fy, fx) / DISK
    soft = 1.5 / (DISK * min(shape))
    lens = 0.5 * (1 - np.tanh((radius - 1) / soft))
    defocus_px = SUPPORT * min(shape) / (2 * DISK)
    angle = np.arctan2(fy, fx)
    phase = -np.pi * defocus_px * (fy**2 + fx**2)
    phase += ASTIGMATISM_RAD * radius**2 * np.cos(2 * angle - 0.6)
    phase += COMA_RAD * radius**3 * np.cos(angle + 0.9)
    wave = scipy.fft.ifft2(lens * np.exp(1j * phase))
    return np.asarray(scipy.fft.fftshift(wave), np.complex128)
