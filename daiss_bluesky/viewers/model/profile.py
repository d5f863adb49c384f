"""Line profiles: along a free line, a row or a column, averaged over a width."""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from daiss_bluesky.core.errors import InputError, unknown

KINDS = ("free", "horizontal", "vertical")
_MIDDLE = 0.5
"""Of an element, from its edge."""


@dataclass(frozen=True, slots=True)
class Line:
    """Ends in px from the picture's top left edge; `width_px` across it."""

    row_0: float
    column_0: float
    row_1: float
    column_1: float
    width_px: float = 1.0

    def __post_init__(self) -> None:
        """Refuse a line with no width."""
        if not self.width_px >= 1:
            raise InputError(f"profile width {self.width_px} px: expected 1 or more")

    @property
    def length_px(self) -> float:
        """From end to end."""
        return math.hypot(self.row_1 - self.row_0, self.column_1 - self.column_0)

    def scaled(self, down: float, right: float) -> "Line":
        """Give the same line where pixels became smaller by these factors."""
        return replace(
            self,
            row_0=self.row_0 * down,
            row_1=self.row_1 * down,
            column_0=self.column_0 * right,
            column_1=self.column_1 * right,
        )


@dataclass(frozen=True, slots=True, eq=False)
class Profile:
    """Values along a line."""

    name: str
    distance_px: NDArray[np.float64]
    """(n,) from the line's first end, or from the picture's edge."""
    values: NDArray[np.float64]
    """(n,); NaN where the line is outside or the picture has no value."""
    pixel_size_um: float | None = None

    def distance(self) -> tuple[NDArray[np.float64], str]:
        """Give distances and their unit: µm where it is known."""
        if self.pixel_size_um is None:
            return self.distance_px, "px"
        return self.distance_px * self.pixel_size_um, "µm"


def along_line(
    pixels: NDArray[Any], line: Line
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Sample a (row, column) picture every px: distances and means over the width.

    Bilinear between the middles of elements, so a line along the middle of a row
    gives the elements themselves.
    """
    steps = max(1, round(line.length_px))
    part = np.linspace(0.0, 1.0, steps + 1)
    rows = line.row_0 + part * (line.row_1 - line.row_0)
    columns = line.column_0 + part * (line.column_1 - line.column_0)
    length = max(line.length_px, 1e-9)
    across = np.array(
        [-(line.column_1 - line.column_0) / length, (line.row_1 - line.row_0) / length]
    )
    n = max(1, round(line.width_px))
    offsets = np.arange(n) - (n - 1) / 2
    values = bilinear(
        pixels,
        rows + offsets[:, np.newaxis] * across[0],
        columns + offsets[:, np.newaxis] * across[1],
    )
    return part * line.length_px, _mean(values, 0)


def bilinear(
    pixels: NDArray[Any], rows: NDArray[np.float64], columns: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Read a picture at points from its edge; NaN outside, the border's value in it."""
    n_rows, n_columns = pixels.shape
    inside = (rows >= 0) & (rows <= n_rows) & (columns >= 0) & (columns <= n_columns)
    i = np.clip(rows - _MIDDLE, 0, n_rows - 1)
    j = np.clip(columns - _MIDDLE, 0, n_columns - 1)
    top, left = np.floor(i).astype(np.intp), np.floor(j).astype(np.intp)
    bottom, right = np.minimum(top + 1, n_rows - 1), np.minimum(left + 1, n_columns - 1)
    down, over = i - top, j - left
    above = _between(pixels[top, left], pixels[top, right], over)
    below = _between(pixels[bottom, left], pixels[bottom, right], over)
    return np.where(inside, _between(above, below, down), np.nan)


def _between(
    first: NDArray[Any], second: NDArray[Any], part: NDArray[np.float64]
) -> NDArray[np.float64]:
    """A missing neighbor with no weight must not make the value missing."""
    a, b = np.asarray(first, np.float64), np.asarray(second, np.float64)
    return np.where(part == 0, a, a * (1 - part) + b * part)


def across_picture(
    pixels: NDArray[Any], kind: str, place_px: float, width_px: float = 1.0
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Give a whole row (horizontal) or column (vertical): distances and means.

    The elements themselves at a width of 1; distances are those of their middles.
    """
    if kind not in KINDS[1:]:
        raise unknown("profile direction", kind, KINDS[1:])
    turned = pixels if kind == "horizontal" else pixels.T
    n = max(1, round(width_px))
    first = math.floor(place_px - (n - 1) / 2)
    band = turned[max(0, first) : max(0, first + n)]
    values = (
        _mean(band.astype(np.float64), 0)
        if len(band)
        else np.full(turned.shape[1], np.nan)
    )
    middles = np.arange(turned.shape[1], dtype=np.float64) + _MIDDLE
    return middles, np.asarray(values, np.float64)


def _mean(values: NDArray[np.float64], axis: int) -> NDArray[np.float64]:
    """Mean of what is finite; NaN, without a warning, where nothing is."""
    kept = np.isfinite(values)
    count = kept.sum(axis)
    total = np.where(kept, values, 0.0).sum(axis)
    return np.asarray(np.where(count > 0, total / np.maximum(count, 1), np.nan))


def to_csv(profiles: Sequence[Profile]) -> str:
    """Write profiles as long CSV: profile, distance, unit, value."""
    lines = ["profile,distance,unit,value"]
    for profile in profiles:
        distances, unit = profile.distance()
        lines += [
            f'"{profile.name}",{distance!r},{unit},{value!r}'
            for distance, value in zip(
                distances.tolist(), profile.values.tolist(), strict=True
            )
        ]
    return "\n".join(lines) + "\n"
