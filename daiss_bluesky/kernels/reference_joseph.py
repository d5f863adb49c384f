"""The definition of Joseph's projector and its transpose, in plain NumPy float64.

A ray steps through the rows of a slice, or through its columns where it runs more
along them, and interpolates linearly between two pixels at each step; a step is
1 / max(|cos θ|, |sin θ|) long (Joseph, IEEE Trans. Med. Imaging 1 (1982) 192). Seen
from the pixel, its share in a ray at distance d is (m - d) / m² with that maximum m,
for d < m. Pixels outside the inscribed circle are not there.
"""

import numpy as np
from numpy.typing import ArrayLike

from daiss_bluesky.kernels.reference import Array, circle


def forward_project(volume: Array, angles_rad: ArrayLike, center_px: float) -> Array:
    """Integrate a volume (z, y, x), per pixel, along rays: (angle, row, column)."""
    n = volume.shape[-1]
    masked = np.where(circle(n), volume, 0.0)
    angles = np.atleast_1d(np.asarray(angles_rad, np.float64))
    return np.stack([_project(masked, angle, center_px) for angle in angles])


def _project(volume: Array, angle_rad: float, center_px: float) -> Array:
    rows, n, _ = volume.shape
    across, along = np.cos(angle_rad), np.sin(angle_rad)
    if abs(across) < abs(along):
        across, along = along, across
        volume = volume.transpose(0, 2, 1)
    s = np.arange(n) + 0.5 - center_px
    found = np.zeros((rows, n))
    padded = np.pad(volume, [(0, 0), (0, 0), (1, 1)])
    for step in range(n):
        # Where each ray crosses this row, counted in the padded row.
        place = (s - (step - (n - 1) / 2) * along) / across + (n + 1) / 2
        place = np.clip(place, 0, n + 1)
        left = np.minimum(place.astype(int), n)
        right = place - left
        row = padded[:, step]
        found += row[:, left] * (1 - right) + row[:, left + 1] * right
    return np.asarray(found / abs(across))


def transposed_project(p: Array, angles_rad: ArrayLike, center_px: float) -> Array:
    """Give each pixel its share of the rays (angle, row, column); (z, y, x)."""
    n = p.shape[-1]
    offset = np.arange(n) - (n - 1) / 2
    y, x = np.meshgrid(offset, offset, indexing="ij")
    column = np.arange(n) + 0.5 - center_px
    volume = np.zeros((p.shape[1], n, n))
    for angle, projection in zip(np.atleast_1d(angles_rad), p, strict=True):
        m = max(abs(np.cos(angle)), abs(np.sin(angle)))
        s = x * np.cos(angle) + y * np.sin(angle)
        shares = np.maximum(m - np.abs(s[..., None] - column), 0) / m**2
        volume += np.einsum("zc,yxc->zyx", projection, shares)
    volume[:, ~circle(n)] = 0.0
    return volume
