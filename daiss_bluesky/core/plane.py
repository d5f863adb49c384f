"""A plane through a volume, with the picture to be made of it."""

from dataclasses import dataclass

import numpy as np

from daiss_bluesky.core.errors import InputError

Vector = tuple[float, float, float]
"""(z, y, x), in voxels."""

MAX_SIDE = 8192


@dataclass(frozen=True, slots=True)
class Plane:
    """Where a picture's pixels lie: a middle, and a step down and across, in voxels.

    Voxel (z, y, x) has its middle at these numbers. Steps of length 1 that are at right
    angles give a picture of the volume's own resolution.
    """

    middle: Vector
    down: Vector
    across: Vector
    shape: tuple[int, int]
    """Rows and columns of the picture."""

    def __post_init__(self) -> None:
        """Refuse what is no plane."""
        vectors = np.array([self.middle, self.down, self.across], np.float64)
        if vectors.shape != (3, 3) or not np.isfinite(vectors).all():
            raise InputError(
                f"a plane needs three finite numbers (z, y, x) for middle, down and"
                f" across, not {self.middle}, {self.down}, {self.across}"
            )
        if np.linalg.norm(np.cross(vectors[1], vectors[2])) == 0:
            raise InputError(f"down {self.down} and across {self.across} span no plane")
        if len(self.shape) != 2 or not all(0 < n <= MAX_SIDE for n in self.shape):  # noqa: PLR2004
            raise InputError(
                f"a picture of {self.shape} pixels; 1 to {MAX_SIDE} rows and columns"
                " are possible"
            )
