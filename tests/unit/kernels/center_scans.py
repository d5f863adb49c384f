"""Sinograms of the phantoms with a known center, as a camera would see them."""

import json
import os
from functools import cache
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from daiss_bluesky.kernels.ellipsoids import FieldGeometry
from daiss_bluesky.kernels.ellipsoids_compiled import project
from daiss_bluesky.testing.ball_scan import BALLS
from daiss_bluesky.testing.phantoms import Phantom, make_phantom, porous_grain

COUNTS = 40_000
DATA = Path(os.environ.get("DAISS_DATA", "../shared/data"))
ELLIPSOIDS = DATA / "phantom_25_ellipsoids.json"


@cache
def phantom(name: str) -> Phantom:
    if name == "grain":
        return porous_grain()
    if name == "balls":
        return Phantom("balls", BALLS, 1.0)
    table = np.array(json.loads(ELLIPSOIDS.read_text())["ellipsoids"])
    return make_phantom(name, table)


def even_angles(n: int, arc_deg: float) -> NDArray[np.float64]:
    return np.deg2rad(np.arange(n) * arc_deg / n)


def sinogram(
    sample: Phantom,
    columns: int,
    center_px: float,
    angles_rad: NDArray[np.float64],
    *,
    rows: int = 12,
    seed: int | None = 0,
) -> NDArray[np.float32]:
    """Attenuation (angle, row, column), with the noise of COUNTS in the empty beam."""
    geometry = FieldGeometry(rows, columns, center_px)
    lines = [project(sample.table, angle, geometry) for angle in angles_rad]
    p = sample.attenuation * np.stack(lines).astype(np.float64)
    if seed is not None:
        counts = np.random.default_rng(seed).poisson(COUNTS * np.exp(-p))
        p = -np.log(np.maximum(counts, 1) / COUNTS)
    return p.astype(np.float32)
