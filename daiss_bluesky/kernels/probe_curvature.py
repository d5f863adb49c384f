"""How far a probe is out of focus, found by trying.

The mean of the frames tells how strong the probe is at each frequency and nothing of
its phases. Those of a lens out of focus are one parabola, which a few trials find.
"""

from collections.abc import Callable
from typing import Any

import numpy as np
import scipy.fft
from numpy.typing import NDArray

from daiss_bluesky.kernels.overlap import probe_diameter_px

_LARGEST = 0.4
"""Of the probe's array: as far as light may be moved from the middle by a parabola."""
_RATIO = 1.4
_STEPS = 7
_NEARER = (0.87, 1.15)


def probe_from_frames(
    frames: NDArray[Any], bad: NDArray[np.bool_] | None = None
) -> NDArray[np.complex64]:
    """Guess a probe (1, row, column) from the mean of frames, in focus.

    Frames have the zero frequency at n // 2, the probe its middle. Bad pixels are dark.
    """
    mean = np.asarray(np.mean(frames, axis=0, dtype=np.float64))
    if bad is not None:
        mean[bad] = 0.0
    wave = scipy.fft.ifft2(np.fft.ifftshift(np.sqrt(mean)), norm="ortho")
    return np.asarray(np.fft.fftshift(wave)[None], np.complex64)


def add_curvature(probe: NDArray[Any], curvature_px2: float) -> NDArray[np.complex64]:
    """Put a probe (..., row, column) out of focus: spectrum times exp(-iπ c f²).

    f in cycles a pixel. Light of frequency f moves by c f pixels.
    """
    fy, fx = (np.fft.fftfreq(n) for n in probe.shape[-2:])
    phase = np.pi * curvature_px2 * (fy[:, None] ** 2 + fx[None, :] ** 2)
    spectrum = scipy.fft.fft2(np.asarray(probe, np.complex128)) * np.exp(-1j * phase)
    return np.asarray(scipy.fft.ifft2(spectrum), np.complex64)


def find_curvature(
    probe: NDArray[Any], residual_of: Callable[[NDArray[np.complex64]], float]
) -> tuple[float, float]:
    """Try curvatures of both signs; give the best (px²) and its residual.

    `residual_of` says how ill a probe explains the frames. The largest curvature tried
    spreads the probe over most of its array, each next is smaller by 1.4, and the best
    is looked for once more between its neighbors.
    """
    spectrum = np.fft.fftshift(scipy.fft.fft2(probe), axes=(-2, -1))
    side = min(probe.shape[-2:])
    edge = probe_diameter_px(spectrum) / 2 / side
    largest = _LARGEST * side / max(edge, 1 / side)
    sizes = largest / _RATIO ** np.arange(_STEPS)
    found = {float(c): 0.0 for c in (0.0, *sizes, *-sizes)}
    for curvature in found:
        found[curvature] = residual_of(add_curvature(probe, curvature))
    best = min(found, key=lambda c: found[c])
    for part in _NEARER:
        near = best * part
        found.setdefault(near, residual_of(add_curvature(probe, near)))
    best = min(found, key=lambda c: found[c])
    return best, found[best]
