"""Backprojection on a device: pictures of planes that grow, and slabs of slices.

Defined by `reference.backproject`; projections are those of `filtering.RowFilter`.
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from daiss_bluesky.core.plane import Plane
from daiss_bluesky.kernels.cuda.module import Operator, cupy, is_half, parts, steps_of

_THREADS = 32, 8
_SLICES = 8
_ENOUGH_BLOCKS = 1024
"""To fill a device; angles are shared out among so many."""
_FEWEST_ANGLES = 16
"""For a block of threads."""


def add_to_plane(
    q: Any,
    angles_rad: NDArray[np.float64],
    center_px: float,
    plane: Plane,
    picture: Any,
    scale: float = 1.0,
) -> None:
    """Add filtered projections q (angle, row, column) to a picture (row, column).

    The plane is given in voxels of the volume; between slices a point gets what lies
    between, linearly, in a slice what is there. q is float32 or float16, the picture
    float32; columns lie beside each other. Zero outside the inscribed circle.
    """
    height, width = plane.shape
    down, across = np.array(plane.down), np.array(plane.across)
    corner = np.array(plane.middle) - (height - 1) / 2 * down - (width - 1) / 2 * across
    blocks = parts(width, _THREADS[0]), parts(height, _THREADS[1])
    shares = parts(_ENOUGH_BLOCKS, max(1, blocks[0] * blocks[1]))
    each = max(min(_FEWEST_ANGLES, len(q)), parts(len(q), shares))
    _operator(q).launch(
        "add_plane",
        (*blocks, parts(len(q), each)),
        _THREADS,
        (
            *_projections(q, angles_rad, center_px),
            cupy().asarray(np.concatenate([corner, down, across])), np.int32(each),
            np.float32(scale), np.int32(height), np.int32(width), picture,
        ),
    )  # fmt: skip


def add_to_slab(
    q: Any,
    angles_rad: NDArray[np.float64],
    center_px: float,
    slab: Any,
    scale: float = 1.0,
) -> None:
    """Add filtered projections q (angle, row, column) to slices (row, y, x), float32.

    Rows of q are those of the slab. Nothing is added outside the inscribed circle.
    """
    rows, columns = q.shape[1:]
    _operator(q).launch(
        "add_slab",
        (
            parts(columns, _THREADS[0]),
            parts(columns, _THREADS[1]),
            parts(rows, _SLICES),
        ),
        _THREADS,
        (*_projections(q, angles_rad, center_px), np.float32(scale), slab),
    )


def _operator(q: Any) -> Operator:
    return Operator("backproject", {"HALF": is_half(q), "SLICES": _SLICES})


def _projections(
    q: Any, angles_rad: NDArray[np.float64], center_px: float
) -> tuple[Any, ...]:
    directions = np.stack([np.cos(angles_rad), np.sin(angles_rad)], axis=1)
    return (
        q, cupy().asarray(directions), *(np.int32(n) for n in q.shape),
        *steps_of(q), np.float64(center_px),
    )  # fmt: skip
