"""What two reconstructions of one object may differ by, found and taken away.

A ptychographic object is known but for a constant phase, a linear ramp of it (with the
opposite one in the probe, and a shift of the frames' middle) and a common shift of the
positions. None of these is an error.
"""

from typing import Any

import numpy as np
import scipy.fft
import scipy.ndimage
from numpy.typing import NDArray

from daiss_bluesky.core.errors import InputError

Image = NDArray[np.complexfloating[Any, Any]]
Weight = NDArray[np.floating[Any]]

_ROUNDS = 4
_FINE = 100
"""Parts of a pixel a shift is found to."""
_SEARCH = 15
"""Half width of the fine search, in parts: the peak lies within 0.75 pixel."""
_MIN_SIDE = 8


def align(a: Image, b: Image, weight: Weight, *, shift: bool = True) -> Image:
    """Move, turn and tilt `b` so that it is like `a`.

    Both are (row, column); `weight` says where they count, 0 where not. Shift and ramp
    are found in turns, the shift by the peak of the cross-correlation on a grid of a
    hundredth of a pixel (Guizar-Sicairos, Thurman & Fienup, Opt. Lett. 33 (2008) 156)
    within half the width of the array.
    """
    check_alike(a, b, weight)
    first = np.asarray(a, np.complex128)
    second = np.asarray(b, np.complex128)
    moved: Image = second
    total = np.zeros(2)
    phase, ramp = fit_ramp(moved, first, weight)
    for _ in range(_ROUNDS if shift else 0):
        flat = moved * np.conj(_plane(first.shape, phase, ramp))
        step = _shift_between(first, flat, weight)
        total += step
        moved = shifted(second, -total)
        phase, ramp = _refine_ramp(moved, first, weight, phase, ramp)
        if np.abs(step).max() < 2 / _FINE:
            break
    return np.asarray(moved * np.conj(_plane(first.shape, phase, ramp)))


def check_alike(a: Image, b: Image, weight: Weight) -> None:
    """Refuse images of different shapes and an area too small to say anything."""
    if a.ndim != 2 or a.shape != b.shape or a.shape != weight.shape:  # noqa: PLR2004
        raise InputError(
            f"two objects and their area must have one shape (row, column), not"
            f" {a.shape}, {b.shape} and {weight.shape}"
        )
    if np.count_nonzero(weight) < _MIN_SIDE**2:
        raise InputError(
            f"objects are compared over {np.count_nonzero(weight)} pixels, at least"
            f" {_MIN_SIDE**2} needed"
        )


def fit_ramp(a: Image, b: Image, weight: Weight) -> tuple[float, NDArray[np.float64]]:
    """Give phase (rad, at the middle of the array) and slope (2, rad/px) of a over b.

    The peak of the transform of a b* tells the ramp to a part of a turn over the array;
    least squares on the phase that is left, which no longer wraps, tell the rest.
    """
    product = np.asarray(weight * a * np.conj(b), np.complex128)
    shape = product.shape
    padded = [2 * scipy.fft.next_fast_len(n) for n in shape]
    spectrum = np.abs(scipy.fft.fft2(product, s=padded))
    peak = np.unravel_index(np.argmax(spectrum), spectrum.shape)
    slope = np.array(
        [2 * np.pi * np.fft.fftfreq(n)[p] for n, p in zip(padded, peak, strict=True)]
    )
    return _refine_ramp(a, b, weight, 0.0, slope)


