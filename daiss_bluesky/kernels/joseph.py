"""Joseph's projector and its exact transpose, for a block of slices at once.

Defined by `reference_joseph`; a block is (y, x, slice) as in `kernels.backprojection`,
projections are (angle, 1 + column + 1, slice) with a zero on either side. Slices are
innermost because they share the weights. Forward, each thread takes some angles and
some slices, copies a tile of the block beside it and lets the rays cross it four rows
at a time; the tile is turned for rays that run more along the columns. Backward is the
transpose seen from the pixel, four angles at a time.
"""

import numpy as np
from numba import get_num_threads, njit, prange
from numpy.typing import NDArray

from daiss_bluesky.kernels.threads import threads_for

TILE = 32
STEP = 4
HALO = 8
"""A ray that enters a tile in its first row is at most this far outside in the last."""

_SLICES = 64
"""Slices of a tile in work; more would not stay in the cache."""

_ANGLES = 32
"""Angles for which a tile is copied once."""


def forward_project(
    block: NDArray[np.float32],
    angles_rad: NDArray[np.float64],
    center_px: float,
    out: NDArray[np.float32],
) -> None:
    """Write the rays of a block into (angle, 1 + column + 1, slice)."""
    cos, sin = np.cos(angles_rad), np.sin(angles_rad)
    with threads_for(block.size * len(cos)):
        parts = -(-block.shape[2] // _SLICES)
        share = -(-len(cos) * parts // (2 * get_num_threads()))
        _forward(block, cos, sin, center_px, out, max(1, min(_ANGLES, share)), parts)


@njit(cache=True, nogil=True, parallel=True, fastmath={"contract", "nsz"})
def _forward(block, cos, sin, center, q, chunk, parts):  # type: ignore[no-untyped-def]
    slices = block.shape[2]
    part = 16 * ((slices + 16 * parts - 1) // (16 * parts))
    for task in prange(parts * ((len(cos) + chunk - 1) // chunk)):
        first = (task // parts) * chunk
        last = min(first + chunk, len(cos))
        z0 = (task % parts) * part
        z1 = min(z0 + part, slices)
        if z1 > z0:
            _forward_part(block, cos, sin, center, q, first, last, z0, z1)


@njit(cache=True, nogil=True, fastmath={"contract", "nsz"})
def _forward_part(block, cos, sin, center, q, first, last, z0, z1):  # type: ignore[no-untyped-def]
    n = block.shape[0]
    side = (n + TILE - 1) // TILE
    tile = np.empty((TILE, TILE + 2 * HALO, z1 - z0), np.float32)
    q[first:last, :, z0:z1] = np.float32(0)
    for place in range(side * side):
        t0, x0 = (place // side) * TILE, (place % side) * TILE
        for turned in range(2):
            is_filled = False
            for a in range(first, last):
                if (abs(cos[a]) < abs(sin[a])) != (turned == 1):
                    continue
                if not is_filled:
                    _fill(tile, block, t0, x0, turned, z0)
                    is_filled = True
                across, along = cos[a], sin[a]
                if turned == 1:
                    across, along = sin[a], cos[a]
                _cross(tile, q[a], across, along, center, n, t0, x0, z0, z1)


@njit(cache=True, nogil=True)
def _fill(tile, block, t0, x0, turned, z0):  # type: ignore[no-untyped-def]
    """Copy a tile and what is around it; nothing is outside the circle."""
    n = block.shape[0]
    middle, radius2 = (n - 1) / 2, (n / 2) ** 2
    for i in range(tile.shape[0]):
        for j in range(tile.shape[1]):
            t, x = t0 + i, x0 + j - HALO
            inside = (t - middle) ** 2 + (x - middle) ** 2 <= radius2
            if inside and 0 <= t < n and 0 <= x < n:
                pixel = block[x, t] if turned == 1 else block[t, x]
                pixel = pixel[z0 : z0 + tile.shape[2]]
                for z in range(tile.shape[2]):
                    tile[i, j, z] = pixel[z]
            else:
                tile[i, j] = np.float32(0)


@njit(cache=True, nogil=True, fastmath={"contract", "nsz"})
def _cross(tile, q, across, along, center, n, t0, x0, z0, z1):  # type: ignore[no-untyped-def]
    """Add a tile to the rays of one angle that enter it, four rows at a time."""
    middle = (n - 1) / 2
    lowest = x0 if x0 > 0 else -STEP
    highest = x0 + TILE if x0 + TILE < n else n + STEP
    slope = -along / across
    length = np.float32(1 / abs(across))
    for g in range(0, min(TILE, n - t0), STEP):
        start = center - 0.5 + (t0 + g - middle) * along
        end0 = start + (lowest - middle) * across
        end1 = start + (highest - middle) * across
        first = max(0, int(np.ceil(min(end0, end1))) - 1)
        last = min(n - 1, int(np.floor(max(end0, end1))) + 1)
        for c in range(first, last + 1):
            place = (c - start) / across + middle
            if lowest <= np.floor(place) < highest:
                ray = q[1 + c][z0:z1]
                _cross_four(tile, g, place - x0 + HALO, slope, length, ray)


@njit(cache=True, nogil=True, inline="always")
def _cross_four(tile, g, place, slope, length, ray):  # type: ignore[no-untyped-def]
    pa, pb, pc, pd = place, place + slope, place + 2 * slope, place + 3 * slope
    ia, ib, ic, id_ = int(pa), int(pb), int(pc), int(pd)
    ra, rb = length * np.float32(pa - ia), length * np.float32(pb - ib)
    rc, rd = length * np.float32(pc - ic), length * np.float32(pd - id_)
    la, lb, lc, ld = length - ra, length - rb, length - rc, length - rd
    a0, a1 = tile[g, ia], tile[g, ia + 1]
    b0, b1 = tile[g + 1, ib], tile[g + 1, ib + 1]
    c0, c1 = tile[g + 2, ic], tile[g + 2, ic + 1]
    d0, d1 = tile[g + 3, id_], tile[g + 3, id_ + 1]
    for z in range(ray.shape[0]):
        ray[z] += (
            (la * a0[z] + ra * a1[z])
            + (lb * b0[z] + rb * b1[z])
            + (lc * c0[z] + rc * c1[z])
            + (ld * d0[z] + rd * d1[z])
        )


def transposed_project(
    q: NDArray[np.float32],
    angles_rad: NDArray[np.float64],
    center_px: float,
    out: NDArray[np.float32],
) -> None:
    """Write each pixel's share of (angle, 1 + column + 1, slice) into a block."""
    cos, sin = np.cos(angles_rad), np.sin(angles_rad)
    with threads_for(out.size * len(cos)):
        _backward(out, q, cos, sin, center_px)


@njit(cache=True, nogil=True, parallel=True, fastmath={"contract", "nsz"})
def _backward(block, q, cos, sin, center):  # type: ignore[no-untyped-def]
    side = (block.shape[0] + TILE - 1) // TILE
    for task in prange(side * side):
        y0, x0 = (task // side) * TILE, (task % side) * TILE
        block[y0 : y0 + TILE, x0 : x0 + TILE] = np.float32(0)
        for a in range(0, len(cos), STEP):
            _share_tile(block, q, cos, sin, a, y0, x0, center)


@njit(cache=True, nogil=True, fastmath={"contract", "nsz"})
def _share_tile(block, q, cos, sin, a, y0, x0, center):  # type: ignore[no-untyped-def]
    """Add four angles to a tile, or the few that are left."""
    n = block.shape[0]
    middle, radius2 = (n - 1) / 2, (n / 2) ** 2
    for y in range(y0, min(y0 + TILE, n)):
        dy = y - middle
        for x in range(x0, min(x0 + TILE, n)):
            dx = x - middle
            if dx * dx + dy * dy > radius2:
                continue
            if a + STEP <= len(cos):
                _share_four(block[y, x], q, cos, sin, a, dx, dy, center, n)
            else:
                for b in range(a, len(cos)):
                    _share_one(block[y, x], q, cos, sin, b, dx, dy, center, n)


@njit(cache=True, nogil=True, inline="always")
def _share(a, cos, sin, dx, dy, center, n):  # type: ignore[no-untyped-def]
    """Find the left of two columns in q, and the pixel's share in either."""
    u = 0.5 + center + dx * cos[a] + dy * sin[a]
    u = min(max(u, 0.0), float(n) + 1.0)
    left = min(int(u), n)
    r = u - left
    m = max(abs(cos[a]), abs(sin[a]))
    scale = 1 / (m * m)
    return (
        left,
        np.float32(max(m - r, 0.0) * scale),
        np.float32(max(m - 1 + r, 0.0) * scale),
    )


@njit(cache=True, nogil=True, inline="always")
def _share_one(pixel, q, cos, sin, a, dx, dy, center, n):  # type: ignore[no-untyped-def]
    c, l, r = _share(a, cos, sin, dx, dy, center, n)  # noqa: E741
    q0, q1 = q[a, c], q[a, c + 1]
    for z in range(pixel.shape[0]):
        pixel[z] += l * q0[z] + r * q1[z]


@njit(cache=True, nogil=True, inline="always")
def _share_four(pixel, q, cos, sin, a, dx, dy, center, n):  # type: ignore[no-untyped-def]
    ca, la, ra = _share(a, cos, sin, dx, dy, center, n)
    cb, lb, rb = _share(a + 1, cos, sin, dx, dy, center, n)
    cc, lc, rc = _share(a + 2, cos, sin, dx, dy, center, n)
    cd, ld, rd = _share(a + 3, cos, sin, dx, dy, center, n)
    a0, a1 = q[a, ca], q[a, ca + 1]
    b0, b1 = q[a + 1, cb], q[a + 1, cb + 1]
    c0, c1 = q[a + 2, cc], q[a + 2, cc + 1]
    d0, d1 = q[a + 3, cd], q[a + 3, cd + 1]
    for z in range(pixel.shape[0]):
        pixel[z] += (
            (la * a0[z] + ra * a1[z])
            + (lb * b0[z] + rb * b1[z])
            + (lc * c0[z] + rc * c1[z])
            + (ld * d0[z] + rd * d1[z])
        )
