"""The definitions: plain NumPy float64 forms that the compiled kernels must equal.

Written to be read and checked against the formulae, not to be fast. Volumes are
(z, y, x), sinogram stacks (angle, row, column). Pixel (y, x) of a slice n wide lies at
x - (n - 1) / 2, y - (n - 1) / 2 from the middle.
"""

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from daiss_bluesky.kernels.ramp import (
    frequency_response,
    padded_length,
    series_response,
)

Array = NDArray[np.float64]
MIN_TRANSMISSION = 1e-5
"""Less light than this counts as this: a pixel without counts stays finite."""


def transmission(raw: NDArray[Any], dark: ArrayLike, gain: ArrayLike) -> Array:
    """Divide (raw - dark) by the gain (flat - dark), not below MIN_TRANSMISSION."""
    with np.errstate(divide="ignore", invalid="ignore"):
        t = (raw - np.asarray(dark, np.float64)) / np.asarray(gain, np.float64)
    return np.where(t > MIN_TRANSMISSION, t, MIN_TRANSMISSION)


def repair_zingers(t: Array, threshold: float, spread_factor: float) -> Array:
    """Replace single bright pixels of one frame by the median of their neighbors.

    A zinger exceeds every one of its eight neighbors by more than the threshold (in
    units of the flat field) and by more than spread_factor times the range of these
    neighbors: noise and edges have a wide range around them, zingers do not. The
    outermost pixels are left alone.
    """
    repaired = t.copy()
    rows, columns = t.shape
    for y in range(1, rows - 1):
        for x in range(1, columns - 1):
            window = t[y - 1 : y + 2, x - 1 : x + 2].ravel()
            around = np.sort(np.delete(window, 4))
            excess = t[y, x] - around[-1]
            spread = around[-1] - around[0]
            if excess > threshold and excess > spread_factor * spread:
                repaired[y, x] = (around[3] + around[4]) / 2
    return repaired


def pad_columns(p: Array, length: int) -> Array:
    """Continue projections past both edges by a straight line between the edges.

    (..., column) becomes (..., length); the data stay in front, the line runs from
    the last column on and around to the first. Nothing changes where the sample is
    inside the field; where it is not, the missing rim no longer acts as a cliff.
    """
    n = p.shape[-1]
    fraction = np.arange(1, length - n + 1) / (length - n + 1)
    first, last = p[..., :1], p[..., -1:]
    return np.concatenate([p, last * (1 - fraction) + first * fraction], axis=-1)


def filter_projections(p: Array, name: str = "ramp") -> Array:
    """Filter attenuation (..., column) for backprojection."""
    n = p.shape[-1]
    length = padded_length(n)
    spectrum = np.fft.rfft(pad_columns(p, length), axis=-1)
    return np.fft.irfft(spectrum * frequency_response(n, name), n=length)[..., :n]


def backproject(
    q: Array, angles_rad: ArrayLike, weights_rad: ArrayLike, center_px: float
) -> Array:
    """Sum weight * q(s + center) with s = x cos θ + y sin θ, linear in between.

    Column i lies at i + 1/2 from the left edge, which center_px is counted from.

    q (angle, row, column) gives a volume (row, n, n) with n columns, zero outside the
    inscribed circle. Columns before the first and after the last count as zero.
    """
    n_angles, rows, n = q.shape
    offset = np.arange(n) - (n - 1) / 2
    y, x = np.meshgrid(offset, offset, indexing="ij")
    volume = np.zeros((rows, n, n))
    angles, weights = np.broadcast_to(angles_rad, n_angles), np.asarray(weights_rad)
    for angle, weight, projection in zip(angles, weights, q, strict=True):
        # A zero on either side of the profile moves the columns by one, to i + 1.
        profile = np.pad(projection, [(0, 0), (1, 1)])
        s = x * np.cos(angle) + y * np.sin(angle) + center_px + 0.5
        s = np.clip(s, 0, n + 1)
        left = np.minimum(s.astype(int), n)
        right = s - left
        volume += weight * (
            profile[:, left] * (1 - right) + profile[:, left + 1] * right
        )
    volume[:, ~circle(n)] = 0.0
    return volume


def interpolate_exactly(
    p: Array,
    angles_rad: ArrayLike,
    weights_rad: ArrayLike,
    center_px: float,
    name: str = "ramp",
    length: int | None = None,
) -> Array:
    """Filtered backprojection that evaluates each profile's Fourier series.

    As `reconstruct`, with linear interpolation's damping of noise but no aliasing
    (see `ramp.series_response`). The transform's highest frequency is left out: at
    length / 2 it has no phase that could be shifted.
    """
    n_angles, rows, n = p.shape
    length = length or padded_length(n)
    spectrum = np.fft.rfft(pad_columns(p, length), axis=-1)
    spectrum *= series_response(n, name, length) / length
    spectrum[..., 1:] *= 2
    spectrum[..., length // 2 :] = 0
    offset = np.arange(n) - (n - 1) / 2
    y, x = np.meshgrid(offset, offset, indexing="ij")
    turns = 2j * np.pi * np.arange(length // 2 + 1) / length
    volume = np.zeros((rows, n, n))
    angles, weights = np.broadcast_to(angles_rad, n_angles), np.asarray(weights_rad)
    for angle, weight, profile in zip(angles, weights, spectrum, strict=True):
        column = x * np.cos(angle) + y * np.sin(angle) + center_px - 0.5
        waves = np.exp(column[..., None] * turns)
        volume += weight * np.einsum("zk,yxk->zyx", profile, waves).real
    volume[:, ~circle(n)] = 0.0
    return volume


def circle(n: int) -> NDArray[np.bool_]:
    """Mark the pixels of a slice whose centers lie in the inscribed circle."""
    offset = np.arange(n) - (n - 1) / 2
    return np.asarray(offset[:, None] ** 2 + offset**2 <= (n / 2) ** 2)


def reconstruct(
    p: Array,
    angles_rad: ArrayLike,
    weights_rad: ArrayLike,
    center_px: float,
    name: str = "ramp",
) -> Array:
    """Filtered backprojection of attenuation (angle, row, column); (z, y, x)."""
    return backproject(filter_projections(p, name), angles_rad, weights_rad, center_px)
