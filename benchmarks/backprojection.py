"""Filtered backprojection beside peers: time as a ratio, error as it is.

The peer that is always there is the textbook form with NumPy and SciPy, one slice
after the other; astra-toolbox, algotom and tomopy join where they are installed,
through the adapters that make them agree with us. All get the same line integrals of
the ball phantom and the same center.
"""

import time
from collections.abc import Callable

import numpy as np
import scipy.fft
import scipy.ndimage
from numpy.typing import NDArray

from daiss_bluesky.algorithms.backends.registry import BACKENDS, load_peer
from daiss_bluesky.kernels.backprojection import (
    Blocks,
    backproject,
    filter_projections,
    to_volume,
)
from daiss_bluesky.kernels.compile import compile_all
from daiss_bluesky.kernels.ellipsoids import FieldGeometry
from daiss_bluesky.kernels.ellipsoids_compiled import project
from daiss_bluesky.kernels.ramp import frequency_response, padded_length
from daiss_bluesky.testing.ball_scan import BALLS, ball_truth

Volume = NDArray[np.float32]
Method = Callable[[Volume, NDArray[np.float64], float], Volume]

SIZE, N_ANGLES, BATCH = 128, 200, 16
PEER_SLICES = 4
"""Slow peers get the middle slices only; times are per slice."""


def ours(p: Volume, angles_rad: NDArray[np.float64], center_px: float) -> Volume:
    """Add batches as a live scan does."""
    n_angles, rows, columns = p.shape
    blocks = Blocks(rows, columns)
    volume = blocks.zeros()
    weights = np.full(BATCH, np.pi / n_angles)
    for first in range(0, n_angles, BATCH):
        part = slice(first, first + BATCH)
        q = filter_projections(p[part], weights[: len(p[part])], blocks)
        backproject(q, angles_rad[part], center_px, volume)
    return to_volume(volume, rows, scale=1.0)


def textbook(p: Volume, angles_rad: NDArray[np.float64], center_px: float) -> Volume:
    """Filter and smear back with scipy.ndimage, slice by slice."""
    n_angles, rows, n = p.shape
    length = padded_length(n)
    spectrum = scipy.fft.rfft(p, length, axis=2) * frequency_response(n)
    q = scipy.fft.irfft(spectrum, length, axis=2)[:, :, :n]
    y, x = np.indices((n, n)) - (n - 1) / 2
    volume = np.zeros((rows, n, n))
    for row in range(rows):
        for angle, profile in zip(angles_rad, q[:, row], strict=True):
            s = x * np.cos(angle) + y * np.sin(angle) + center_px - 0.5
            volume[row] += scipy.ndimage.map_coordinates(profile, [s], order=1)
    return (volume * np.pi / n_angles).astype(np.float32)


def seconds_per_slice(
    method: Method, p: Volume, angles_rad: NDArray[np.float64], center_px: float
) -> tuple[float, Volume]:
    """Time the second run of two, when everything is compiled and planned."""
    method(p, angles_rad, center_px)
    start_s = time.perf_counter()
    volume = method(p, angles_rad, center_px)
    return (time.perf_counter() - start_s) / p.shape[1], volume


def error(slices: Volume, truth: NDArray[np.float64]) -> float:
    """RMSE over RMS of the truth inside the 0.95 circle."""
    n = truth.shape[-1]
    y, x = np.indices((n, n)) - (n - 1) / 2
    inside = np.hypot(x, y) <= 0.95 * n / 2
    away = slices[:, inside] - truth[:, inside]
    return float(np.sqrt(np.mean(away**2) / np.mean(truth[:, inside] ** 2)))


def main() -> None:
    compile_all()
    angles_rad = np.arange(N_ANGLES) * np.pi / N_ANGLES
    center_px = SIZE / 2
    geometry = FieldGeometry(SIZE, SIZE, center_px)
    p = np.stack([project(BALLS, angle, geometry) for angle in angles_rad])
    truth = ball_truth(SIZE, SIZE)
    middle = slice((SIZE - PEER_SLICES) // 2, (SIZE + PEER_SLICES) // 2)
    own_s, volume = seconds_per_slice(ours, p, angles_rad, center_px)
    print(f"filtered backprojection, {SIZE}^3 from {N_ANGLES} projections")
    print(f"{'daiss':>14}      1x  error {error(volume[middle], truth[middle]):.3f}")
    peers: dict[str, Method] = {"textbook": textbook}
    direct = [one for one in BACKENDS.values() if one.iterations is None]
    here = [one for one in direct if one.is_importable]
    peers |= {one.name: load_peer(one) for one in here}
    for name, method in peers.items():
        time_s, slices = seconds_per_slice(
            method, np.ascontiguousarray(p[:, middle]), angles_rad, center_px
        )
        away = error(slices, truth[middle])
        print(f"{name:>14} {time_s / own_s:6.0f}x  error {away:.3f}")
    absent = {one.package for one in direct} - {one.package for one in here}
    if absent:
        print(f"not installed, so not compared: {', '.join(sorted(absent))}")
