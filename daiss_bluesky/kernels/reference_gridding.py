"""Gridding as it is defined, in NumPy: sums in float64, one sample after the other.

`reference.interpolate_exactly` is what gridding approximates; this is the approximation
itself, window and grid included, that every compiled form must equal to rounding.
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from daiss_bluesky.kernels.gridding import Grid
from daiss_bluesky.kernels.kaiser_bessel import STEPS, WIDTH
from daiss_bluesky.kernels.reference import circle, pad_columns

Spectra = NDArray[np.complex128]


def spread(
    p: NDArray[Any],
    grid: Grid,
    angles_rad: NDArray[np.float64],
    weights: NDArray[np.float64],
    center_px: float,
) -> Spectra:
    """Give the grids (row, u, v) of attenuation (angle, row, column).

    What reaches beyond the highest frequency is added at the opposite edge. Places of
    samples are float32, as in the compiled forms.
    """
    turns = grid.turns(angles_rad, weights, center_px).astype(np.float64)
    padded = pad_columns(np.asarray(p, np.float64), grid.row_plan.length)
    spectra = np.fft.fft(padded, axis=-1)
    spectra *= (turns[..., 0] + 1j * turns[..., 1])[:, None]
    places = (grid.frequencies * grid.size).astype(np.float32)
    (first_u, weights_u), (first_v, weights_v) = (
        _taps(np.multiply.outer(f(angles_rad).astype(np.float32), places), grid)
        for f in (np.cos, np.sin)
    )
    grids = np.zeros((p.shape[1], grid.size, grid.size), np.complex128)
    for i in range(WIDTH):
        for j in range(WIDTH):
            u, v = (first_u + i) % grid.size, (first_v + j) % grid.size
            weight = weights_u[..., i] * weights_v[..., j]
            for row, target in enumerate(grids):
                np.add.at(target, (u, v), weight * spectra[:, row])
    return grids


def _taps(
    places: NDArray[np.float32], grid: Grid
) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """Give the first cell that each sample reaches, and its WIDTH weights."""
    below = np.floor(places)
    step, part = np.divmod((places - below) * np.float32(STEPS), np.float32(1))
    table, at = grid.table.astype(np.float64), step.astype(np.int64)
    weights = table[at] + part[..., None] * (table[at + 1] - table[at])
    return below.astype(np.int64) + grid.size // 2 - WIDTH // 2 + 1, weights


def slices(grids: Spectra, grid: Grid, scale: float) -> NDArray[np.float64]:
    """Give slices (row, y, x) of the grids of `spread`."""
    n = grid.columns
    where = (np.arange(n) - n // 2) % grid.size
    found = np.fft.ifft2(grids, norm="forward").real[:, where][:, :, where]
    window = grid.correction.astype(np.float64)
    volume = scale * window[:, None] * window * found.transpose(0, 2, 1)
    volume[:, ~circle(n)] = 0.0
    return np.asarray(volume)
