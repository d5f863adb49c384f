"""Compile every kernel once, so that the first scan of the day does not wait."""

import sys
import time
from functools import partial

import numpy as np

from daiss_bluesky.kernels.backprojection import (
    Blocks,
    backproject,
    filter_projections,
    to_volume,
)
from daiss_bluesky.kernels.correction import Fields, attenuation, find_dead
from daiss_bluesky.kernels.ellipsoids_compiled import compile_kernels
from daiss_bluesky.kernels.iterative import Rays, cgls, sirt, tv


def compile_all() -> None:
    """Run each compiled kernel on tiny input, with the dtypes it is used with.

    The compiled code lands in numba's cache beside the sources, or in the folder
    NUMBA_CACHE_DIR names.
    """
    rows, columns, n_angles = 16, 16, 5
    blocks = Blocks(rows, columns)
    gains = np.ones((1, rows, columns), np.float32)
    gains[0, 3, 3] = 0.0
    fields = Fields(gains[0] * 0, gains, np.zeros(1), find_dead(gains))
    times_s = np.zeros(n_angles)
    for dtype in (np.uint16, np.float32):
        raw = np.ones((n_angles, rows, columns), dtype)
        p = attenuation(raw, times_s, fields, zinger_threshold=0.1)
    q = filter_projections(p, np.ones(n_angles), blocks)
    volume = blocks.zeros()
    backproject(q, np.linspace(0, np.pi, n_angles), columns / 2, volume)
    to_volume(volume, rows, scale=1.0)
    _compile_iterative(n_angles, columns)
    compile_kernels()


def _compile_iterative(n_angles: int, columns: int) -> None:
    rays = Rays(np.linspace(0, np.pi, n_angles), columns / 2, columns)
    b = np.ones((n_angles, columns + 2, 16), np.float32)
    x = np.ones((columns, columns, 16), np.float32)
    for solver in (sirt, cgls, partial(tv, strength=1.0)):
        solver(rays, b, x, 1, True, lambda *_: None)


def main() -> None:
    """Compile and say how long it took."""
    start_s = time.monotonic()
    compile_all()
    sys.stdout.write(f"kernels compiled in {time.monotonic() - start_s:.0f} s\n")


if __name__ == "__main__":
    main()
