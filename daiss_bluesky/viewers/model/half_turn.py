"""Projections half a turn apart over each other: they agree at the true center."""

import numpy as np
from numpy.typing import ArrayLike, NDArray

_LEVELS = (0.5, 99.5)
_STRIDE = 4


def mirrored(projection: ArrayLike, center_px: float) -> NDArray[np.float32]:
    """Mirror a projection (row, column) about a center, interpolated linearly.

    `center_px` counts columns from the left edge, where column c covers c to c + 1.
    Columns that come from outside are NaN.
    """
    pixels = np.asarray(projection, dtype=np.float32)
    columns = pixels.shape[1]
    source = 2 * center_px - 1 - np.arange(columns)
    outside = (source < 0) | (source > columns - 1)
    left = np.clip(np.floor(source), 0, max(0, columns - 2)).astype(int)
    right = np.minimum(left + 1, columns - 1)
    part = np.clip(source - left, 0, 1).astype(np.float32)
    found = pixels[:, left] * (1 - part) + pixels[:, right] * part
    found[:, outside] = np.nan
    return np.asarray(found, dtype=np.float32)


def red_cyan(first: ArrayLike, second: ArrayLike) -> NDArray[np.uint8]:
    """Lay one picture over another as (row, column, 3): red and cyan, gray where equal.

    Both are stretched between the same percentiles; NaN is black.
    """
    a, b = np.asarray(first), np.asarray(second)
    strided = np.stack([a[::_STRIDE, ::_STRIDE], b[::_STRIDE, ::_STRIDE]])
    seen = strided[np.isfinite(strided)]
    low, high = np.percentile(seen, _LEVELS) if seen.size else (0.0, 1.0)
    gray_a, gray_b = (_stretched(one, float(low), float(high)) for one in (a, b))
    return np.stack([gray_a, gray_b, gray_b], axis=-1)


def _stretched(
    pixels: NDArray[np.floating], low: float, high: float
) -> NDArray[np.uint8]:
    span = high - low or 1.0
    scaled = np.clip((pixels - low) / span, 0, 1)
    return np.asarray(np.nan_to_num(scaled) * 255, dtype=np.uint8)
