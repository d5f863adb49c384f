"""The three scans that reconstructions are compared on; line integrals, no noise."""

import json
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from daiss_bluesky.core.errors import unknown
from daiss_bluesky.kernels.ellipsoids import FieldGeometry, as_table
from daiss_bluesky.kernels.ellipsoids_compiled import project, voxelize

PHANTOM = Path(__file__).with_name("phantom_25_ellipsoids.json")
JUDGED_SLICES = 3
"""In the middle, where error is measured and slow peers are timed."""


@dataclass(frozen=True, slots=True)
class Case:
    """Shape of one scan over half a turn, its axis in the detector's middle."""

    name: str
    rows: int
    columns: int
    n_angles: int

    @property
    def angles_rad(self) -> NDArray[np.float64]:
        """Equally spaced, the end not repeated."""
        return np.asarray(
            np.arange(self.n_angles) * (np.pi / self.n_angles), np.float64
        )

    @property
    def weights(self) -> NDArray[np.float64]:
        """Angle each projection stands for."""
        return np.full(self.n_angles, np.pi / self.n_angles)

    @property
    def center_px(self) -> float:
        """Rotation center."""
        return self.columns / 2

    @property
    def judged(self) -> slice:
        """The slices that are compared with the truth."""
        first = (self.rows - JUDGED_SLICES) // 2
        return slice(first, first + JUDGED_SLICES)

    def projections(self) -> NDArray[np.float32]:
        """Compute line integrals (angle, row, column), averaged over pixels."""
        geometry = FieldGeometry(self.rows, self.columns, self.center_px)
        p = np.empty((self.n_angles, self.rows, self.columns), np.float32)
        for i, angle in enumerate(self.angles_rad):
            p[i] = project(_ellipsoids(), float(angle), geometry)
        return p

    def truth(self) -> NDArray[np.float32]:
        """Give the judged slices of the phantom, per pixel."""
        shape = (self.rows, self.columns, self.columns)
        volume = voxelize(_ellipsoids(), shape)[self.judged]
        return np.asarray(volume * np.float32(2 / self.columns), np.float32)


CASES = {
    "A": Case("A", 256, 256, 400),
    "B": Case("B", 512, 512, 720),
    "C": Case("C", 16, 2048, 1500),
}


def find_case(name: str) -> Case:
    """Look a case up."""
    if name not in CASES:
        raise unknown("case", name, CASES)
    return CASES[name]


def _ellipsoids() -> NDArray[np.float64]:
    return as_table(json.loads(PHANTOM.read_text(encoding="utf-8"))["ellipsoids"])
