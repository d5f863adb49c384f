"""Whether there was beam when a projection was taken."""

from dataclasses import dataclass
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

LEAST = 1e-3
"""Of the flat: less, all over, is no sample."""

_LOOKED_AT = 1024
"""Pixels of a projection, about."""

_HITS = 0.01
"""Of the pixels, the brightest, that count for nothing: zingers come without beam."""


@dataclass(frozen=True, slots=True, eq=False)
class Beam:
    """What a few pixels all over the frame have without and with beam."""

    few: slice
    """Of rows, and of columns."""
    tells: NDArray[np.bool_]
    """Which of these are brighter with beam; dead ones are not."""
    dark: NDArray[np.float64]
    gain: NDArray[np.float64]

    @classmethod
    def of(cls, dark: NDArray[np.float64], flat: NDArray[np.float64]) -> Self:
        """Take them from mean dark and flat (row, column)."""
        few = slice(None, None, max(1, int(np.sqrt(dark.size / _LOOKED_AT))))
        dark, gain = dark[few, few], (flat - dark)[few, few]
        tells = gain > 0
        return cls(few, tells, dark[tells], gain[tells])

    def lit(self, pixels: NDArray[Any]) -> NDArray[np.bool_]:
        """Tell which frames (frame, row, column) were taken with beam.

        Where that cannot be told, as of NaN or without a flat worth the name, they
        count as lit.
        """
        if not self.gain.size:
            return np.ones(len(pixels), bool)
        seen = pixels[:, self.few, self.few][:, self.tells]
        light = np.sort((seen - self.dark) / self.gain, axis=1)
        hits = int(np.ceil(_HITS * light.shape[1]))
        usual = light[:, : max(1, light.shape[1] - hits)]
        return np.asarray(~(usual.mean(axis=1) < LEAST))
