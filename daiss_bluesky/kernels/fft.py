"""Fourier transforms of float32, by FFTW where pyfftw is installed, else by scipy.

One choice for all transforms, made when the first one asks; a caller can force either
library by name. Both give the same numbers to float32 rounding.
"""

from functools import lru_cache
from importlib.util import find_spec
from typing import Any, Literal

import numpy as np
import scipy.fft
from numpy.typing import NDArray

from daiss_bluesky.core.errors import UnavailableError, unknown

Backend = Literal["auto", "fftw", "scipy"]
BACKENDS = ("auto", "fftw", "scipy")

Real = NDArray[np.float32]
Complex = NDArray[np.complex64]


def name(backend: str = "auto") -> Literal["fftw", "scipy"]:
    """Tell which library a choice means here: `fftw` or `scipy`.

    Raises InputError for an unknown choice, UnavailableError for FFTW without pyfftw.
    """
    if backend not in BACKENDS:
        raise unknown("FFT backend", backend, BACKENDS)
    if backend == "scipy" or (backend == "auto" and not _has_fftw()):
        return "scipy"
    if not _has_fftw():
        raise UnavailableError(
            "the FFT backend 'fftw' needs pyfftw: pip install 'daiss-bluesky[fftw]'"
        )
    return "fftw"


@lru_cache(maxsize=1)
def _has_fftw() -> bool:
    return find_spec("pyfftw") is not None


def rfft(
    x: Real, *, axis: int = -1, workers: int = 1, backend: str = "auto"
) -> Complex:
    """Transform along an axis; n real values become n // 2 + 1 complex ones."""
    return _forward(x, (axis,), workers, backend)


def rfft2(x: Real, *, workers: int = 1, backend: str = "auto") -> Complex:
    """Transform a stack over its last two axes."""
    return _forward(x, (-2, -1), workers, backend)


def irfft(
    spectrum: Complex,
    n: int,
    *,
    axis: int = -1,
    workers: int = 1,
    overwrite: bool = False,
    backend: str = "auto",
) -> Real:
    """Undo `rfft` of n values; `overwrite` lets the spectrum be used up."""
    return _backward(spectrum, (n,), (axis,), workers, overwrite, backend)


def irfft2(
    spectrum: Complex,
    shape: tuple[int, int],
    *,
    workers: int = 1,
    overwrite: bool = False,
    backend: str = "auto",
) -> Real:
    """Undo `rfft2` of a stack of (row, column); `overwrite` as in `irfft`."""
    return _backward(spectrum, shape, (-2, -1), workers, overwrite, backend)


def dct(x: Real, *, axis: int = -1, workers: int = 1, overwrite: bool = False) -> Real:
    """Cosine transform (type 2): of x continued by its mirror image for ever.

    Coefficient k of n has the frequency k / 2n per sample. By scipy in any case:
    FFTW's takes two to three times as long.
    """
    x = np.asarray(x, np.float32)
    return scipy.fft.dct(x, axis=axis, workers=workers, overwrite_x=overwrite)


def idct(x: Real, *, axis: int = -1, workers: int = 1, overwrite: bool = False) -> Real:
    """Undo `dct`."""
    x = np.asarray(x, np.float32)
    return scipy.fft.idct(x, axis=axis, workers=workers, overwrite_x=overwrite)


def _forward(x: Real, axes: tuple[int, ...], workers: int, backend: str) -> Complex:
    x = np.asarray(x, np.float32)
    if name(backend) == "scipy":
        found: Any = scipy.fft.rfftn(x, axes=axes, workers=workers)
        return np.asarray(found, np.complex64)
    from daiss_bluesky.kernels import fftw  # noqa: PLC0415

    return fftw.forward(x, axes, workers)


def _backward(
    spectrum: Complex,
    shape: tuple[int, ...],
    axes: tuple[int, ...],
    workers: int,
    overwrite: bool,
    backend: str,
) -> Real:
    spectrum = np.asarray(spectrum, np.complex64)
    if name(backend) == "scipy":
        found: Any = scipy.fft.irfftn(
            spectrum, shape, axes, workers=workers, overwrite_x=overwrite
        )
        return np.asarray(found, np.float32)
    from daiss_bluesky.kernels import fftw  # noqa: PLC0415

    return fftw.backward(spectrum, shape, axes, workers, overwrite)
