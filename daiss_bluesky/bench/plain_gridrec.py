"""tomopy's gridrec as its users call it, with edges continued to twice the width.

Nothing of what `algorithms.backends.tomopy` corrects is corrected: it has no mean, and
its gain grows towards the edge. Only its place is known: its axis lies on a pixel, half
a pixel from the middle of the slice, and its y axis points up.
"""

from importlib import import_module
from typing import Any

import numpy as np
import scipy.fft
from numpy.typing import NDArray

Array = NDArray[np.float32]

NAME = "tomopy:gridrec, padded, as it comes"


def reconstruct(
    p: Array, angles_rad: NDArray[np.float64], center_px: float, **options: Any
) -> Array:
    """Give slices twice as wide of projections (angle, row, column) of even width."""
    tomopy: Any = import_module("tomopy")
    n = p.shape[-1]
    pad = n // 2
    wide = np.pad(p, [(0, 0), (0, 0), (pad, pad)], mode="edge")
    # It counts from the middle of column 0.
    found: Array = tomopy.recon(
        wide,
        angles_rad.astype(np.float32),
        center=center_px + pad - 0.5,
        algorithm="gridrec",
        filter_name="ramlak",
        **options,
    )
    return found


def placed(wide: Array) -> Array:
    """Put what `reconstruct` gave where our slices (z, y, x) are, for comparison."""
    n = wide.shape[-1] // 2
    inner = slice(n // 2, n // 2 + n)
    return moved(wide[:, ::-1])[:, inner, inner]


def moved(slices: Array) -> Array:
    """Move by half a pixel to the left and up, where the axis is ours."""
    length = slices.shape[-1]
    turn = np.exp(1j * np.pi * np.fft.fftfreq(length)).astype(np.complex64)
    half = length // 2
    # The highest frequency has no sign, so no place.
    turn[half] = 0.0
    spectrum = scipy.fft.rfft2(slices, workers=-1)
    spectrum *= np.multiply.outer(turn, turn[: half + 1])
    return np.asarray(scipy.fft.irfft2(spectrum, slices.shape[1:], workers=-1))
