"""Far-field scans of a known object by a known probe, as a detector would give them."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter

Complex = NDArray[np.complex128]


@dataclass(frozen=True)
class Made:
    frames: NDArray[np.uint16]
    positions_px: NDArray[np.float64]
    corners: NDArray[np.int64]
    probe: Complex
    object: Complex


def make_probe(n: int, defocus: float, aperture: float = 0.16) -> Complex:
    """A lens of round aperture (cycles a pixel), out of focus by `defocus` px².

    A phase of defocus · π f² in the aperture; the sign is that of the curvature.
    """
    fy, fx = np.meshgrid(*2 * [np.fft.fftfreq(n)], indexing="ij")
    f2 = fy**2 + fx**2
    pupil = (f2 < aperture**2) * np.exp(-1j * np.pi * defocus * f2)
    probe = np.fft.fftshift(np.fft.ifft2(pupil))
    return np.asarray(probe / np.sqrt((np.abs(probe) ** 2).sum()))


def make_object(
    n: int, absorption: float, depth: float = 1.0, seed: int = 1
) -> Complex:
    """Blobs of matter, which retards the phase by up to 3 `depth`, and absorbs."""
    rng = np.random.default_rng(seed)
    raw = gaussian_filter(rng.normal(size=(n, n)), 3.0)
    raw += 3 * gaussian_filter(rng.normal(size=(n, n)), 9.0)
    raw -= raw.min()
    thick = raw / raw.max()
    return np.asarray(np.exp((-1j * depth - absorption) * 3 * thick))


def make_frames(
    n: int = 64,
    *,
    defocus: float = 120.0,
    absorption: float = 0.1,
    depth: float = 1.0,
    step: float = 7.0,
    lines: int = 9,
    photons: float = 2e5,
    seed: int = 1,
) -> Made:
    """A jittered raster; positions are relative, corners lie on the object."""
    rng = np.random.default_rng(seed)
    places = np.stack(
        np.meshgrid(*2 * [np.arange(lines) * step], indexing="ij"), -1
    ).reshape(-1, 2)
    corners = np.rint(places + rng.uniform(0, 2, places.shape)).astype(np.int64)
    size = int(corners.max()) + n + 1
    obj = make_object(size, absorption, depth, seed)
    probe = make_probe(n, defocus)
    frames = np.empty((len(corners), n, n), np.uint16)
    for i, (y, x) in enumerate(corners):
        far = np.fft.fft2(probe * obj[y : y + n, x : x + n], norm="ortho")
        frames[i] = rng.poisson(photons * np.fft.fftshift(np.abs(far) ** 2))
    return Made(
        frames, corners.astype(np.float64) - 100, corners, probe * np.sqrt(photons), obj
    )
