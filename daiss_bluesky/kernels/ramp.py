"""The ramp filter, from its spatial kernel truncated to the detector's width.

Sampling |f| would put the mean of a projection to zero and cup the slices; the
transform of the band-limited kernel does not: Kak & Slaney, Principles of Computerized
Tomographic Imaging (1988), eq. 61 and figure 3.13.
"""

from functools import lru_cache
from typing import Any

import numpy as np
import scipy.fft
from numpy.typing import NDArray

from daiss_bluesky.core.errors import unknown

FILTERS = ("ramp", "shepp-logan", "cosine", "hann")
"""From sharp to smooth."""


def padded_length(n: int) -> int:
    """Give a fast transform length at which n columns cannot wrap around.

    Even one column has room for the zero on either side.
    """
    return int(scipy.fft.next_fast_len(max(2 * n, 4), real=True))


@lru_cache(maxsize=8)
def frequency_response(
    n: int, name: str = "ramp", length: int | None = None
) -> NDArray[np.float64]:
    """Response at the rfft frequencies of a length, per pixel; read-only.

    The length, at least 2 n, is padded_length(n) where none is given.

    Times the angle (radians) each projection stands for, the backprojected sum is
    attenuation per pixel.
    """
    if name not in FILTERS:
        raise unknown("filter", name, FILTERS)
    length = length or padded_length(n)
    kernel = np.zeros(length)
    kernel[0] = 0.25
    odd = np.arange(1, n, 2)
    kernel[odd] = kernel[-odd] = -1.0 / (np.pi * odd) ** 2
    window = _window(np.fft.rfftfreq(length), name)
    response: NDArray[np.float64] = np.asarray(np.fft.rfft(kernel).real * window)
    response.setflags(write=False)
    return response


def series_response(n: int, name: str, length: int) -> NDArray[np.float64]:
    """Response where a profile is evaluated as its Fourier series, per pixel.

    Straight lines between columns damp high frequencies, and noise with them; on
    average over all places between two columns the power of (2 + cos 2πf) / 3 is left.
    So it is here, that a filter's name means the same noise whatever the method.
    "sharp" is the ramp alone, which only a series can give.
    """
    if name == "sharp":
        return frequency_response(n, "ramp", length)
    damping = np.sqrt((2 + np.cos(2 * np.pi * np.fft.rfftfreq(length))) / 3)
    return np.asarray(frequency_response(n, name, length) * damping)


def _window(frequency: NDArray[Any], name: str) -> NDArray[Any]:
    """Damp towards the Nyquist frequency of 0.5 per column."""
    if name == "shepp-logan":
        return np.asarray(np.sinc(frequency))
    if name == "cosine":
        return np.asarray(np.cos(np.pi * frequency))
    if name == "hann":
        return np.asarray(0.5 + 0.5 * np.cos(2 * np.pi * frequency))
    return np.ones_like(frequency)
