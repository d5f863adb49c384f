"""A small scan with known truth, for tests: a ball that holds some others."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from daiss_bluesky.core.scan import Scan
from daiss_bluesky.core.stored import StoredScan
from daiss_bluesky.kernels import reference
from daiss_bluesky.kernels.ellipsoids import FieldGeometry, project, voxelize

BALLS = np.array(
    [
        [0.0, 0.0, 0.0, 0.7, 0.7, 0.9, 0.0, 0.5],
        [0.3, 0.1, 0.2, 0.2, 0.15, 0.3, 0.4, 0.4],
        [-0.25, 0.3, -0.1, 0.15, 0.2, 0.4, 1.0, -0.3],
        [-0.1, -0.4, 0.0, 0.1, 0.1, 0.5, 0.0, 0.6],
    ]
)
"""Ellipsoids as `kernels.ellipsoids` takes them."""

FLAT_COUNTS = 40_000.0
DARK_COUNTS = 100.0


def ball_truth(rows: int, columns: int) -> NDArray[np.float64]:
    """Give the volume (z, y, x) in attenuation per pixel."""
    return voxelize(BALLS, (rows, columns, columns)).astype(np.float64) * 2 / columns


def true_transmission(stored: StoredScan) -> NDArray[np.float64]:
    """Divide the projections by the beam as it was at each one's time, in float64."""
    dark = stored.darks[0].astype(np.float64)
    before, after = stored.flats[0] - dark, stored.flats[-1] - dark
    u = ((stored.times_s - 1.0) / (stored.flat_times_s[4] - 1.0))[:, None, None]
    return reference.transmission(
        stored.projections, dark, before * (1 - u) + after * u
    )


def _project_turned(
    angle_rad: float, geometry: FieldGeometry, tilt_rad: float
) -> NDArray[np.float64]:
    """Integrate through the balls on a turned detector, at 2 x 2 points a pixel."""
    fine = np.arange(2 * max(geometry.rows, geometry.columns)) / 2 + 0.25
    u = (fine[: 2 * geometry.columns] - geometry.center_px)[None]
    v = (fine[: 2 * geometry.rows] - geometry.rows / 2)[:, None]
    s = (u * np.cos(tilt_rad) - v * np.sin(tilt_rad)) / geometry.half_width_px
    z = (u * np.sin(tilt_rad) + v * np.cos(tilt_rad)) / (geometry.rows / 2)
    total = np.zeros(s.shape)
    for x0, y0, z0, a, b, c, phi, density in BALLS:
        away = s - x0 * np.cos(angle_rad) - y0 * np.sin(angle_rad)
        squared = (a * np.cos(angle_rad - phi)) ** 2 + (
            b * np.sin(angle_rad - phi)
        ) ** 2
        inside = squared * (1 - ((z - z0) / c) ** 2) - away**2
        total += density * 2 * a * b / squared * np.sqrt(np.maximum(inside, 0))
    shape = geometry.rows, 2, geometry.columns, 2
    return np.asarray(total.reshape(shape).mean(axis=(1, 3)))


def make_ball_scan(
    angles_deg: NDArray[np.float64],
    *,
    rows: int = 18,
    columns: int = 32,
    center_px: float | None = None,
    pair: bool = True,
    noise_seed: int | None = None,
    tilt_deg: float = 0.0,
) -> StoredScan:
    """Make a scan with a flat that brightens by a fifth from before to after.

    With a tilt the detector is turned, so that the axis crosses row v, from the middle
    one, at center_px + tan(tilt) · v. Flats and darks are noise-free and have a
    pattern; counts are whole numbers.
    """
    center_px = columns / 2 + 1.25 if center_px is None else center_px
    geometry = FieldGeometry(rows, columns, center_px)
    rng = np.random.default_rng(noise_seed)
    n = len(angles_deg)
    pattern = 1 + 0.2 * np.sin(np.arange(rows * columns)).reshape(rows, columns)
    before, after = FLAT_COUNTS * pattern, 1.2 * FLAT_COUNTS * pattern

    def lines(angle_rad: float) -> NDArray[Any]:
        if tilt_deg:
            return _project_turned(angle_rad, geometry, np.deg2rad(tilt_deg))
        return project(BALLS, angle_rad, geometry)

    def expose(angle_deg: float, fraction: float) -> NDArray[np.uint16]:
        beam = before * (1 - fraction) + after * fraction
        light = beam * np.exp(-lines(np.deg2rad(angle_deg)))
        counts = light if noise_seed is None else rng.poisson(light)
        return np.asarray(np.round(counts + DARK_COUNTS), np.uint16)

    times_s = np.arange(10, n + 10, dtype=np.float64)
    flat_times_s = np.array([0.0, 1.0, 2.0, n + 20.0, n + 21.0, n + 22.0])
    fractions = (times_s - 1.0) / (n + 20.0)
    flats = np.stack([before] * 3 + [after] * 3) + DARK_COUNTS
    counts = {"projection": n, "flat": 6, "dark": 2} | ({"pair": 2} if pair else {})
    pair_deg = np.array([0.0, 180.0])
    return StoredScan(
        scan=Scan.parse(
            {"run_uid": "balls", "angles_deg": angles_deg.tolist(), "counts": counts},
            "the ball scan",
        ),
        projections=np.stack(
            [expose(a, f) for a, f in zip(angles_deg, fractions, strict=True)]
        ),
        projection_indices=np.arange(n),
        angles_rad=np.deg2rad(angles_deg),
        times_s=times_s,
        flats=np.round(flats).astype(np.uint16),
        flat_times_s=flat_times_s,
        darks=np.full((2, rows, columns), DARK_COUNTS, np.uint16),
        dark_times_s=np.array([-2.0, -1.0]),
        pair=np.stack([expose(a, 0.0) for a in pair_deg]) if pair else None,
        pair_angles_rad=np.deg2rad(pair_deg) if pair else None,
    )


def scan_of(p: NDArray[np.float32], angles_rad: NDArray[np.float64]) -> StoredScan:
    """Make a scan of given line integrals (angle, row, column), in whole counts."""
    counts = np.rint(DARK_COUNTS + FLAT_COUNTS * np.exp(-p)).astype(np.uint16)
    one = np.ones((3, *p.shape[1:]))
    return StoredScan(
        scan=Scan(run_uid="given", angles_deg=np.rad2deg(angles_rad).tolist()),
        projections=counts,
        projection_indices=np.arange(len(p)),
        angles_rad=angles_rad,
        times_s=np.arange(len(p), dtype=np.float64),
        flats=(one * (FLAT_COUNTS + DARK_COUNTS)).astype(np.uint16),
        flat_times_s=np.zeros(3),
        darks=(one * DARK_COUNTS).astype(np.uint16),
        dark_times_s=np.zeros(3),
    )
