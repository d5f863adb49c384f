"""A probe to begin with, where nobody knows one."""

import numpy as np
from numpy.typing import NDArray


def guess_probe(frames: NDArray[np.uint16]) -> NDArray[np.complex64]:
    """Guess the probe (row, column) from the mean amplitude of frames."""
    mean = np.sqrt(frames.mean(axis=0))
    probe = np.fft.fftshift(np.fft.ifft2(mean, norm="ortho"))
    return np.asarray(probe, np.complex64)
