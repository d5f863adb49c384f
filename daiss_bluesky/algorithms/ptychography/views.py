"""The pictures of a ptychographic scan while it runs."""

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from daiss_bluesky.algorithms.ptychography.intake import Optics, Taken
from daiss_bluesky.algorithms.ptychography.slope import leveled
from daiss_bluesky.core.ptychography import PtychographyScan
from daiss_bluesky.kernels.frame_moments import Moments, frame_moments
from daiss_bluesky.kernels.overlap import differ, nearest_distance_px
from daiss_bluesky.kernels.ptychography_solver import AnySolver
from daiss_bluesky.kernels.scan_map import ScanMap

Picture = NDArray[np.float32]

MAPS = ("map", "map_row", "map_column")
"""Transmission, and how far the center of mass lies off along rows and columns."""

MAP_STEP = 16
"""Parts of a frame's side that a pixel of the maps is, where there is no plan."""


NOISE_PX = 1.0
"""Readbacks may miss the plan by so much, and the pictures keep their size."""


OBJECT = ("object_phase", "object_amplitude")


def empty_map(
    planned_px: NDArray[np.float64] | None, frame_shape: tuple[int, int]
) -> ScanMap:
    """Make room for what single frames say: of the whole plan, where there is one."""
    if planned_px is None or not differ(planned_px):
        return ScanMap(len(MAPS), max(1.0, min(frame_shape) / MAP_STEP))
    found = ScanMap(len(MAPS), max(1.0, nearest_distance_px(planned_px)))
    found.make_room(planned_px)
    return found


class Pictures:
    """What needs no reconstruction, and the object as it is.

    Their size is that of the planned positions; it grows where there is no plan.
    """

    def __init__(
        self,
        scan: PtychographyScan,
        optics: Optics,
        moments: Callable[..., Moments] = frame_moments,
    ) -> None:
        self._moments = moments
        self._optics = optics
        self._low, self._high = np.full(2, np.inf), np.full(2, -np.inf)
        self.planned_px: NDArray[np.float64] | None = None
        if scan.positions_um is not None and len(scan.positions_um) > 1:
            self.planned_px = optics.positions_px(np.array(scan.positions_um))
            self._reach(self.planned_px)
        self._map = empty_map(self.planned_px, optics.frame_shape)
        self._newest: NDArray[np.uint16] | None = None

    def _reach(self, positions_px: NDArray[np.float64], less_px: float = 0.0) -> None:
        self._low = np.minimum(self._low, positions_px.min(axis=0) + less_px)
        self._high = np.maximum(self._high, positions_px.max(axis=0) - less_px)

    def add(self, taken: Taken) -> None:
        """Put frames on the map, at once."""
        planned = self.planned_px is not None
        self._reach(taken.positions_px, NOISE_PX if planned else 0.0)
        frames = self._optics.upright(taken.frames)
        moments = self._moments(frames, self._optics.bad)
        values = np.column_stack([moments.total, moments.center_px])
        self._map.add(taken.positions_px, values)
        self._newest = frames[-1]

    def show(self, solver: AnySolver | None) -> dict[str, Picture]:
        """Give all pictures there are by now; copies, finite, the most wanted first."""
        if self._newest is None:
            return {}
        maps = dict(zip(MAPS, self._map.image(), strict=True))
        found: dict[str, NDArray[Any]] = {"map": maps.pop("map")}
        pictures = {} if solver is None else self._object(solver)
        found |= {name: pictures.pop(name) for name in OBJECT if name in pictures}
        found["diffraction"] = np.log10(1 + self._newest.astype(np.float32))
        found |= pictures | maps
        finite = {name: np.nan_to_num(one) for name, one in found.items()}
        return {name: np.array(one, np.float32) for name, one in finite.items()}

    def _object(self, solver: AnySolver) -> dict[str, NDArray[Any]]:
        covered = self.coverage(solver)
        image = self.crop(solver, solver.canvas.pixels)
        seen = covered > 0
        return {
            "object_phase": np.angle(leveled(np.where(seen, image, 0))),
            "object_amplitude": np.where(seen, np.abs(image), 0),
            "probe": np.abs(solver.probe[0]),
            "coverage": covered,
        }

    def crop(self, solver: AnySolver, image: NDArray[Any]) -> NDArray[Any]:
        """Cut what the positions reach out of an image as large as the canvas."""
        origin = np.array(solver.canvas.origin)
        first = np.floor(self._low).astype(int) - origin
        last = np.ceil(self._high).astype(int) + self._optics.frame_shape - origin
        return image[first[0] : last[0], first[1] : last[1]]

    @property
    def origin_px(self) -> tuple[float, float]:
        """Position of the object's first pixel, in pixels of the object."""
        row, column = np.floor(self._low)
        return float(row), float(column)

    def coverage(self, solver: AnySolver) -> NDArray[np.int32]:
        """Count the frames that lit each pixel of the object."""
        return np.asarray(self.crop(solver, solver.illumination()).copy())
