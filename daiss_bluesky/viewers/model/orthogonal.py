"""Three slices through one point: which row and column each shows it at."""

from dataclasses import dataclass, replace
from math import floor


@dataclass(frozen=True, slots=True)
class Point:
    """A voxel: index along each axis of the volume (z, y, x)."""

    z: int
    y: int
    x: int

    def within(self, shape: tuple[int, int, int]) -> "Point":
        """Give the nearest voxel inside a volume of (z, y, x) voxels."""
        z, y, x = (
            min(max(place, 0), n - 1)
            for place, n in zip((self.z, self.y, self.x), shape, strict=True)
        )
        return Point(z, y, x)


ROWS_COLUMNS = {
    "slice_xy": ("y", "x"),
    "slice_xz": ("z", "x"),
    "slice_yz": ("z", "y"),
}
"""Axes of a slice's rows and columns; the third one it stands on."""
ACROSS = {"slice_xy": "z", "slice_xz": "y", "slice_yz": "x"}


def crosshair(view: str, point: Point) -> tuple[float, float]:
    """Give (row, column), from the top left edge, of a point's middle in a slice."""
    rows, columns = ROWS_COLUMNS[view]
    return getattr(point, rows) + 0.5, getattr(point, columns) + 0.5


def moved(view: str, row: float, column: float, point: Point) -> Point:
    """Give the point after the crosshair of one slice was moved to (row, column)."""
    rows, columns = ROWS_COLUMNS[view]
    return replace(point, **{rows: floor(row), columns: floor(column)})


def volume_shape(
    shapes: dict[str, tuple[int, int]],
) -> tuple[int, int, int] | None:
    """Work out (z, y, x) from the slices' shapes; None while one is not known."""
    lengths: dict[str, int] = {}
    for view, axes in ROWS_COLUMNS.items():
        if view in shapes:
            lengths |= dict(zip(axes, shapes[view], strict=True))
    if len(lengths) < len(ACROSS):
        return None
    return lengths["z"], lengths["y"], lengths["x"]
