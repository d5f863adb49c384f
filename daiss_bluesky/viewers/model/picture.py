"""A picture as viewers show it: one view of one result at one update."""

from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True, slots=True)
class Picture:
    """Pixels with what they are; read-only, shared between panes."""

    result_uid: str
    view: str
    """slice_xy, projection, object_phase ...: the name under `live`."""
    number: int
    """Of the update or, on the beamline network, `uniqueId`; grows."""
    published_s: float
    """Unix time of its publication; what its age is counted from."""
    pixels: NDArray[Any]
    """(row, column), a real dtype."""
    pixel_size_um: float | None = None
    rows_along: str = "y"
    columns_along: str = "x"
    place: int | None = None
    """Which slice it is, along the third axis; None for what is no slice."""
    facts: tuple[tuple[str, str], ...] = field(default=())
    """Scan id, sample, angle ...: shown on the picture, in this order."""

    @property
    def shape(self) -> tuple[int, int]:
        """Rows and columns."""
        rows, columns = self.pixels.shape
        return rows, columns

    def value_at(self, row: int, column: int) -> float | None:
        """Give the array element itself, or None outside."""
        rows, columns = self.shape
        if not (0 <= row < rows and 0 <= column < columns):
            return None
        return float(np.float64(self.pixels[row, column]))
