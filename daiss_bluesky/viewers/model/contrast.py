"""Contrast: which values become black and white, and how it goes between."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from daiss_bluesky.core.errors import InputError, unknown

SAMPLES = 65536
"""Looked at for percentiles and the histogram; the whole of a large one takes 0.2 s."""
MODES = ("percentile", "symmetric", "sigma", "range", "fixed")
"""Symmetric is the upper percentile of sizes, on both sides of zero."""
SCALES = ("linear", "log", "sqrt")
LOG_DECADES = 4
BINS = 256
_MOST_PERCENT = 100.0


@dataclass(frozen=True, slots=True)
class Levels:
    """Values painted in the first and in the last color, in units of the picture."""

    low: float
    high: float


@dataclass(frozen=True, slots=True)
class Contrast:
    """How levels follow the picture; `fixed` stays where the user put them."""

    mode: str = "percentile"
    low_percent: float = 0.5
    high_percent: float = 99.5
    sigmas: float = 3.0
    fixed: Levels = Levels(0.0, 1.0)
    visible_only: bool = False
    """Look at the part that is on the screen only."""

    def __post_init__(self) -> None:
        """Refuse what would give no levels."""
        if self.mode not in MODES:
            raise unknown("contrast mode", self.mode, MODES)
        if not 0 <= self.low_percent < self.high_percent <= _MOST_PERCENT:
            raise InputError(
                f"contrast percentiles {self.low_percent} and {self.high_percent}:"
                " expected 0 to 100, the lower first"
            )
        if not self.sigmas > 0:
            raise InputError(f"contrast sigmas {self.sigmas}: expected more than 0")

    def levels(self, pixels: NDArray[Any]) -> Levels:
        """Work out levels of a (row, column) picture; what is not finite is left out.

        Percentile and sigma look at `strided(pixels)`; range looks at every pixel,
        for a single hot one is what it is asked for.
        """
        if self.mode == "fixed":
            return self.fixed
        if self.mode == "range":
            return _apart(*finite_range(pixels))
        sample = finite(strided(pixels))
        if not sample.size:
            return Levels(0.0, 1.0)
        if self.mode == "symmetric":
            reach = _apart(0.0, float(np.percentile(np.abs(sample), self.high_percent)))
            return Levels(-reach.high, reach.high)
        if self.mode == "sigma":
            mean, spread = float(np.mean(sample)), float(np.std(sample))
            return _apart(mean - self.sigmas * spread, mean + self.sigmas * spread)
        low, high = np.percentile(sample, [self.low_percent, self.high_percent])
        return _apart(float(low), float(high))


def strided(pixels: NDArray[Any]) -> NDArray[Any]:
    """Take every n-th row and column, so that about `SAMPLES` pixels are left."""
    step = max(1, int(np.ceil(np.sqrt(pixels.size / SAMPLES))))
    sample: NDArray[Any] = pixels[::step, ::step]
    return sample


def finite(sample: NDArray[Any]) -> NDArray[Any]:
    """Give the finite values, flat."""
    if sample.dtype == np.bool_:
        return sample.astype(np.uint8).ravel()
    if np.issubdtype(sample.dtype, np.integer):
        return sample.ravel()
    kept: NDArray[Any] = sample[np.isfinite(sample)]
    return kept


def finite_range(pixels: NDArray[Any]) -> tuple[float, float]:
    """Give the smallest and the largest finite value; 0 and 1 where there is none."""
    if not pixels.size:
        return 0.0, 1.0
    low, high = float(pixels.min()), float(pixels.max())
    if np.isfinite(low) and np.isfinite(high):
        return low, high
    kept = finite(pixels)
    return (float(kept.min()), float(kept.max())) if kept.size else (0.0, 1.0)


def _apart(low: float, high: float) -> Levels:
    """A flat picture has no contrast; levels must differ to be drawn and dragged."""
    if high > low:
        return Levels(low, high)
    room = max(abs(low) * 1e-3, 1e-9)
    return Levels(low - room, low + room)


def histogram(
    pixels: NDArray[Any], between: tuple[float, float] | None = None
) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """Count the strided picture, all of it or `between` two values.

    Counts (bins,) and edges (bins + 1,).
    """
    sample = finite(strided(pixels))
    ends = between or finite_range(sample)
    ends = ends if ends[1] > ends[0] else (ends[0] - 0.5, ends[0] + 0.5)
    counts, edges = np.histogram(sample, bins=BINS, range=ends)
    return counts.astype(np.int64), edges


def curve(scale: str, part: NDArray[np.float64]) -> NDArray[np.float64]:
    """Bend 0..1 between the levels to 0..1 along the map; InputError if unknown."""
    if scale == "linear":
        return part
    if scale == "sqrt":
        return np.asarray(np.sqrt(part))
    if scale == "log":
        gain = 10.0**LOG_DECADES
        return np.asarray(np.log1p(gain * part) / np.log1p(gain))
    raise unknown("intensity scale", scale, SCALES)


def lookup(colors: NDArray[np.uint8], scale: str) -> NDArray[np.uint8]:
    """Bend a (colors, 3) map; longer where the curve is steep."""
    entries = len(colors) if scale == "linear" else 16384
    along = curve(scale, np.linspace(0.0, 1.0, entries))
    return colors[np.rint(along * (len(colors) - 1)).astype(np.intp)]


def painted(
    pixels: NDArray[Any], levels: Levels, lut: NDArray[np.uint8]
) -> NDArray[np.uint8]:
    """Paint a real (row, column) picture with a looked-up map: (row, column, 3)."""
    span = levels.high - levels.low
    part = (pixels.astype(np.float64) - levels.low) / span
    place = np.nan_to_num(np.clip(part, 0, 1)) * (len(lut) - 1)
    return lut[np.rint(place).astype(np.intp)]
