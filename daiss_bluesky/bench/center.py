"""Rotation center: error, error said, and time of each method on each phantom.

`daiss bench center`. 512 columns, 8 rows, noise of 40,000 counts.
"""

import json
import time
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from daiss_bluesky.bench.cases import PHANTOM
from daiss_bluesky.kernels.center_fan import center_fan
from daiss_bluesky.kernels.center_sinogram import (
    SinogramCenter,
    center_by_moments,
    center_by_opposites,
    center_by_sharpness,
    center_by_turn,
    find_sinogram_center,
)
from daiss_bluesky.kernels.ellipsoids import FieldGeometry
from daiss_bluesky.kernels.ellipsoids_compiled import project
from daiss_bluesky.testing.ball_scan import BALLS
from daiss_bluesky.testing.phantoms import Phantom, make_phantom, porous_grain

Method = Callable[[NDArray[np.float32], NDArray[np.float64]], SinogramCenter | None]

COLUMNS, ROWS, COUNTS = 512, 8, 40_000
REPEATS = 2
CASES = [
    ("721 angles, 180 degrees", 721, 180, 0.04),
    ("180 angles, 180 degrees", 180, 180, 0.15),
    ("30 angles, 180 degrees", 30, 180, 0.04),
    ("180 angles, 150 degrees", 180, 150, 0.04),
    ("30 angles, 150 degrees", 30, 150, 0.04),
    ("180 angles, 150 degrees", 180, 150, 0.15),
    ("720 angles, 360 degrees", 720, 360, 0.15),
    ("180 angles, 20 degrees", 180, 20, 0.04),
]


METHODS: dict[str, Method] = {
    "moments": center_by_moments,
    "opposite": lambda p, a: center_by_turn(p, a) or center_by_opposites(p, a),
    "sharpness": center_by_sharpness,
    "together": find_sinogram_center,
}


def phantoms() -> list[Phantom]:
    """Give the samples."""
    found = [Phantom("balls", BALLS, 1.0), porous_grain()]
    table = np.array(json.loads(PHANTOM.read_text(encoding="utf-8"))["ellipsoids"])
    return [*found, make_phantom("ellipsoids", table)]


def sinogram(
    sample: Phantom, center_px: float, angles: NDArray[np.float64]
) -> NDArray[np.float32]:
    """Compute noisy attenuation (angle, row, column)."""
    geometry = FieldGeometry(ROWS, COLUMNS, center_px)
    p = np.stack([project(sample.table, angle, geometry) for angle in angles])
    light = COUNTS * np.exp(-sample.attenuation * p.astype(np.float64))
    counts = np.random.default_rng(0).poisson(light)
    return (-np.log(np.maximum(counts, 1) / COUNTS)).astype(np.float32)


def timed(
    method: Method, p: NDArray[np.float32], angles: NDArray[np.float64]
) -> tuple[SinogramCenter | None, float]:
    """Take the faster of two: other work on the machine only ever adds."""
    times_s = []
    for _ in range(REPEATS):
        began_s = time.perf_counter()
        found = method(p, angles)
        times_s.append(time.perf_counter() - began_s)
    return found, min(times_s)


def measure(told: Callable[[str], None] = lambda _: None) -> list[dict[str, Any]]:
    """Measure all; one row for each phantom, case and method, and one for the fan."""
    rows = []
    for sample in phantoms():
        for case, n, arc_deg, off in CASES:
            told(f"{sample.name}: {case}")
            center_px = COLUMNS * (0.5 + off) + 0.3
            angles = np.deg2rad(np.arange(n) * arc_deg / n)
            p = sinogram(sample, center_px, angles)
            for name, method in METHODS.items():
                found, seconds = timed(method, p, angles)
                rows.append(
                    {"case": f"{sample.name}: {case}", "name": name, "seconds": seconds}
                    | _found(found, center_px)
                )
    return [*rows, _fan_row()]


def _found(found: SinogramCenter | None, true_px: float) -> dict[str, Any]:
    if found is None:
        return {"missing": "gives none here"}
    return {
        "error_px": found.center_px - true_px,
        "error_said_px": found.error_px,
        "unsure": found.unsure,
    }


def _fan_row() -> dict[str, Any]:
    sample, true_px = phantoms()[0], 256.3
    angles = np.deg2rad(np.arange(200) * 0.9)
    p = sinogram(sample, true_px, angles)
    candidates = true_px + np.arange(-10, 11)
    times_s = []
    for _ in range(REPEATS + 1):
        began_s = time.perf_counter()
        fan = center_fan(p, angles, ROWS // 2, candidates)
        times_s.append(time.perf_counter() - began_s)
    case = f"{sample.name}: 21 candidates, 200 angles"
    row = {"case": case, "name": "fan", "seconds": min(times_s)}
    return row | {"error_px": fan.best_px - true_px, "unsure": fan.unsure}
