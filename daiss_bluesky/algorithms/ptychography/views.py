"""The pictures of a ptychographic scan while it runs."""

import numpy as np
from numpy.typing import NDArray

from daiss_bluesky.algorithms.ptychography.intake import Optics, Taken
from daiss_bluesky.core.ptychography import PtychographyScan
from daiss_bluesky.core.reconstruction import Arrays
from daiss_bluesky.kernels.frame_moments import frame_moments
from daiss_bluesky.kernels.ptychography import Solver
from daiss_bluesky.kernels.scan_map import ScanMap

Picture = NDArray[np.float32]

LIT = 0.1
"""A pixel is covered where the probes shone on it with this part of the brightest."""


class Pictures:
    """What needs no reconstruction, and the object's present state.

    Their size is that of the planned positions, or grows where there is no plan.
    """

    def __init__(self, scan: PtychographyScan, optics: Optics) -> None:
        self._optics = optics
        self.planned_px: NDArray[np.float64] | None = None
        if scan.positions_um:
            self.planned_px = optics.positions_px(np.array(scan.positions_um))
        self._low, self._high = np.full(2, np.inf), np.full(2, -np.inf)
        if self.planned_px is not None:
            self._reach(self.planned_px)
        self._map = ScanMap(self.planned_px)
        self._newest: NDArray[np.uint16] | None = None

    def _reach(self, positions_px: NDArray[np.float64]) -> None:
        self._low = np.minimum(self._low, positions_px.min(axis=0))
        self._high = np.maximum(self._high, positions_px.max(axis=0))

    def add(self, taken: Taken) -> None:
        """Put frames on the map, at once."""
        self._reach(taken.positions_px)
        frames = self._optics.upright(taken.frames)
        moments = frame_moments(frames, self._optics.bad)
        values = np.column_stack([moments.total, moments.center_px])
        self._map.add(taken.positions_px, values)
        self._newest = frames[-1]

    def show(self, solver: Solver | None) -> dict[str, Picture]:
        """Give all pictures there are by now; copies, finite."""
        if self._newest is None:
            return {}
        total, row, column = self._map.pictures()
        found = {
            "map": total,
            "map_row": row,
            "map_column": column,
            "diffraction": np.log10(1 + self._newest.astype(np.float32)),
        }
        if solver is not None:
            found |= self._object(solver)
        return {
            name: np.nan_to_num(one.astype(np.float32), copy=True)
            for name, one in found.items()
        }

    def _object(self, solver: Solver) -> Arrays:
        covered = self.coverage(solver)
        image = self.crop(solver, solver.canvas.pixels)
        seen = covered > LIT * covered.max()
        middle = np.sum(np.where(seen, image, 0))
        phase = np.angle(image * np.exp(-1j * np.angle(middle)))
        return {
            "object_phase": np.where(seen, phase, 0),
            "object_amplitude": np.where(seen, np.abs(image), 0),
            "probe": np.abs(solver.probe[0]),
            "coverage": covered,
        }

    def crop(self, solver: Solver, image: NDArray[np.generic]) -> NDArray[np.generic]:
        """Cut what the positions reach out of an image as large as the canvas."""
        origin = np.array(solver.canvas.origin)
        first = np.floor(self._low).astype(int) - origin
        last = np.floor(self._high).astype(int) + self._optics.frame_shape - origin + 1
        return image[first[0] : last[0], first[1] : last[1]]

    def coverage(self, solver: Solver) -> Picture:
        """Give how often each pixel was lit, one for the probe's own brightest."""
        light = np.sum(np.abs(solver.probe) ** 2, axis=0)
        light /= light.max()
        lit = np.zeros(solver.canvas.pixels.shape, np.float32)
        rows, columns = light.shape
        for y, x in np.floor(solver.canvas.corners(solver.positions)).astype(int):
            lit[y : y + rows, x : x + columns] += light
        return self.crop(solver, lit).copy()
