"""A few rows of the projections seen so far, to find the rotation center from."""

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from daiss_bluesky.algorithms.axis_tilt import Upright
from daiss_bluesky.core.errors import InputError
from daiss_bluesky.core.frames import Batch
from daiss_bluesky.core.geometry import coverage
from daiss_bluesky.kernels.center_fan import Fan, center_fan
from daiss_bluesky.kernels.center_sinogram import (
    SinogramCenter,
    find_sinogram_center,
)
from daiss_bluesky.kernels.correction import NO_DEAD, Fields, attenuation, find_dead
from daiss_bluesky.kernels.half_acquisition import (
    TurnCenter,
    find_turn_center,
    shared_rad,
)

MAX_PROJECTIONS = 360
"""Kept at most, spread evenly over the scan."""

_PLACES = 4
_NEIGHBORS = 3
"""Rows kept together at each place, so that zingers and dead pixels stand out."""

EARLY_PROJECTIONS = 30
EARLY_COVERAGE = 0.8
"""Of the half circle: enough to look for the center before the scan is over."""


def kept_rows(rows: int) -> NDArray[np.intp]:
    """Choose rows: all of a few, else triples at four places of the detector."""
    if rows <= _PLACES * _NEIGHBORS:
        return np.arange(rows)
    middles = (np.arange(_PLACES) + 0.5) * rows / _PLACES
    firsts = np.clip(middles.astype(int) - 1, 0, rows - _NEIGHBORS)
    return np.unique(firsts[:, None] + np.arange(_NEIGHBORS))


def kept_stride(n: int) -> int:
    """Give the step between the numbers of the projections kept, of n."""
    stride = 1
    while -(-n // stride) > MAX_PROJECTIONS:
        stride *= 2
    return stride


class SinogramRows:
    """Keeps raw rows, because flats and darks may come later."""

    def __init__(self, rows: int, middle_row_px: float | None = None) -> None:
        self.rows = kept_rows(rows)
        self._count = rows
        self._middle_row_px = middle_row_px
        self.tilt_rad = 0.0
        """Of the axis; rows are moved so that they share a center."""
        self._kept: dict[int, tuple[float, NDArray[Any]]] = {}
        self._stride = 1

    @staticmethod
    def bytes_for(frame_shape: tuple[int, int]) -> int:
        """Tell how much is held at most, raw and corrected."""
        rows, columns = frame_shape
        return 2 * 4 * MAX_PROJECTIONS * len(kept_rows(rows)) * columns

    def __len__(self) -> int:
        """Count the projections kept."""
        return len(self._kept)

    def add(self, batch: Batch) -> int:
        """Keep rows of projections that are new; gives how many.

        When there are too many every second one goes, by its number, so that what is
        left depends on the projections there were and not on their order.
        """
        before = len(self._kept)
        for index, angle, frame in zip(
            batch.indices, batch.angles_rad, batch.pixels, strict=True
        ):
            number = int(index)
            if number in self._kept or number % self._stride or np.isnan(angle):
                continue
            self._kept[number] = (float(angle), frame[self.rows].copy())
        added = len(self._kept) - before
        while len(self._kept) > MAX_PROJECTIONS:
            self._stride *= 2
            even = {i: one for i, one in self._kept.items() if i % self._stride == 0}
            self._kept = even
        return added

    def is_early_enough(self) -> bool:
        """Tell whether what is there may already give a center."""
        if len(self._kept) < EARLY_PROJECTIONS:
            return False
        angles = [angle for angle, _ in self._kept.values()]
        return coverage(angles) >= EARLY_COVERAGE

    def find(self, fields: Fields, zinger_threshold: float | None) -> SinogramCenter:
        """Look for the center in what is there; corrected with the first flats."""
        try:
            return find_sinogram_center(*self._corrected(fields, zinger_threshold))
        except InputError as error:
            middle_px = fields.dark.shape[1] / 2
            return SinogramCenter(middle_px, np.inf, "moments", str(error))

    def shared_rad(self) -> float:
        """Tell how much of the half circle was seen from both sides so far."""
        return shared_rad([angle for angle, _ in self._kept.values()])

    def find_turn(self, fields: Fields, zinger_threshold: float | None) -> TurnCenter:
        """Look for a center anywhere on the detector; InputError where it cannot be."""
        return find_turn_center(*self._corrected(fields, zinger_threshold))

    def sinogram(
        self, fields: Fields, zinger_threshold: float | None, row: int
    ) -> tuple[int, NDArray[np.float64], NDArray[np.float32]]:
        """Give the kept row nearest to one, its angles and attenuation, by angle."""
        nearest = int(np.argmin(np.abs(self.rows - row)))
        p, angles = self._corrected(fields, zinger_threshold)
        order = np.argsort(angles, kind="stable")
        return int(self.rows[nearest]), angles[order], p[order, nearest].copy()

    def fan(
        self,
        fields: Fields,
        zinger_threshold: float | None,
        candidates_px: ArrayLike,
        row: int,
    ) -> tuple[int, Fan]:
        """Score candidates on the kept row that is nearest to one; says which it is."""
        nearest = int(np.argmin(np.abs(self.rows - row)))
        p, angles = self._corrected(fields, zinger_threshold)
        return int(self.rows[nearest]), center_fan(p, angles, nearest, candidates_px)

    def _corrected(
        self, fields: Fields, zinger_threshold: float | None
    ) -> tuple[NDArray[np.float32], NDArray[np.float64]]:
        if not self._kept:
            raise InputError("no projection has come to find the center from")
        ordered = [self._kept[i] for i in sorted(self._kept)]
        raw = np.stack([rows for _, rows in ordered])
        nothing = np.full(len(ordered), np.nan)
        some = _fields_of_rows(fields, self.rows)
        p = attenuation(raw, nothing, some, zinger_threshold)
        upright = Upright(self.tilt_rad, self._middle_row_px)
        p = upright.moved_rows(p, self.rows, self._count)
        return p, np.array([angle for angle, _ in ordered])


def _fields_of_rows(fields: Fields, rows: NDArray[np.intp]) -> Fields:
    gains = np.ascontiguousarray(fields.gains[:, rows])
    dead = find_dead(gains) if len(fields.dead) else NO_DEAD
    return Fields(np.ascontiguousarray(fields.dark[rows]), gains, fields.times_s, dead)
