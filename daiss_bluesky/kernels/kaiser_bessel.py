"""The Kaiser-Bessel window that spreads samples over a grid, and its transform.

Its shape parameter is the one of least aliasing for a width and an oversampling:
Beatty, Nishimura & Pauly, IEEE Trans. Med. Imaging 24, 799 (2005), eq. 5.
"""

import numpy as np
from numpy.typing import NDArray

WIDTH = 6
"""Grid points a sample is spread over, along each axis."""

STEPS = 256
"""Positions between two grid points that the table knows; linear in between."""


def shape_parameter(oversampling: float) -> float:
    """Give Beatty's β for WIDTH."""
    reach = (WIDTH / oversampling) ** 2 * (oversampling - 0.5) ** 2 - 0.8
    return float(np.pi * np.sqrt(reach))


def window(t: NDArray[np.float64], beta: float) -> NDArray[np.float64]:
    """Evaluate the window at distances of t grid points; 1 in its middle.

    Zero at its very ends, of which a grid has only one for a sample between two points
    and would have both for a sample on one: the transform of a real slice stays even.
    """
    inside = 1.0 - (2.0 * t / WIDTH) ** 2
    value = np.i0(beta * np.sqrt(np.maximum(0.0, inside))) / np.i0(beta)
    return np.where(inside > 0, value, 0.0)


def window_transform(x: NDArray[np.float64], beta: float) -> NDArray[np.float64]:
    """Integrate window(t) cos(2π x t) over t: what spreading does at position x.

    Beatty et al., eq. 4; the root is imaginary, and sinh a sine, at large x.
    """
    root = np.sqrt((beta**2 - (np.pi * WIDTH * x) ** 2).astype(np.complex128))
    return np.asarray((WIDTH * np.sinh(root) / root).real / np.i0(beta))


def table(beta: float) -> NDArray[np.float32]:
    """Tabulate, for a sample a fraction behind a grid point, its WIDTH weights.

    (STEPS + 2, WIDTH): the grid points from WIDTH / 2 - 1 before that point on.
    """
    fraction = np.arange(STEPS + 2) / STEPS
    away = np.arange(WIDTH) - (WIDTH // 2 - 1) - fraction[:, None]
    return window(away, beta).astype(np.float32)
