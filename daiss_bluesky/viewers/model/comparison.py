"""A picture against an earlier one, and where a detector was full."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from daiss_bluesky.core.errors import InputError
from daiss_bluesky.viewers.model.picture import Picture


def difference(now: Picture, before: Picture) -> NDArray[Any]:
    """Subtract the earlier picture: float32, or float64 and complex where they are.

    Phases are subtracted on the circle. InputError when the shapes differ.
    """
    if now.shape != before.shape:
        raise InputError(
            f"difference of pictures of {_size(now)} and {_size(before)} px:"
            " expected the same size"
        )
    wide = np.result_type(now.pixels.dtype, before.pixels.dtype, np.float32)
    kind = wide if now.pixels.dtype.kind in "fc" else np.dtype(np.float32)
    apart = np.subtract(now.pixels, before.pixels, dtype=kind)
    if now.view.endswith("_phase"):
        turn = kind.type(2 * np.pi)
        return np.asarray(apart - turn * np.round(apart / turn))
    return np.asarray(apart)


def _size(picture: Picture) -> str:
    rows, columns = picture.shape
    return f"{rows} x {columns}"


def full_scale(pixels: NDArray[Any]) -> float | None:
    """Give the largest count that integers of this kind hold; None for floats."""
    if pixels.dtype.kind not in "iu":
        return None
    return float(np.iinfo(pixels.dtype).max)


def saturated(pixels: NDArray[Any], level: float) -> NDArray[np.bool_]:
    """Mark (row, column) elements that reach a level."""
    if pixels.dtype.kind in "iu":
        top = np.iinfo(pixels.dtype).max
        if level > top:
            return np.zeros(pixels.shape, bool)
        return np.asarray(pixels >= pixels.dtype.type(max(np.ceil(level), 0)))
    return np.asarray(pixels >= level)
