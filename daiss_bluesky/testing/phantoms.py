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

_SURVEY = FieldGeometry(16, 24, 12.0)
_SURVEY_ANGLES = 12


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


def load_phantom(path: Path) -> Phantom:
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
    return make_phantom(path.stem, table)


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
    [0.00, 0.02, 0.00, 0.60, 0.50, 0.72, 0.3, 0.80],
    [0.28, 0.20, 0.12, 0.38, 0.29, 0.52, 0.9, 0.10],
    [-0.32, -0.10, -0.15, 0.36, 0.32, 0.50, 2.3, 0.07],
    [0.10, -0.32, 0.05, 0.40, 0.26, 0.57, 0.2, 0.12],
    [-0.20, 0.33, 0.20, 0.32, 0.26, 0.42, 1.2, 0.09],
    [0.36, -0.14, -0.30, 0.28, 0.24, 0.36, 0.5, 0.07],
    [-0.05, 0.02, -0.58, 0.38, 0.34, 0.28, 0.0, 0.10],
])  # fmt: skip

_DIRECTIONS = np.array(
    [[i, j, k] for i in (-1, 0, 1) for j in (-1, 0, 1) for k in (-1, 0, 1)], np.float64
) / np.sqrt([[max(1, i * i + j * j + k * k)] for i in (-1, 0, 1) for j in (-1, 0, 1)
             for k in (-1, 0, 1)])  # fmt: skip


def porous_grain(seed: int = 7, *, pores: int = 150, inclusions: int = 16) -> Phantom:
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
        row[7] = -zone if empty else rng.uniform(0.4, 0.8)
        rows.append(row)
        placed = np.vstack([placed, [*row[:3], reach]])
    return make_phantom("porous-grain", np.vstack([_BODY, *rows]))


def _candidate(rng: np.random.Generator, empty: bool) -> NDArray[np.float64]:
    median = 0.05 if empty else 0.024
    size = float(np.clip(median * rng.lognormal(0, 0.5), 0.014, 0.14))
    place = rng.uniform([-0.6, -0.6, -0.75], [0.6, 0.6, 0.75])
    axes = size * rng.uniform([0.6, 0.6, 0.6], [1.0, 1.0, 1.0])
    return np.array([*place, *axes, rng.uniform(0, np.pi), 0.0])


def _zone_density(row: NDArray[np.float64]) -> float | None:
    """Give the body's density around an ellipsoid; None across a zone's border."""
    points = row[:3] + 1.1 * row[3:6].max() * _DIRECTIONS
    offsets = points[:, None] - _BODY[None, :, :3]
    cosine, sine = np.cos(_BODY[:, 6]), np.sin(_BODY[:, 6])
    u = offsets[..., 0] * cosine + offsets[..., 1] * sine
    v = offsets[..., 1] * cosine - offsets[..., 0] * sine
    a, b, c = _BODY[:, 3:6].T
    inside = (u / a) ** 2 + (v / b) ** 2 + (offsets[..., 2] / c) ** 2 <= 1
    if not (inside.all(axis=0) | ~inside.any(axis=0)).all():
        return None
    return float(_BODY[inside[0], 7].sum()) or None
