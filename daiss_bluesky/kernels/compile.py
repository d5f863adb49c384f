"""Compile every kernel once, so that the first scan of the day does not wait."""

import sys
import time
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from multiprocessing import get_context

import numpy as np

from daiss_bluesky.core.plane import Plane
from daiss_bluesky.kernels import gridding_inverse
from daiss_bluesky.kernels.axis_tilt import straighten
from daiss_bluesky.kernels.backprojection import (
    Blocks,
    backproject,
    filter_projections,
    to_volume,
)
from daiss_bluesky.kernels.center_fan import center_fan
from daiss_bluesky.kernels.correction import Fields, attenuation, find_dead
from daiss_bluesky.kernels.ellipsoids_compiled import compile_kernels
from daiss_bluesky.kernels.frame_moments import frame_moments
from daiss_bluesky.kernels.gridding import BLOCK, Grid, add_projections
from daiss_bluesky.kernels.half_acquisition import OffsetField, widen
from daiss_bluesky.kernels.iterative import Rays, cgls, sirt, tv
from daiss_bluesky.kernels.plane_sampling import add_slab
from daiss_bluesky.kernels.ptychography import Solver
from daiss_bluesky.kernels.ptychography_step import Step
from daiss_bluesky.kernels.rings import (
    filter_constant,
    ring_points,
    ring_slice,
    subtract_rings,
)
from daiss_bluesky.kernels.stripes import add_weighted, remove_stripes, stripe_image

SHAPE = (5, 16, 16)
"""Of the tiny input: angles, rows, columns."""


def compile_all() -> None:
    """Run each compiled kernel on tiny input, with the dtypes it is used with.

    The compiled code lands in numba's cache beside the sources, or in the folder
    NUMBA_CACHE_DIR names.
    """
    for part in PARTS:
        part()


def compile_sums() -> None:
    """Run the correction of frames and both ways to sum them up."""
    rows, columns, n_angles = SHAPE[1], SHAPE[2], SHAPE[0]
    blocks = Blocks(rows, columns)
    gains = np.ones((1, rows, columns), np.float32)
    gains[0, 3, 3] = 0.0
    fields = Fields(gains[0] * 0, gains, np.zeros(1), find_dead(gains))
    times_s = np.zeros(n_angles)
    for dtype in (np.uint16, np.float32):
        raw = np.ones(SHAPE, dtype)
        p = attenuation(raw, times_s, fields, zinger_threshold=0.1)
        frame_moments(raw)
    q = filter_projections(p, np.ones(n_angles), blocks)
    volume = blocks.zeros()
    backproject(q, np.linspace(0, np.pi, n_angles), columns / 2, volume)
    to_volume(volume, rows, scale=1.0)
    compile_gridding()


def compile_center_kernels() -> None:
    """Run what looks for the rotation center, and what corrects for it."""
    p = np.ones((8, 16, 32), np.float32)
    angles = np.linspace(0, np.pi, 8)
    center_fan(p, angles, 0, np.arange(12.0, 20.0))
    widen(p, OffsetField(32, 24.0))
    straighten(p, 0.01, 16.0)


def compile_ptychography() -> None:
    """Run the solver once in the far field and once in the near field."""
    probe = np.ones((16, 16), np.complex64)
    for transfer in (None, probe):
        solver = Solver(probe, transfer=transfer)
        solver.add(np.ones((1, 16, 16), np.uint16), np.zeros((1, 2)))
        solver.update([0], Step(position_step=1.0))


def compile_gridding() -> None:
    """Run gridding and what looks into its grids."""
    p = np.ones(SHAPE, np.float32)
    n_angles, rows, columns = p.shape
    grid = Grid(rows, columns)
    grids = grid.zeros()
    angles, weights = np.linspace(0, np.pi, n_angles), np.ones(n_angles)
    kept = grid.remainders()
    add_projections(grids, kept, grid, p, angles, weights, columns / 2)
    gridding_inverse.axial_slice(grids, grid, 0, 1.0)
    gridding_inverse.upright_slices(grids, grid, 0, 0, 1.0)
    volume = gridding_inverse.to_volume(grids, grid, 1.0)
    # Only several blocks give their memory to the volume.
    more = Grid(2 * BLOCK, columns)
    gridding_inverse.to_volume(more.zeros(), more, 1.0)
    plane = Plane((0, 0, 0), (0, 1, 0), (0, 0, 1), (2, 2))
    add_slab(volume, 0, plane, np.zeros(plane.shape, np.float32))


def compile_stripes() -> None:
    """Run what removes stripes and rings."""
    p = np.ones(SHAPE, np.float32)
    volume = np.ones((SHAPE[1], SHAPE[2], SHAPE[2]), np.float32)
    add_weighted(np.zeros(p.shape[1:]), p, np.ones(len(p)))
    remove_stripes(p, 3, 5)
    constant = filter_constant(stripe_image(p[0], 3))
    arcs, center_px, zero = np.array([[0.0, np.pi, 1.0]]), p.shape[2] / 2, np.zeros(1)
    subtract_rings(volume, constant, arcs, center_px)
    ring_slice(constant, 0, arcs, center_px)
    ring_points(constant, arcs, center_px, zero, zero)


def compile_iterative() -> None:
    """Run the iterative solvers."""
    n_angles, _, columns = SHAPE
    rays = Rays(np.linspace(0, np.pi, n_angles), columns / 2, columns)
    b = np.ones((n_angles, columns + 2, 16), np.float32)
    x = np.ones((columns, columns, 16), np.float32)
    for solver in (sirt, cgls, partial(tv, strength=1.0)):
        list(solver(rays, b, x, 1, True))


PARTS = (
    compile_stripes,
    compile_sums,
    compile_ptychography,
    compile_iterative,
    compile_center_kernels,
    compile_kernels,
)
"""Longest first."""


def main() -> None:
    """Compile, two parts at a time, and say how long it took."""
    start_s = time.monotonic()
    with ProcessPoolExecutor(2, get_context("spawn")) as processes:
        for future in [processes.submit(part) for part in PARTS]:
            future.result()
    sys.stdout.write(f"kernels compiled in {time.monotonic() - start_s:.0f} s\n")


if __name__ == "__main__":
    main()
