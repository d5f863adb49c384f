"""Pictures of planes that are kept up to date with the frames on devices."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from daiss_bluesky.algorithms.axis import Axis
from daiss_bluesky.algorithms.device_part import DevicePart, Lines
from daiss_bluesky.core.plane import Plane
from daiss_bluesky.kernels.correction import Fields
from daiss_bluesky.kernels.operators import Array

Image = NDArray[np.float32]


@dataclass(frozen=True, slots=True, eq=False)
class Settled:
    """What line integrals are made with, for as long as it holds."""

    fields: Fields
    axis: Axis
    slices_shape: tuple[int, int]
    """Number of slices and their width."""

    def same(self, other: "Settled") -> bool:
        """Tell whether pictures of one are those of the other."""
        return self.fields is other.fields and not self.axis.differs(other.axis)


@dataclass(frozen=True, slots=True, eq=False)
class _Picture:
    plane: Plane
    """In rows of the part, or of the one row that is needed."""
    pixels: Array
    row: int | None = None
    """Of the part, where no other is needed."""


class LivePictures:
    """Sums over projections in some planes; grows with every look."""

    def __init__(
        self, parts: list[DevicePart], settled: Settled, filter_name: str
    ) -> None:
        self.settled = settled
        # Lines between columns: nothing is sharper than the ramp.
        self._filter = "ramp" if filter_name == "sharp" else filter_name
        self._parts = parts
        self._pictures: list[dict[str, _Picture]] = [{} for _ in parts]
        self._totals: list[Array] | None = None
        self._total_weight = 0.0
        self.frames = 0
        """How many are in."""
        self.place: tuple[int, int, int] | None = None
        """Of the three slices (z, y, x)."""

    def show_slices(self, z: int, y: int, x: int) -> None:
        """Make room for three slices."""
        self.place = z, y, x
        n = self.settled.slices_shape[1]
        middle = (n - 1) / 2
        for part, pictures in zip(self._parts, self._pictures, strict=True):
            rows = part.rows.stop - part.rows.start
            half, ops = (rows - 1) / 2, part.operators
            planes = {
                "slice_xz": Plane((half, y, middle), (1, 0, 0), (0, 0, 1), (rows, n)),
                "slice_yz": Plane((half, middle, x), (1, 0, 0), (0, 1, 0), (rows, n)),
            }
            for name, plane in planes.items():
                pictures[name] = _Picture(plane, ops.zeros(plane.shape))
            if part.rows.start <= z < part.rows.stop:
                plane = Plane((0, middle, middle), (0, 1, 0), (0, 0, 1), (n, n))
                row = z - part.rows.start
                pictures["slice_xy"] = _Picture(plane, ops.zeros(plane.shape), row)

    def show_planes(self, planes: Sequence[Plane]) -> None:
        """Make room for any other planes."""
        for part, pictures in zip(self._parts, self._pictures, strict=True):
            for number, plane in enumerate(planes):
                z, y, x = plane.middle
                middle = z - part.rows.start, y, x
                mine = Plane(middle, plane.down, plane.across, plane.shape)
                zeros = part.operators.zeros(plane.shape)
                pictures[f"plane {number}"] = _Picture(mine, zeros)

    def watch_mean(self) -> None:
        """Keep the mean projection as well, which stripes are found in."""
        columns = len(self.settled.fields.dark[0])
        self._totals = [
            part.operators.zeros(
                (part.rows.stop - part.rows.start, columns), np.float64
            )
            for part in self._parts
        ]

    def add(self, lines: Lines, stripes: Image | None = None) -> None:
        """Take in all frames that are not in yet, less the stripes (row, column)."""
        first = self.frames
        for number, part in enumerate(self._parts):
            self._add_part(number, part, lines, first, stripes)
        self._total_weight += float(lines.weights[first:].sum())
        self.frames = len(lines.weights)

    def _add_part(
        self,
        number: int,
        part: DevicePart,
        lines: Lines,
        first: int,
        stripes: Image | None,
    ) -> None:
        fields, axis = self.settled.fields, self.settled.axis
        made = part.line_integrals(lines, fields, axis, part.rows, first)
        for which, p in made:
            weights = lines.weights[which]
            if self._totals is not None:
                part.operators.add_mean(p, weights, self._totals[number])
            if stripes is not None:
                part.operators.subtract(p, stripes[part.rows])
            placed = part.place(p, axis)
            q = part.operators.filter(placed, weights, self._filter)
            for one in self._pictures[number].values():
                mine = q if one.row is None else q[:, one.row : one.row + 1]
                part.operators.add_plane(
                    mine, lines.angles_rad[which], axis.center_px, one.plane, one.pixels
                )

    def slices(self, scale: float) -> tuple[Image, ...]:
        """Give slice_xy, slice_xz and slice_yz as they are; copies."""
        rows, n = self.settled.slices_shape
        found = {
            "slice_xy": np.zeros((n, n), np.float32),
            "slice_xz": np.zeros((rows, n), np.float32),
            "slice_yz": np.zeros((rows, n), np.float32),
        }
        for part, pictures in zip(self._parts, self._pictures, strict=True):
            for name, picture in pictures.items():
                target = found[name]
                target = target if picture.row is not None else target[part.rows]
                part.operators.download(picture.pixels, target)
        return tuple(np.multiply(one, np.float32(scale)) for one in found.values())

    def planes(self, scale: float) -> list[Image]:
        """Give the pictures of the other planes."""
        found = []
        for name, first in self._pictures[0].items():
            total = np.zeros(first.plane.shape, np.float32)
            for part, pictures in zip(self._parts, self._pictures, strict=True):
                mine = np.empty_like(total)
                part.operators.download(pictures[name].pixels, mine)
                total += mine
            found.append(total * np.float32(scale))
        return found

    def mean(self) -> Image | None:
        """Give the mean projection (row, column), if it is watched."""
        if self._totals is None or not self._total_weight:
            return None
        mean = np.zeros(self.settled.fields.dark.shape)
        for part, total in zip(self._parts, self._totals, strict=True):
            part.operators.download(total, mean[part.rows])
        return np.asarray(mean / self._total_weight, np.float32)
