"""Regions of a picture and what is in them, now and against time."""

from collections import deque
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from daiss_bluesky.core.errors import InputError, unknown

MOST = 4
"""Regions a pane may have: each costs time at every picture."""
REMEMBERED = 5000
"""Updates a trend keeps."""
SHAPES = ("rectangle", "ellipse", "polygon")
_TRIANGLE = 3


@dataclass(frozen=True, slots=True)
class Region:
    """A box in px from the top left edge, and what of it counts."""

    shape: str
    top: float
    left: float
    height: float
    width: float
    corners: tuple[tuple[float, float], ...] = ()
    """(row, column) of a polygon; the box is then around them."""

    def __post_init__(self) -> None:
        """Refuse what has no inside."""
        if self.shape not in SHAPES:
            raise unknown("region shape", self.shape, SHAPES)
        if not (self.height > 0 and self.width > 0):
            raise InputError(
                f"region of {self.height} x {self.width} px: expected more than 0"
            )
        if self.shape == "polygon" and len(self.corners) < _TRIANGLE:
            raise InputError(
                f"polygon with {len(self.corners)} corners: expected 3 or more"
            )

    def scaled(self, down: float, right: float) -> "Region":
        """Give the same region where pixels became smaller by these factors."""
        return replace(
            self,
            top=self.top * down,
            height=self.height * down,
            left=self.left * right,
            width=self.width * right,
            corners=tuple((row * down, col * right) for row, col in self.corners),
        )

    def moved_to(
        self, top: float, left: float, height: float, width: float
    ) -> "Region":
        """Give it in another box, corners along."""
        down, right = height / self.height, width / self.width
        corners = tuple(
            (top + (row - self.top) * down, left + (column - self.left) * right)
            for row, column in self.corners
        )
        return replace(
            self, top=top, left=left, height=height, width=width, corners=corners
        )

    def to_dict(self) -> dict[str, Any]:
        """Give what JSON can hold."""
        return asdict(self)


def polygon(corners: Sequence[tuple[float, float]]) -> Region:
    """Make a polygon from its (row, column) corners."""
    rows = [row for row, _ in corners] or [0.0]
    columns = [column for _, column in corners] or [0.0]
    return Region(
        "polygon",
        min(rows),
        min(columns),
        max(max(rows) - min(rows), 1e-9),
        max(max(columns) - min(columns), 1e-9),
        tuple((float(row), float(column)) for row, column in corners),
    )


def region_from_dict(stored: dict[str, Any]) -> Region:
    """Read `Region.to_dict` back."""
    corners = tuple((float(r), float(c)) for r, c in stored.get("corners", ()))
    return Region(**(stored | {"corners": corners}))


@dataclass(frozen=True, slots=True)
class Statistics:
    """Of the finite elements whose middles are inside; NaN where there are none."""

    count: int
    total: float
    mean: float
    std: float


def statistics(pixels: NDArray[Any], region: Region) -> Statistics:
    """Work out what is in a region of a real (row, column) picture."""
    rows, columns = _box(region, pixels.shape)
    part = pixels[rows, columns]
    if region.shape != "rectangle":
        part = part[_inside(region, pixels.shape)]
    if part.dtype.kind == "f":
        part = part[np.isfinite(part)]
    if not part.size:
        return Statistics(0, 0.0, float("nan"), float("nan"))
    total = float(part.sum(dtype=np.float64))
    return Statistics(
        part.size, total, total / part.size, float(part.std(dtype=np.float64))
    )


def _box(region: Region, shape: tuple[int, ...]) -> tuple[slice, slice]:
    """Elements whose middles are within the box."""
    return (
        _span(region.top, region.height, shape[0]),
        _span(region.left, region.width, shape[1]),
    )


def _span(start: float, length: float, most: int) -> slice:
    first = int(np.clip(np.ceil(start - 0.5), 0, most))
    end = int(np.clip(np.ceil(start + length - 0.5), 0, most))
    return slice(first, max(first, end))


@lru_cache(maxsize=4 * MOST)
def _inside(region: Region, shape: tuple[int, ...]) -> NDArray[np.bool_]:
    """Mask of the box; kept, for regions move seldom and pictures come often."""
    rows, columns = _box(region, shape)
    row = np.arange(rows.start, rows.stop)[:, np.newaxis] + 0.5
    column = np.arange(columns.start, columns.stop)[np.newaxis, :] + 0.5
    if region.shape == "ellipse":
        down = (row - region.top) / region.height * 2 - 1
        right = (column - region.left) / region.width * 2 - 1
        return np.asarray(down**2 + right**2 <= 1)
    return _inside_polygon(row, column, np.array(region.corners))


def _inside_polygon(
    row: NDArray[np.float64], column: NDArray[np.float64], corners: NDArray[np.float64]
) -> NDArray[np.bool_]:
    """Even-odd rule: how many edges are to the left of a point."""
    odd = np.zeros(np.broadcast_shapes(row.shape, column.shape), bool)
    for (row_0, column_0), (row_1, column_1) in zip(
        corners, np.roll(corners, -1, axis=0), strict=True
    ):
        if row_0 == row_1:
            continue
        crosses = (row_0 <= row) != (row_1 <= row)
        at = column_0 + (row - row_0) / (row_1 - row_0) * (column_1 - column_0)
        odd ^= crosses & (at < column)
    return odd


class Trend:
    """A region's mean against time, bounded."""

    def __init__(self, most: int = REMEMBERED) -> None:
        self._points: deque[tuple[int, float, Statistics]] = deque(maxlen=most)

    def add(self, number: int, time_s: float, now: Statistics) -> None:
        """Remember one update; the same number again replaces the last."""
        if self._points and self._points[-1][0] == number:
            self._points.pop()
        self._points.append((number, time_s, now))

    def clear(self) -> None:
        """Forget: the region was moved, or another result is shown."""
        self._points.clear()

    def times_s(self) -> NDArray[np.float64]:
        """Give Unix times."""
        return np.array([time_s for _, time_s, _ in self._points], np.float64)

    def means(self) -> NDArray[np.float64]:
        """Give the means."""
        return np.array([now.mean for _, _, now in self._points], np.float64)

    def by_number(self) -> dict[int, float]:
        """Give means by the number of the update."""
        return {number: now.mean for number, _, now in self._points}

    def rows(self) -> list[tuple[int, float, Statistics]]:
        """Give all, oldest first."""
        return list(self._points)


def ratio(above: Trend, below: Trend) -> tuple[NDArray[np.float64], list[int]]:
    """Divide the means of two regions at the updates that both have."""
    first, second = above.by_number(), below.by_number()
    numbers = [number for number in first if number in second]
    a = np.array([first[number] for number in numbers], np.float64)
    b = np.array([second[number] for number in numbers], np.float64)
    return np.divide(a, b, out=np.full(len(a), np.nan), where=b != 0), numbers


def to_csv(trends: dict[str, Trend]) -> str:
    """Write trends as long CSV: region, update, time, count, sum, mean, std."""
    lines = ["region,update,time_s,count,sum,mean,std"]
    for name, trend in trends.items():
        lines += [
            f"{name},{number},{time_s!r},{s.count},{s.total!r},{s.mean!r},{s.std!r}"
            for number, time_s, s in trend.rows()
        ]
    return "\n".join(lines) + "\n"
