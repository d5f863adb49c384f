"""Pictures of planes that are kept up to date with the frames on devices."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from daiss_bluesky.algorithms.device_part import Lines
from daiss_bluesky.algorithms.filtered_frames import FilteredFrames
from daiss_bluesky.core.plane import Plane
from daiss_bluesky.kernels.operators import Array

Image = NDArray[np.float32]


@dataclass(frozen=True, slots=True, eq=False)
class _Picture:
    plane: Plane
    """In rows of the part, or of the one row that is needed."""
    pixels: Array
    row: int | None = None
    """Of the part, where no other is needed."""


class LivePictures:
    """Sums over projections in some planes; grows with every look."""

    def __init__(self, filtered: list[FilteredFrames]) -> None:
        self._filtered = filtered
        self._parts = [one.part for one in filtered]
        self.settled = filtered[0].settled
        self._pictures: list[dict[str, _Picture]] = [{} for _ in filtered]
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

    def add(self, lines: Lines, stripes: Image | None = None) -> None:
        """Take in all frames that are not in yet; or all, less stripes."""
        for filtered, pictures in zip(self._filtered, self._pictures, strict=True):
            made = (
                filtered.all(lines, self.frames)
                if stripes is None
                else filtered.without(stripes, lines)
            )
            for which, q in made:
                for one in pictures.values():
                    mine = q if one.row is None else q[:, one.row : one.row + 1]
                    filtered.part.operators.add_plane(
                        mine,
                        lines.angles_rad[which],
                        self.settled.axis.center_px,
                        one.plane,
                        one.pixels,
                    )
        self.frames = len(lines.weights)

    def slices(self, scale: float) -> tuple[Image, ...]:
        """Give slice_xy, slice_xz and slice_yz as they are; copies."""
        rows, n = self.settled.slices_shape
        found = {
            "slice_xy": np.empty((n, n), np.float32),
            "slice_xz": np.empty((rows, n), np.float32),
            "slice_yz": np.empty((rows, n), np.float32),
        }
        for part, pictures in zip(self._parts, self._pictures, strict=True):
            for name, one in pictures.items():
                target = found[name] if one.row is not None else found[name][part.rows]
                part.operators.download(one.pixels, target)
        for picture in found.values():
            np.multiply(picture, np.float32(scale), out=picture)
        return tuple(found.values())

    def planes(self, scale: float) -> list[Image]:
        """Give the pictures of the other planes."""
        found = []
        for name, first in self._pictures[0].items():
            total = np.empty(first.plane.shape, np.float32)
            self._parts[0].operators.download(first.pixels, total)
            others = zip(self._parts[1:], self._pictures[1:], strict=True)
            for part, pictures in others:
                mine = np.empty_like(total)
                part.operators.download(pictures[name].pixels, mine)
                total += mine
            total *= np.float32(scale)
            found.append(total)
        return found
