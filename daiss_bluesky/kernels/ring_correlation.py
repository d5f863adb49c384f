"""How fine two independent reconstructions agree: the Fourier ring correlation."""

from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import scipy.fft
import scipy.ndimage
from numpy.typing import NDArray

from daiss_bluesky.kernels.object_alignment import Image, align, check_alike

Verdict = Literal["crossed", "never below", "never above"]

_TAPER = 0.2
"""Part of the shorter side over which the window rises at an edge of the area."""
_SMOOTHING = 0.03
"""Part of the shorter side over which edges of the area are smoothed."""
_LAST = 2
"""Rings in succession below the threshold that count as the end of agreement."""


@dataclass(frozen=True, slots=True, eq=False)
class RingCorrelation:
    """Correlation by spatial frequency, with the half-bit threshold of each ring."""

    frequency: NDArray[np.float64]
    """Of each ring, cycles a pixel, to 0.5."""
    correlation: NDArray[np.float64]
    threshold: NDArray[np.float64]
    verdict: Verdict
    crossing: float | None
    """Frequency where the correlation falls below the threshold, where it does."""

    @property
    def half_period_px(self) -> float | None:
        """Half the period of the crossing.

        1.0 where the correlation stays above the threshold up to the finest that pixels
        can hold: no better can be told. None where nothing agrees at all.
        """
        if self.verdict == "never above":
            return None
        return 1.0 if self.crossing is None else 0.5 / self.crossing


def fourier_ring_correlation(
    a: Image, b: Image, covered: NDArray[np.bool_], *, register: bool = True
) -> RingCorrelation:
    """Compare two complex objects (row, column) over the area covered by both.

    Constant phase, linear ramp and (`register`) a shift between the two are removed
    first, and their means. A smooth window fades to nothing at the edge of the area.
    The threshold is that of half a bit (van Heel & Schatz, J. Struct. Biol. 151 (2005)
    250, eq. 17), each ring counting as many pixels as the window leaves independent.
    The end of agreement is the first of two successive rings below it. Raises
    InputError for shapes that differ and an area too small.
    """
    weight = covered.astype(np.float64)
    check_alike(a, b, weight)
    box = _bounding_box(covered)
    first = np.asarray(a[box], np.complex128)
    window = soft_window(covered[box])
    second = align(first, b[box], window, shift=register)
    parts = []
    for image in (first, second):
        mean = np.sum(window * image) / np.sum(window)
        parts.append(scipy.fft.fft2(window * (image - mean)))
    frequency, counts, correlation = _rings(parts[0], parts[1])
    share = np.sum(window**2) ** 2 / (window.size * np.sum(window**4))
    threshold = half_bit(counts * share)
    verdict, crossing = _crossing(frequency, correlation, threshold)
    return RingCorrelation(frequency, correlation, threshold, verdict, crossing)


def half_bit(counts: NDArray[Any]) -> NDArray[np.float64]:
    """Give the correlation at which half a bit a pixel is known, for rings of counts.

    At most 1: a ring of a pixel or two can tell nothing.
    """
    root = np.sqrt(np.maximum(counts, 1.0))
    found = (0.2071 + 1.9102 / root) / (1.2071 + 0.9102 / root)
    return np.asarray(np.minimum(found, 1.0))


def soft_window(covered: NDArray[np.bool_]) -> NDArray[np.float64]:
    """Give weights that rise from 0 at the edge of an area to 1 inside it.

    A ragged area is smoothed and its small holes are closed: the structure of a window
    is in both images, and would be taken for agreement.
    """
    side = min(covered.shape)
    blur = _SMOOTHING * side
    smooth = scipy.ndimage.gaussian_filter(
        covered.astype(np.float64), blur, mode="constant"
    )
    clean = smooth > 0.5  # noqa: PLR2004 - a straight edge stays where it is
    if not clean.any():
        clean = covered
    distance = scipy.ndimage.distance_transform_edt(np.pad(clean, 1))[1:-1, 1:-1]
    # A narrow area has no inside as wide as that.
    width = min(_TAPER * side, float(distance.max()))
    window = np.sin(np.pi / 2 * np.minimum(distance / width, 1.0)) ** 2
    return np.asarray(
        scipy.ndimage.gaussian_filter(window, blur / 2, mode="constant") * clean
    )


def _bounding_box(covered: NDArray[np.bool_]) -> tuple[slice, slice]:
    rows, columns = (np.flatnonzero(covered.any(axis=axis)) for axis in (1, 0))
    return (
        slice(int(rows[0]), int(rows[-1]) + 1),
        slice(int(columns[0]), int(columns[-1]) + 1),
    )


def _rings(
    a: NDArray[Any], b: NDArray[Any]
) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
    """Sum over rings as wide as the coarser axis resolves, without frequency zero."""
    fy, fx = (scipy.fft.fftfreq(n) for n in a.shape)
    radius = np.hypot(fy[:, None], fx[None, :])
    width = 1.0 / min(a.shape)
    ring = np.rint(radius / width).astype(np.int64)
    n_rings = int(0.5 / width) + 1

    def total(values: NDArray[Any]) -> NDArray[np.float64]:
        sums = np.bincount(ring.ravel(), values.ravel(), int(ring.max()) + 1)
        return np.asarray(sums[1:n_rings], np.float64)

    counts = total(np.ones(a.shape))
    power = total(np.abs(a) ** 2) * total(np.abs(b) ** 2)
    cross = total((a * np.conj(b)).real)
    frequency = total(radius) / np.maximum(counts, 1)
    found = np.where(power > 0, cross / np.sqrt(np.maximum(power, 1e-300)), 0.0)
    return frequency, counts, found


def _crossing(
    frequency: NDArray[np.float64],
    correlation: NDArray[np.float64],
    threshold: NDArray[np.float64],
) -> tuple[Verdict, float | None]:
    below = correlation < threshold
    lasting = below.copy()
    for k in range(1, _LAST):
        lasting[:-k] &= below[k:]
    if not lasting.any():
        return "never below", None
    i = int(np.argmax(lasting))
    if i == 0:
        return "never above", None
    before, after = (correlation - threshold)[i - 1 : i + 1]
    part = before / (before - after) if before > 0 else 1.0
    return "crossed", float(frequency[i - 1] + part * (frequency[i] - frequency[i - 1]))
