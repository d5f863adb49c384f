"""The object of the ptychography phantom: a Siemens star among grains."""

import numpy as np
from numpy.typing import NDArray

FINE = 2
"""Samples to a pixel of a reconstruction."""

EDGE_PX = 0.7
"""Half width of every edge."""

SPOKES = 18
GRAINS = 160
LARGEST_PHASE = 1.0
SMALLEST_AMPLITUDE = 0.7

Field = NDArray[np.float64]


def draw_object(shape: tuple[int, int], seed: int) -> NDArray[np.complex128]:
    """Draw it over so many pixels, at FINE samples to each.

    Phase 0 to -LARGEST_PHASE, since matter retards waves exp(ikz) where it absorbs
    them; amplitude SMALLEST_AMPLITUDE to 1; 1 at the border.
    """
    rng = np.random.default_rng(seed)
    y, x = (np.arange(FINE * n) / FINE for n in shape)
    star = _star(y[:, None], x[None], shape)
    retarding, absorbing = (_grains(y, x, shape, rng) for _ in range(2))
    phase = LARGEST_PHASE * (0.6 * star + 0.4 * retarding)
    absorption = (1 - SMALLEST_AMPLITUDE) * (0.5 * star + 0.5 * absorbing)
    inside = _edge(_border_distance(y[:, None], x[None], shape) - 8.0)
    return np.asarray((1 - absorption * inside) * np.exp(-1j * phase * inside))


def _edge(distance_px: Field) -> Field:
    """Rise from 0 outside to 1 inside."""
    return np.asarray(0.5 * (1 + np.tanh(distance_px / EDGE_PX)))


def _border_distance(y: Field, x: Field, shape: tuple[int, int]) -> Field:
    rows, columns = shape
    down = np.minimum(y, rows - 1 - y)
    return np.minimum(down, np.minimum(x, columns - 1 - x))


def _star(y: Field, x: Field, shape: tuple[int, int]) -> Field:
    """Spokes that narrow to less than a pixel, with two rings cut out of them."""
    rows, columns = shape
    down, right = y - 0.52 * rows, x - 0.47 * columns
    radius = np.hypot(down, right)
    across = radius / SPOKES * np.sin(SPOKES * np.arctan2(down, right) + 0.3)
    largest = 0.36 * min(shape)
    spokes = _edge(across) * _edge(largest - radius)
    for ring in (0.3, 0.65):
        spokes *= 1 - _edge(3.0 - np.abs(radius - ring * largest))
    return np.asarray(spokes)


def _grains(
    y: Field, x: Field, shape: tuple[int, int], rng: np.random.Generator
) -> Field:
    """Ellipses of 2 to 14 pixels, turned any way, each of its own density up to 1."""
    found = np.zeros((len(y), len(x)))
    for _ in range(GRAINS):
        center = rng.uniform(0.06, 0.94, 2) * shape
        axes = rng.uniform(2.0, 14.0, 2)
        turn, density = rng.uniform(0, np.pi), rng.uniform(0.2, 1.0)
        reach = axes.max() + 8 * EDGE_PX
        rows, columns = (
            slice(*np.searchsorted(along, (middle - reach, middle + reach)))
            for along, middle in zip((y, x), center, strict=True)
        )
        down, right = y[rows, None] - center[0], x[None, columns] - center[1]
        u = (down * np.cos(turn) + right * np.sin(turn)) / axes[0]
        v = (right * np.cos(turn) - down * np.sin(turn)) / axes[1]
        grain = density * _edge((1 - np.hypot(u, v)) * axes.min())
        found[rows, columns] = np.maximum(found[rows, columns], grain)
    return found
