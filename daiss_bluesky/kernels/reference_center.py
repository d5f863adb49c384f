"""The definitions of the compiled kernels around the rotation center.

Plain NumPy float64, as in `reference`.
"""

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]


def variation(volume: Array, radius_px: float, tiles: int) -> Array:
    """Sum |∇f| over each tile of slices (y, x, candidate); (tiles², candidate).

    Forward differences at the pixels whose centers lie within the radius; pixel i of
    the n - 1 that have a neighbor belongs to tile i · tiles // (n - 1).
    """
    n = volume.shape[0]
    offset = np.arange(n - 1) - (n - 1) / 2
    counted = offset[:, None] ** 2 + offset**2 <= radius_px**2
    gx = np.diff(volume, axis=1)[:-1]
    gy = np.diff(volume, axis=0)[:, :-1]
    size = np.sqrt(gx**2 + gy**2) * counted[:, :, None]
    tile = np.arange(n - 1) * tiles // (n - 1)
    return np.array([
        size[np.ix_(tile == i, tile == j)].sum(axis=(0, 1))
        for i in range(tiles) for j in range(tiles)
    ])  # fmt: skip


def widen(p: Array, center_px: float) -> tuple[Array, float]:
    """Weigh and widen projections (..., column) of a half-acquisition.

    Columns at s from the axis count w(s), with w(s) + w(-s) = 1 where both are on the
    detector, and 1 where only s is. Zeros are added on the near side until the axis is
    in the middle or up to half a column beside; gives its new place too.
    """
    n = p.shape[-1]
    near = min(center_px, n - center_px)
    s = np.arange(n) + 0.5 - center_px
    t = s if center_px < n / 2 else -s
    weights = np.where(
        t >= near,
        1.0,
        np.where(t <= -near, 0.0, (1 + np.sin(np.pi / 2 * t / near)) / 2),
    )
    added = int(np.ceil(2 * (n - near))) - n
    left = added if center_px < n / 2 else 0
    pad = [(0, 0)] * (p.ndim - 1) + [(left, added - left)]
    return np.pad(p * weights, pad), center_px + left


def fold(p: Array, angles_rad: Array, center_px: float) -> tuple[Array, Array]:
    """Join projections (angle, row, column) of an even full turn into half a turn.

    At s from the axis p(θ, s) w(s) + p(θ + π, -s) w(-s), for the angles below π. Angles
    in order, of an even number; the axis at a whole or half column.
    """
    half = len(angles_rad) // 2
    wide, _ = widen(p, center_px)
    return wide[:half] + wide[half:, :, ::-1], angles_rad[:half]


def straighten(
    frame: Array, tilt_rad: float, center_px: float, middle_row_px: float | None = None
) -> Array:
    """Turn one frame (row, column) about an axis tilted by an angle.

    The pixel at s, z from the center and the middle row (half the rows, if not given)
    takes the value at s cos φ + z sin φ, z cos φ - s sin φ, by cubic
    convolution with a = -1/2 (Keys 1981, eq. 15).
    """
    rows, n = frame.shape
    s = np.arange(n) + 0.5 - center_px
    middle = (rows / 2 if middle_row_px is None else middle_row_px) - 0.5
    z = np.arange(rows)[:, None] - middle
    u = center_px - 0.5 + s * np.cos(tilt_rad) + z * np.sin(tilt_rad)
    v = middle - s * np.sin(tilt_rad) + z * np.cos(tilt_rad)
    left, top = np.floor(u).astype(int), np.floor(v).astype(int)
    out = np.zeros(frame.shape)
    for i in range(-1, 3):
        for j in range(-1, 3):
            pixel = frame[np.clip(top + i, 0, rows - 1), np.clip(left + j, 0, n - 1)]
            out += pixel * _keys(v - top - i) * _keys(u - left - j)
    return out


def _keys(t: Array) -> Array:
    t = np.abs(t)
    near = 1.5 * t**3 - 2.5 * t**2 + 1
    far = -0.5 * t**3 + 2.5 * t**2 - 4 * t + 2
    return np.where(t <= 1, near, np.where(t < 2, far, 0))  # noqa: PLR2004
