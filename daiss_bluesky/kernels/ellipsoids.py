"""Projections of ellipsoids: the NumPy reference that defines them.

Lengths are in half field widths: a detector n columns wide spans -1..1. An ellipsoid
(a row of EllipsoidTable) adds its density, per half width, where
(x'/a)² + (y'/b)² + ((z - z0)/c)² ≤ 1 with (x', y') = (x - x0, y - y0) turned by phi.
A ray at angle θ and offset s crosses it over the length (Kak & Slaney, ch. 3)

    2 a b √(r² (1 - ζ²) - t²) / r²,   t = s - x0 cos θ - y0 sin θ,   ζ = (z - z0)/c,
    r² = a² cos²(θ - phi) + b² sin²(θ - phi).

This module imports only NumPy; `ellipsoids_compiled` is the fast form.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from daiss_bluesky.core.errors import InputError

COLUMNS = ("x0", "y0", "z0", "a", "b", "c", "phi_rad", "density")
SUBPIXELS = 4
"""Rays averaged in each column, so that a pixel has a width."""


@dataclass(frozen=True, slots=True)
class FieldGeometry:
    """Where the rays of one frame are."""

    rows: int
    columns: int
    center_px: float
    """Rotation center from the left edge; columns / 2 is the middle."""
    row_shift_px: float = 0.0
    """The sample is this many rows further down."""

    @property
    def half_width_px(self) -> float:
        """Columns that make one unit of length."""
        return self.columns / 2

    def ray_offsets(self) -> NDArray[np.float64]:
        """Give s of each sub-pixel (columns, SUBPIXELS), from the rotation center."""
        sub = (np.arange(SUBPIXELS) + 0.5) / SUBPIXELS - 0.5
        columns = np.arange(self.columns)[:, None] + 0.5 + sub
        return np.asarray((columns - self.center_px) / self.half_width_px, np.float64)

    def heights(self) -> NDArray[np.float64]:
        """Give z of each row; rows span -1..1 whatever their number."""
        middle = (self.rows - 1) / 2 + self.row_shift_px
        return np.asarray((np.arange(self.rows) - middle) / (self.rows / 2), np.float64)


def as_table(ellipsoids: ArrayLike) -> NDArray[np.float64]:
    """Check a table of ellipsoids (n, 8); sizes must be positive."""
    table = np.atleast_2d(np.asarray(ellipsoids, dtype=np.float64))
    if table.ndim != 2 or table.shape[1] != len(COLUMNS):  # noqa: PLR2004
        raise InputError(
            f"ellipsoids need {len(COLUMNS)} numbers each ({', '.join(COLUMNS)}),"
            f" not an array of shape {table.shape}"
        )
    if not np.isfinite(table).all():
        raise InputError("the ellipsoids contain NaN or infinity")
    if (table[:, 3:6] <= 0).any():
        raise InputError("the half axes a, b, c of an ellipsoid must be positive")
    return table


def project(
    table: NDArray[np.float64], angle_rad: float, geometry: FieldGeometry
) -> NDArray[np.float32]:
    """Integrate along the rays of one frame; (row, column), density × half width."""
    s = geometry.ray_offsets()[None]
    z = geometry.heights()[:, None, None]
    total = np.zeros((geometry.rows, geometry.columns))
    cosine, sine = np.cos(angle_rad), np.sin(angle_rad)
    for x0, y0, z0, a, b, c, phi, density in table:
        squared_radius = (a * np.cos(angle_rad - phi)) ** 2 + (
            b * np.sin(angle_rad - phi)
        ) ** 2
        t = s - (x0 * cosine + y0 * sine)
        inside = squared_radius * (1 - ((z - z0) / c) ** 2) - t**2
        chord = 2 * a * b / squared_radius * np.sqrt(np.maximum(inside, 0))
        total += density * chord.mean(axis=-1)
    return total.astype(np.float32)


def voxelize(
    table: NDArray[np.float64], shape: tuple[int, int, int]
) -> NDArray[np.float32]:
    """Sample the sum of ellipsoids in a volume (z, y, x), SUBPIXELS² a voxel.

    The rotation axis is in the middle of the slice. Values are densities.
    """
    rows, ny, nx = shape
    half = nx / 2
    sub = (np.arange(SUBPIXELS) + 0.5) / SUBPIXELS - 0.5
    x = ((np.arange(nx)[:, None] + sub - (nx - 1) / 2) / half).ravel()
    y = ((np.arange(ny)[:, None] + sub - (ny - 1) / 2) / half).ravel()[:, None]
    volume = np.zeros(shape, np.float32)
    for i, z in enumerate(FieldGeometry(rows, nx, 0).heights()):
        fine = np.zeros((y.size, x.size))
        for x0, y0, z0, a, b, c, phi, density in table:
            u = (x - x0) * np.cos(phi) + (y - y0) * np.sin(phi)
            v = (y - y0) * np.cos(phi) - (x - x0) * np.sin(phi)
            fine += density * ((u / a) ** 2 + (v / b) ** 2 + ((z - z0) / c) ** 2 <= 1)
        volume[i] = fine.reshape(ny, SUBPIXELS, nx, SUBPIXELS).mean(axis=(1, 3))
    return volume
