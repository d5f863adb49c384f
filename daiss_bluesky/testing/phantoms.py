"""Samples with known truth: sums of ellipsoids, as the twin images them.

Lengths are in half field widths, as in `kernels.ellipsoids`. `attenuation` turns
density × half width into the -log of a projection; it is chosen so that the thickest
ray has MAX_LINE_INTEGRAL, whatever the size of the detector.
"""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from daiss_bluesky.core.errors import InputError
from daiss_bluesky.kernels.ellipsoids import FieldGeometry, as_table, project

MAX_LINE_INTEGRAL = 1.5
"""-log of the transmission of the thickest ray: about a fifth of the light is left."""

_SURVEY = FieldGeometry(48, 48, 23.5)
_SURVEY_ANGLES = 24


@dataclass(frozen=True, slots=True, eq=False)
class Phantom:
    """A sum of ellipsoids and what it does to the beam."""

    name: str
    table: NDArray[np.float64]
    """(n, 8): x0, y0, z0, a, b, c, phi_rad, density."""
    attenuation: float
    """-log of the transmission for density 1 over one half field width."""


def truth(phantom: Phantom, shape: tuple[int, int, int]) -> NDArray[np.float32]:
    """Give the volume (z, y, x) a perfect reconstruction has: attenuation per pixel."""
    from daiss_bluesky.kernels.ellipsoids_compiled import voxelize  # noqa: PLC0415

    volume = voxelize(phantom.table, shape)
    volume *= np.float32(phantom.attenuation * 2 / shape[2])
    return volume


def load_phantom(path: Path, max_line_integral: float = MAX_LINE_INTEGRAL) -> Phantom:
    """Read a phantom file: JSON with `ellipsoids`, a list of eight numbers each."""
    try:
        document: Any = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise InputError(
            f"phantom file {path} cannot be read: {error.strerror}"
        ) from None
    except ValueError as error:
        raise InputError(f"phantom file {path} is not JSON: {error}") from None
    if not isinstance(document, dict) or not document.get("ellipsoids"):
        raise InputError(f"phantom file {path} needs a list 'ellipsoids'")
    try:
        table = as_table(document["ellipsoids"])
    except ValueError as error:
        raise InputError(f"phantom file {path} is refused: {error}") from None
    return make_phantom(path.stem, table, max_line_integral)


def make_phantom(
    name: str,
    table: NDArray[np.float64],
    max_line_integral: float = MAX_LINE_INTEGRAL,
) -> Phantom:
    """Give a table of ellipsoids the attenuation its thickest ray asks for."""
    angles = np.arange(_SURVEY_ANGLES) * np.pi / _SURVEY_ANGLES
    thickest = max(float(project(table, angle, _SURVEY).max()) for angle in angles)
    if thickest <= 0:
        raise InputError(f"phantom {name} does not absorb anywhere")
    return Phantom(name, table, max_line_integral / thickest)


# Body of the grain: a core, and lobes that overlap it, so that its outline is uneven
# and its inside has zones: x0, y0, z0, a, b, c, phi_rad, density.
_BODY = np.array([
    [0.00, 0.02, 0.00, 0.62, 0.50, 0.74, 0.3, 0.60],
    [0.30, 0.22, 0.12, 0.36, 0.27, 0.50, 0.9, 0.20],
    [-0.34, -0.12, -0.15, 0.34, 0.30, 0.48, 2.3, 0.16],
    [0.10, -0.36, 0.05, 0.38, 0.24, 0.55, 0.2, 0.22],
    [-0.20, 0.36, 0.20, 0.30, 0.24, 0.40, 1.2, 0.18],
    [0.40, -0.16, -0.30, 0.26, 0.22, 0.34, 0.5, 0.15],
    [-0.05, 0.02, -0.62, 0.36, 0.32, 0.26, 0.0, 0.20],
])  # fmt: skip


def porous_grain(seed: int = 7, *, pores: int = 110, inclusions: int = 16) -> Phantom:
    """Make a mineral grain: uneven outline, zones, empty pores, dense inclusions.

    Pores and inclusions lie wholly inside one zone and do not touch each other, so
    every pore is exactly empty and no density is negative.
    """
    rng = np.random.default_rng(seed)
    placed = np.empty((0, 4))
    rows: list[NDArray[np.float64]] = []
    while len(rows) < pores + inclusions:
        empty = len(rows) < pores
        row = _candidate(rng, empty)
        reach = row[3:6].max()
        apart = np.linalg.norm(placed[:, :3] - row[:3], axis=1) - placed[:, 3]
        if (apart < reach + 0.012).any():
            continue
        zone = _zone_density(row)
        if zone is None:
            continue
        row[7] = -zone if empty else rng.uniform(0.5, 1.1)
        rows.append(row)
        placed = np.vstack([placed, [*row[:3], reach]])
    return make_phantom("porous-grain", np.vstack([_BODY, *rows]))


def _candidate(rng: np.random.Generator, empty: bool) -> NDArray[np.float64]:
    median = 0.042 if empty else 0.024
    size = float(np.clip(median * rng.lognormal(0, 0.45), 0.014, 0.11))
    place = rng.uniform([-0.75, -0.7, -0.8], [0.75, 0.7, 0.8])
    axes = size * rng.uniform([0.6, 0.6, 0.6], [1.0, 1.0, 1.0])
    return np.array([*place, *axes, rng.uniform(0, np.pi), 0.0])


def _zone_density(row: NDArray[np.float64]) -> float | None:
    """Give the body's density around an ellipsoid; None across a zone's border."""
    reach = row[3:6].max() * 1.1
    directions = np.array(
        [[i, j, k] for i in (-1, 0, 1) for j in (-1, 0, 1) for k in (-1, 0, 1)],
        dtype=np.float64,
    )
    lengths = np.maximum(np.linalg.norm(directions, axis=1, keepdims=True), 1)
    points = row[:3] + reach * directions / lengths
    inside = np.array([_contains(body, points) for body in _BODY])
    if not (inside.all(axis=1) | ~inside.any(axis=1)).all():
        return None
    density = float(_BODY[inside[:, 0], 7].sum())
    return density or None


def _contains(
    row: NDArray[np.float64], points: NDArray[np.float64]
) -> NDArray[np.bool_]:
    x0, y0, z0, a, b, c, phi, _ = row
    dx, dy, dz = (points - [x0, y0, z0]).T
    u = dx * np.cos(phi) + dy * np.sin(phi)
    v = dy * np.cos(phi) - dx * np.sin(phi)
    inside: NDArray[np.bool_] = (u / a) ** 2 + (v / b) ** 2 + (dz / c) ** 2 <= 1
    return inside
