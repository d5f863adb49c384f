"""What leaves the viewer is painted as on the screen."""

import numpy as np
from numpy.typing import NDArray

from daiss_bluesky.viewers.model.colormaps import (
    MISSING,
    SATURATED,
    complex_colors,
    table,
)
from daiss_bluesky.viewers.model.contrast import Levels
from daiss_bluesky.viewers.model.shown import Shown


def test_levels_holes_and_full_wells() -> None:
    pixels: NDArray[np.float32] = np.array([[0, 1, 9, np.nan, np.inf]], np.float32)
    full = np.array([[False, False, True, False, False]])
    colors = Shown(pixels, Levels(0, 1), table("viridis"), full).colors()
    expected = [*table("viridis")[[0, -1]], SATURATED, MISSING, table("viridis")[-1]]
    assert np.array_equal(colors[0], expected)


def test_complex_values_by_phase() -> None:
    pixels = np.array([[1j, -2.0]])
    colors = Shown(pixels, Levels(0, 2), table("gray")).colors()
    assert np.array_equal(colors, complex_colors(pixels, 2))
