"""What a pane shows at one moment: values, and the colors they are painted with."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from daiss_bluesky.viewers.model.colormaps import MISSING, SATURATED, complex_colors
from daiss_bluesky.viewers.model.contrast import Levels, painted


@dataclass(frozen=True, slots=True, eq=False)
class Shown:
    """Does not change when the next picture comes, so a thread may take its time."""

    pixels: NDArray[Any]
    """(row, column), real or complex."""
    levels: Levels
    lut: NDArray[np.uint8]
    """(n, 3), first to last color along the levels."""
    saturated: NDArray[np.bool_] | None = None
    """(row, column), where they are marked."""

    def colors(self) -> NDArray[np.uint8]:
        """Paint at full resolution: (row, column, 3)."""
        if np.iscomplexobj(self.pixels):
            return complex_colors(self.pixels, self.levels.high)
        colors = painted(self.pixels, self.levels, self.lut)
        colors[np.isnan(self.pixels)] = MISSING
        if self.saturated is not None:
            colors[self.saturated] = SATURATED
        return colors
