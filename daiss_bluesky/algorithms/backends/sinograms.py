"""Line integrals made ready for programs that know one center and equal weights."""

from collections.abc import Iterator

import numpy as np
import scipy.fft
from numpy.typing import NDArray

from daiss_bluesky.core.geometry import angle_weights
from daiss_bluesky.kernels.ramp import padded_length
from daiss_bluesky.kernels.threads import threads_for

Array = NDArray[np.float32]

_WORK = 60
"""Operations of shifting, for each pixel."""


def moved(p: Array, shifts_px: NDArray[np.float64]) -> Array:
    """Shift each projection by its number of columns, to the right where positive.

    Multiplies the spectrum by a phase (the band-limited interpolation), over a padding
    that runs in a straight line between the edges.
    """
    n = p.shape[-1]
    length = padded_length(n)
    cycles = np.multiply.outer(shifts_px, np.fft.rfftfreq(length))
    phases = np.exp(-2j * np.pi * cycles).astype(np.complex64)
    out = np.empty(p.shape, np.float32)
    with threads_for(_WORK * p.size) as workers:
        for i, phase in enumerate(phases):
            padded = continued(p[i], length)
            spectrum = scipy.fft.rfft(padded, axis=-1, workers=workers) * phase
            found = scipy.fft.irfft(spectrum, n=length, axis=-1, workers=workers)
            out[i] = found[:, :n]
    return out


def continued(p: Array, length: int) -> Array:
    """Pad columns as `kernels.reference.pad_columns` does, in single precision."""
    n = p.shape[-1]
    fraction = np.arange(1, length - n + 1, dtype=np.float32) / (length - n + 1)
    padded = np.empty((*p.shape[:-1], length), np.float32)
    padded[..., :n] = p
    first, last = p[..., :1], p[..., -1:]
    padded[..., n:] = last + (first - last) * fraction
    return padded


def centered(p: Array, center_px: float) -> Array:
    """Shift all projections so that the center is in the middle of the detector."""
    shift_px = p.shape[-1] / 2 - center_px
    return p if shift_px == 0 else moved(p, np.full(len(p), shift_px))


def weighted(p: Array, angles_rad: NDArray[np.float64]) -> Array:
    """Scale projections so that a program which gives each π / n weighs them right."""
    relative = angle_weights(angles_rad) * len(p) / np.pi
    return np.asarray(p * relative[:, None, None], np.float32)


def sinograms(p: Array) -> Iterator[Array]:
    """Give (angle, column) for each row, contiguous."""
    for row in range(p.shape[1]):
        yield np.ascontiguousarray(p[:, row])
