"""How well positions cover the object: overlap of neighbors, how often it was lit."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.spatial import cKDTree

from daiss_bluesky.core.errors import InputError

LEAST_OVERLAP = 0.4
"""Below it reconstructions begin to fail; 0.6 to 0.7 is best (Bunk et al.,
Ultramicroscopy 108 (2008) 481)."""

ENCIRCLED = 0.9
"""Part of the probe's intensity inside its diameter."""

_SAME_PX = 1e-3


@dataclass(frozen=True, slots=True)
class Overlap:
    """Of neighboring positions."""

    distance_px: float
    """Median over positions of the distance to the nearest other one."""
    diameter_px: float
    """Of a disc as large as the brightest pixels with ENCIRCLED of the probe."""

    @property
    def linear(self) -> float:
        """1 - distance / diameter: below 0 neighbors do not touch."""
        return 1.0 - self.distance_px / self.diameter_px

    @property
    def warning(self) -> str | None:
        """One sentence where it is too low to reconstruct well."""
        if self.linear >= LEAST_OVERLAP:
            return None
        return (
            f"neighboring positions overlap by {100 * self.linear:.0f} %"
            f" ({self.distance_px:.1f} px apart, probe {self.diameter_px:.1f} px wide);"
            f" below {100 * LEAST_OVERLAP:.0f} % the reconstruction is not reliable"
        )


def probe_intensity(probe: NDArray[Any]) -> NDArray[np.float64]:
    """Sum the modes of a probe (mode, row, column) or (row, column)."""
    waves = probe.reshape(-1, *probe.shape[-2:])
    return np.asarray(np.sum(np.abs(waves.astype(np.complex128)) ** 2, axis=0))


def probe_diameter_px(probe: NDArray[Any]) -> float:
    """Give the diameter of a disc as large as the pixels with ENCIRCLED of it."""
    bright = np.sort(probe_intensity(probe).ravel())[::-1]
    total = bright.sum()
    if not total > 0:
        raise InputError("the probe is dark everywhere")
    inside = 1 + int(np.searchsorted(np.cumsum(bright), ENCIRCLED * total))
    return float(2 * np.sqrt(inside / np.pi))


def find_overlap(positions_px: NDArray[np.float64], probe: NDArray[Any]) -> Overlap:
    """Measure the overlap of positions (n, 2); repeats of one position are one.

    It says nothing of a scan whose lines lie much farther apart than its points; the
    picture of how often the object was lit does. Raises InputError for less than two.
    """
    return Overlap(nearest_distance_px(positions_px), probe_diameter_px(probe))


def differ(positions_px: NDArray[np.float64]) -> bool:
    """Tell whether positions (n, 2) are more than one."""
    return len(_places(positions_px)) > 1


def _places(positions_px: NDArray[np.float64]) -> NDArray[np.int64]:
    return np.unique(np.rint(positions_px / _SAME_PX).astype(np.int64), axis=0)


def nearest_distance_px(positions_px: NDArray[np.float64]) -> float:
    """Give the median distance of positions (n, 2) to the nearest other one."""
    places = _places(positions_px)
    if not differ(positions_px):
        raise InputError(f"{len(places)} different positions cannot overlap")
    # The nearest of all is the position itself.
    distances, _ = cKDTree(places * _SAME_PX).query(places * _SAME_PX, k=[2])
    return float(np.median(distances))


def lit_pixels(probe: NDArray[Any], share: float = 0.1) -> NDArray[np.bool_]:
    """Tell where the probe has more than `share` of its brightest pixel."""
    intensity = probe_intensity(probe)
    return np.asarray(intensity > share * intensity.max())


def add_illumination(
    counts: NDArray[np.integer[Any]],
    corners_px: NDArray[np.float64],
    probe: NDArray[Any],
    share: float = 0.1,
) -> None:
    """Count, for each pixel of the object, the frames that lit it.

    Lit is as of `lit_pixels`. `corners_px` (frame, 2) is where the probe's first pixel
    lies on `counts` (row, column), rounded here; what lies outside is left out.
    """
    lit = lit_pixels(probe, share)
    if not lit.any():
        return
    rows, columns = np.flatnonzero(lit.any(axis=1)), np.flatnonzero(lit.any(axis=0))
    first = np.array([rows[0], columns[0]])
    lit = lit[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]
    for corner in np.rint(corners_px).astype(np.int64) + first:
        low = np.maximum(corner, 0)
        high = np.minimum(corner + lit.shape, counts.shape)
        if (low < high).all():
            inside = lit[
                low[0] - corner[0] : high[0] - corner[0],
                low[1] - corner[1] : high[1] - corner[1],
            ]
            counts[low[0] : high[0], low[1] : high[1]] += inside
