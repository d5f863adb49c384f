"""What stands under the cursor, in words; and lengths in units a person reads."""

import math
from typing import Any

import numpy as np

from daiss_bluesky.viewers.model.picture import Picture

_STEPS = (1, 2, 5, 10)
_UNITS = ((1e3, "mm"), (1.0, "µm"), (1e-3, "nm"))


def element_at(row: float, column: float) -> tuple[int, int]:
    """Give the element that a point lies in; points count from the top left edge."""
    return math.floor(row), math.floor(column)


def value_text(picture: Picture, row: int, column: int) -> str | None:
    """Write the element itself, with all its digits; None outside the picture."""
    rows, columns = picture.shape
    if not (0 <= row < rows and 0 <= column < columns):
        return None
    value: Any = picture.pixels[row, column]
    if np.iscomplexobj(value):
        return f"{np.abs(value):.6g} ∠ {np.angle(value):.4f} rad"
    return str(value)


def point_text(picture: Picture, row: float, column: float) -> str:
    """Say index, place in µm where it is known, and value; empty outside."""
    i, j = element_at(row, column)
    value = value_text(picture, i, j)
    if value is None:
        return ""
    parts = [f"{picture.rows_along} {i}, {picture.columns_along} {j}"]
    if picture.pixel_size_um is not None:
        down, right = (
            (i + 0.5) * picture.pixel_size_um,
            (j + 0.5) * (picture.pixel_size_um),
        )
        parts.append(f"{down:.2f}, {right:.2f} µm")
    return " · ".join([*parts, value])


def length_text(length_px: float, pixel_size_um: float | None) -> str:
    """Write a length in mm, µm, nm, or in px where no pixel size is known."""
    if pixel_size_um is None:
        return f"{length_px:.4g} px"
    length_um = length_px * pixel_size_um
    for factor, unit in _UNITS:
        if length_um >= factor:
            return f"{length_um / factor:.4g} {unit}"
    return f"{length_um * 1e3:.3g} nm"


def scale_bar(visible_px: float, pixel_size_um: float | None) -> tuple[float, str]:
    """Choose a round bar of about a fifth of what is visible: length in px, text."""
    size = pixel_size_um or 1.0
    target = max(visible_px, 1e-6) * size / 5
    power = 10.0 ** math.floor(math.log10(target))
    round_length = max(step * power for step in _STEPS if step * power <= target)
    length_px = round_length / size
    return length_px, length_text(length_px, pixel_size_um)
