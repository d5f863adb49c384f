"""What the camera makes of the light: beam profile, dark level, noise, dead pixels.

Counts have the Poisson distribution of their mean. At the usual tens of thousands of
counts that is drawn as a Gaussian of the same variance, from normal numbers made once:
each row begins at a random place among them, so no two frames repeat and a frame costs
a fraction of a millisecond. Below FEW_COUNTS the exact distribution is drawn.
"""

from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

BANK = 1 << 21
FEW_COUNTS = 50.0
LARGEST = 65535


@dataclass(frozen=True, slots=True)
class DetectorSettings:
    """What the camera is."""

    rows: int
    columns: int
    flat_counts: float = 40000.0
    """Brightest place of the flat field above the dark level."""
    dark_counts: float = 100.0
    noise: float = 1.0
    """Standard deviation in units of Poisson's; 0 is none."""
    dead_pixels: int = 10
    """Pixels that always read 0."""
    seed: int = 1


@dataclass(slots=True, eq=False)
class Detector:
    """Turns transmitted light (row, column) into counts."""

    settings: DetectorSettings
    flat: NDArray[np.float32] = field(init=False)
    dark: NDArray[np.float32] = field(init=False)
    dead: NDArray[np.int64] = field(init=False)
    """Flat indices of the dead pixels."""
    _normals: NDArray[np.float32] | None = field(init=False, default=None)
    _rng: np.random.Generator = field(init=False)
    _mean: NDArray[np.float32] = field(init=False)

    def __post_init__(self) -> None:
        """Draw what stays the same in every frame."""
        s = self.settings
        self._rng = np.random.default_rng(s.seed)
        shape = (s.rows, s.columns)
        pattern = self._rng.standard_normal(shape, dtype=np.float32)
        self.flat = (_beam(shape) * (1 + 0.01 * pattern)).clip(0).astype(np.float32)
        self.flat *= np.float32(s.flat_counts / self.flat.max())
        offsets = self._rng.standard_normal(shape, dtype=np.float32)
        self.dark = (s.dark_counts * (1 + 0.02 * offsets)).clip(0).astype(np.float32)
        self.dead = self._rng.choice(
            s.rows * s.columns, min(s.dead_pixels, s.rows * s.columns), replace=False
        )
        self._mean = np.empty(shape, np.float32)

    def expose(
        self, transmission: NDArray[np.float32] | None, brightness: float
    ) -> NDArray[np.uint16]:
        """Give counts for a transmission (None: no sample) and a part of the beam."""
        mean = self._mean
        if brightness == 0:
            mean[:] = self.dark
        else:
            np.multiply(self.flat, np.float32(brightness), out=mean)
            if transmission is not None:
                mean *= transmission
            mean += self.dark
        counts = self._draw(mean)
        counts.reshape(-1)[self.dead] = 0
        return counts

    def _draw(self, mean: NDArray[np.float32]) -> NDArray[np.uint16]:
        scale = self.settings.noise
        if scale == 0:
            return _counts(np.rint(mean))
        if scale == 1 and self.settings.dark_counts < FEW_COUNTS:
            return _counts(self._rng.poisson(mean))
        from daiss_bluesky.kernels.ellipsoids_compiled import add_noise  # noqa: PLC0415

        rows, columns = mean.shape
        normals = self._bank()
        offsets = self._rng.integers(0, normals.size - columns, rows)
        counts = np.empty(mean.shape, np.uint16)
        add_noise(
            mean, normals, offsets, np.float32(scale), np.float32(LARGEST), counts
        )
        return counts

    def _bank(self) -> NDArray[np.float32]:
        if self._normals is None:
            self._normals = self._rng.standard_normal(BANK, dtype=np.float32)
        return self._normals


def _counts(values: NDArray[Any]) -> NDArray[np.uint16]:
    return np.asarray(np.minimum(values, LARGEST), dtype=np.uint16)


def _beam(shape: tuple[int, int]) -> NDArray[np.float32]:
    """Shape the beam: brighter in the middle, with the stripes of a multilayer."""
    y = np.linspace(-1, 1, shape[0], dtype=np.float32)[:, None]
    x = np.linspace(-1, 1, shape[1], dtype=np.float32)[None]
    envelope = np.exp(-0.25 * x**2 - 0.6 * (y - 0.1) ** 2)
    stripes = 1 + 0.03 * np.sin(9 * y + 0.4 * x) + 0.02 * np.sin(23 * y + 1)
    return np.asarray(envelope * stripes, dtype=np.float32)
