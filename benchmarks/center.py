"""Rotation center: error, error said, and time of each method on each phantom.

`python -m benchmarks.center`. 512 columns, 8 rows, noise of 40,000 counts. The phantom
of 25 ellipsoids joins where DAISS_DATA names the folder it is in.
"""

import json
import os
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from daiss_bluesky.kernels.center_fan import center_fan
from daiss_bluesky.kernels.center_sinogram import (
    SinogramCenter,
    center_by_moments,
    center_by_opposites,
    center_by_sharpness,
    center_by_turn,
    find_sinogram_center,
)
from daiss_bluesky.kernels.compile import compile_all
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


def phantoms() -> list[Phantom]:
    found = [Phantom("balls", BALLS, 1.0), porous_grain()]
    path = Path(os.environ.get("DAISS_DATA", "../shared/data"))
    path /= "phantom_25_ellipsoids.json"
    if path.exists():
        table = np.array(json.loads(path.read_text())["ellipsoids"])
        found.append(make_phantom("ellipsoids", table))
    return found


def sinogram(
    sample: Phantom, center_px: float, angles: NDArray[np.float64]
) -> NDArray[np.float32]:
    geometry = FieldGeometry(ROWS, COLUMNS, center_px)
    p = np.stack([project(sample.table, angle, geometry) for angle in angles])
    light = COUNTS * np.exp(-sample.attenuation * p.astype(np.float64))
    counts = np.random.default_rng(0).poisson(light)
    return (-np.log(np.maximum(counts, 1) / COUNTS)).astype(np.float32)


def describe(found: SinogramCenter | None, true_px: float, seconds: float) -> str:
    if found is None:
        return f"{'-':>29}"
    sure = "sure" if found.unsure is None else "unsure"
    error, said = found.center_px - true_px, min(found.error_px, 999)
    return f"{error:+8.3f} ({said:6.3f}) {1e3 * seconds:4.0f} ms {sure:6}"


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


def main() -> None:
    compile_all()
    methods: dict[str, Method] = {
        "moments": center_by_moments,
        "opposite": lambda p, a: center_by_turn(p, a) or center_by_opposites(p, a),
        "sharpness": center_by_sharpness,
        "together": find_sinogram_center,
    }
    print("error (standard error said) in columns, time, whether it is sure")
    for sample in phantoms():
        for case, n, arc_deg, off in CASES:
            center_px = COLUMNS * (0.5 + off) + 0.3
            angles = np.deg2rad(np.arange(n) * arc_deg / n)
            p = sinogram(sample, center_px, angles)
            print(f"\n{sample.name}, {case}, center {off:+.0%} of the width off")
            for name, method in methods.items():
                found, seconds = timed(method, p, angles)
                print(f"  {name:10} {describe(found, center_px, seconds)}")
    sample = phantoms()[0]
    angles = np.deg2rad(np.arange(200) * 0.9)
    p = sinogram(sample, 256.3, angles)
    candidates = 256.3 + np.arange(-10, 11)
    times_s = []
    for _ in range(5):
        began_s = time.perf_counter()
        fan = center_fan(p, angles, ROWS // 2, candidates)
        times_s.append(time.perf_counter() - began_s)
    print(
        f"\nfan of 21, 200 angles: best {fan.best_px - 256.3:+.3f}"
        f" in {min(times_s):.2f} s (median {np.median(times_s):.2f} s)"
    )


if __name__ == "__main__":
    main()