def _refine_ramp(
    a: Image, b: Image, weight: Weight, phase: float, slope: NDArray[np.float64]
) -> tuple[float, NDArray[np.float64]]:
    """Solve for the rest of a ramp that is known to a part of a turn over the array."""
    product = np.asarray(weight * a * np.conj(b), np.complex128)
    shape = product.shape
    rows, columns = (one.ravel() for one in _coordinates(shape))
    for _ in range(_ROUNDS):
        rest = product * np.conj(_plane(shape, phase, slope))
        turn = float(np.angle(rest.sum()))
        phase += turn
        w = np.abs(rest)
        asked = w * np.angle(rest * np.exp(-1j * turn))
        right = [asked.sum(), rows @ asked.sum(axis=1), columns @ asked.sum(axis=0)]
        found = np.linalg.solve(_normal(w, rows, columns), np.array(right))
        phase += float(found[0])
        slope = slope + found[1:]
    return float(np.angle(np.exp(1j * phase))), slope


def _normal(
    w: Weight, rows: NDArray[np.float64], columns: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Give Σ w p q for p and q out of 1, row and column, by way of sums of lines."""
    down, across = w.sum(axis=1), w.sum(axis=0)
    y, x, yx = rows @ down, columns @ across, rows @ w @ columns
    yy, xx = rows**2 @ down, columns**2 @ across
    return np.array([[down.sum(), y, x], [y, yy, yx], [x, yx, xx]])


def shifted(image: Image, shift_px: NDArray[np.float64]) -> Image:
    """Move an image down and right by parts of a pixel, by interpolation.

    Cubic splines and the edge repeated: the object is not periodic, and what a Fourier
    shift carries around it would spoil far more than its edge.
    """
    parts = [
        scipy.ndimage.shift(part, shift_px, order=3, mode="nearest")
        for part in (image.real, image.imag)
    ]
    return np.asarray(parts[0] + 1j * parts[1])


def _coordinates(
    shape: tuple[int, ...],
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    rows, columns = (np.arange(n, dtype=np.float64) - (n - 1) / 2 for n in shape)
    return rows[:, None], columns[None, :]


def _plane(
    shape: tuple[int, ...], phase: float, slope: NDArray[np.float64]
) -> NDArray[np.complex128]:
    rows, columns = _coordinates(shape)
    found = np.exp(1j * (phase + slope[0] * rows)) * np.exp(1j * slope[1] * columns)
    return np.asarray(found)


def _shift_between(a: Image, b: Image, weight: Weight) -> NDArray[np.float64]:
    """Find how far b lies down and right of a.

    What is constant over the area would hold the peak at zero, so it goes first.
    """
    parts = [weight * (image - _mean(image, weight)) for image in (a, b)]
    shape = a.shape
    size = [scipy.fft.next_fast_len(n + n // 2 + 1) for n in shape]
    first, second = (scipy.fft.fft2(part, s=size) for part in parts)
    cross = second * np.conj(first)
    correlation = np.abs(scipy.fft.ifft2(cross))
    for axis, n in enumerate(shape):
        lag = np.abs(np.fft.fftfreq(size[axis]) * size[axis])
        far = np.flatnonzero(lag > n / 2)
        correlation[(far, slice(None)) if axis == 0 else (slice(None), far)] = 0
    peak = np.unravel_index(np.argmax(correlation), correlation.shape)
    coarse = np.array(
        [np.fft.fftfreq(n)[p] * n for n, p in zip(size, peak, strict=True)]
    )
    for step in (0.1, 1 / _FINE):
        coarse = _refine(cross, coarse, step)
    return coarse


def _refine(
    cross: Image, around: NDArray[np.float64], step: float
) -> NDArray[np.float64]:
    """Search the correlation on a finer grid, by two products with matrices."""
    offsets = np.arange(-_SEARCH, _SEARCH + 1) * step
    lines = [
        np.exp(2j * np.pi * np.outer(center + offsets, np.fft.fftfreq(n)))
        for center, n in zip(around, cross.shape, strict=True)
    ]
    values = np.abs(lines[0] @ cross @ lines[1].T)
    row, column = np.unravel_index(np.argmax(values), values.shape)
    return np.asarray(around + np.array([offsets[row], offsets[column]]))


def _mean(image: Image, weight: Weight) -> complex:
    return complex(np.sum(weight * image) / np.sum(weight))
