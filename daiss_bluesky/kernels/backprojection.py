"""Blocked backprojection of all slices at once, a batch of angles at a time.

All slices of a parallel-beam scan share the interpolation weights, so slices lie
innermost and the inner loop is a vector loop. A block of at most 128 slices and a tile
of 32 x 32 pixels stay in the cache; blocks are not a power of two apart in memory.
Defined by `reference.filter_projections` and `reference.backproject`.
"""

from dataclasses import dataclass

import numpy as np
import scipy.fft
from numba import njit, prange
from numpy.typing import NDArray

from daiss_bluesky.kernels.ramp import frequency_response, padded_length
from daiss_bluesky.kernels.threads import threads_for

TILE = 32
MAX_SLICES = 128
_VECTOR = 16
"""Slices of a block are a multiple of one cache line."""

_FILTER_CHUNK = 2
"""Angles transformed at once: few, so that the transforms stay in the cache."""

_FILTER_WORK = 40
"""Operations of filtering, for each pixel."""


@dataclass(frozen=True, slots=True)
class Blocks:
    """How the rows of a detector are divided into blocks of slices."""

    rows: int
    columns: int

    @property
    def count(self) -> int:
        """Number of blocks."""
        return -(-self.rows // MAX_SLICES)

    @property
    def slices(self) -> int:
        """Slices of each block, balanced; the last block may have rows to spare."""
        return _VECTOR * (-(-self.rows // (self.count * _VECTOR)))

    def zeros(self) -> list[NDArray[np.float32]]:
        """Make an empty volume: for each block (y, x, slice).

        Written to, so that the first frames do not wait for the system to find pages.
        """
        shape = (self.columns, self.columns, self.slices)
        volume = [np.empty(shape, np.float32) for _ in range(self.count)]
        clear(volume)
        return volume

    @property
    def volume_bytes(self) -> int:
        """Size of that volume."""
        return 4 * self.count * self.slices * self.columns**2

    def filtered_bytes(self, frames: int) -> int:
        """Peak memory of filter_projections for so many frames."""
        columns = frames * (self.columns + 2)
        columns += 3 * _FILTER_CHUNK * (padded_length(self.columns) + 2)
        return 4 * columns * self.count * self.slices


def clear(volume: list[NDArray[np.float32]]) -> None:
    """Set a volume of blocks to zero."""
    for block in volume:
        _clear(block)


@njit(cache=True, nogil=True, parallel=True)
def _clear(block):  # type: ignore[no-untyped-def]
    for y in prange(block.shape[0]):
        block[y] = np.float32(0)


def filter_projections(
    p: NDArray[np.float32],
    weights: NDArray[np.float64],
    blocks: Blocks,
    name: str = "ramp",
) -> NDArray[np.float32]:
    """Filter and weight attenuation (angle, row, column) for `backproject`.

    Gives (block, angle, 1 + column + ..., slice): column c is at 1 + c, with a zero on
    either side; what lies behind is of no use. The transform runs over the column axis
    as it stands, which spares a transposition.
    """
    n = blocks.columns
    shape = (blocks.count, len(p), n + 2, blocks.slices)
    q = np.empty(shape, np.float32)
    for first in range(0, len(p), _FILTER_CHUNK):
        part = slice(first, first + _FILTER_CHUNK)
        frames = np.ascontiguousarray(p[part])
        with threads_for(_FILTER_WORK * frames.size) as workers:
            q[:, part] = _filter(frames, weights[part], blocks, name, workers)
    q[:, :, 0] = 0.0
    q[:, :, n + 1] = 0.0
    return q


def _filter(
    p: NDArray[np.float32],
    weights: NDArray[np.float64],
    blocks: Blocks,
    name: str,
    workers: int,
) -> NDArray[np.float32]:
    length = padded_length(blocks.columns)
    padded = np.empty((blocks.count, len(p), length, blocks.slices), np.float32)
    _arrange(p, weights.astype(np.float32), padded)
    spectrum = scipy.fft.rfft(padded, axis=2, workers=workers, overwrite_x=True)
    # Real times real: a complex product would be three times the work.
    response = frequency_response(blocks.columns, name).astype(np.float32)
    spectrum.view(np.float32)[...] *= response[:, None]
    filtered: NDArray[np.float32] = scipy.fft.irfft(
        spectrum, n=length, axis=2, workers=workers, overwrite_x=True
    )
    return filtered[:, :, : blocks.columns + 2]


@njit(cache=True, nogil=True, parallel=True)
def _arrange(p, weights, padded):  # type: ignore[no-untyped-def]
    n_angles, rows, n = p.shape
    n_blocks, _, length, slices = padded.shape
    gap = length - n
    for task in prange(n_blocks * n_angles):
        b, a = task // n_angles, task % n_angles
        first = b * slices
        count = max(0, min(slices, rows - first))
        q = padded[b, a]
        weight = weights[a]
        q[:, count:] = np.float32(0)
        for x in range(n):
            for z in range(count):
                q[1 + x, z] = weight * p[a, first + z, x]
        for j in range(1, gap + 1):
            # Column n - 1 + j, modulo the length: the line between the two edges.
            u = np.float32(j) / np.float32(gap + 1)
            for z in range(count):
                q[(n + j) % length, z] = q[n, z] * (np.float32(1) - u) + q[1, z] * u


def backproject(
    q: NDArray[np.float32],
    angles_rad: NDArray[np.float64],
    center_px: float,
    volume: list[NDArray[np.float32]],
) -> None:
    """Add what `filter_projections` gave to a volume of `Blocks.zeros`, in place."""
    cos, sin = np.cos(angles_rad), np.sin(angles_rad)
    for block, projections in zip(volume, q, strict=True):
        with threads_for(block.size * len(cos)):
            _add_block(block, projections, cos, sin, center_px)


@njit(cache=True, nogil=True, parallel=True, fastmath={"contract", "nsz"})
def _add_block(block, q, cos, sin, center):  # type: ignore[no-untyped-def]
    n = block.shape[0]
    side = (n + TILE - 1) // TILE
    middle = (n - 1) / 2
    radius2 = (n / 2) ** 2
    for task in prange(side * side):
        y0, x0 = (task // side) * TILE, (task % side) * TILE
        for a in range(0, q.shape[0] - 3, 4):
            for y in range(y0, min(y0 + TILE, n)):
                dy = y - middle
                for x in range(x0, min(x0 + TILE, n)):
                    dx = x - middle
                    if dx * dx + dy * dy <= radius2:
                        _add_four(block[y, x], q, cos, sin, a, dx, dy, center, n)
        for a in range(q.shape[0] - q.shape[0] % 4, q.shape[0]):
            for y in range(y0, min(y0 + TILE, n)):
                dy = y - middle
                for x in range(x0, min(x0 + TILE, n)):
                    dx = x - middle
                    if dx * dx + dy * dy <= radius2:
                        _add_one(block[y, x], q, cos, sin, a, dx, dy, center, n)


@njit(cache=True, nogil=True, inline="always")
def _place(a, cos, sin, dx, dy, center, n):  # type: ignore[no-untyped-def]
    """Find the left column of the ray in q and the part of the right one."""
    u = 0.5 + center + dx * cos[a] + dy * sin[a]
    u = min(max(u, 0.0), float(n) + 1.0)
    left = min(int(u), n)
    return left, np.float32(u - left)


@njit(cache=True, nogil=True, inline="always")
def _add_one(pixel, q, cos, sin, a, dx, dy, center, n):  # type: ignore[no-untyped-def]
    c, r = _place(a, cos, sin, dx, dy, center, n)
    q0, q1 = q[a, c], q[a, c + 1]
    l = np.float32(1) - r  # noqa: E741
    for z in range(pixel.shape[0]):
        pixel[z] += l * q0[z] + r * q1[z]


@njit(cache=True, nogil=True, inline="always")
def _add_four(pixel, q, cos, sin, a, dx, dy, center, n):  # type: ignore[no-untyped-def]
    """Add four angles at once: the pixel is loaded and stored a quarter as often."""
    ca, ra = _place(a, cos, sin, dx, dy, center, n)
    cb, rb = _place(a + 1, cos, sin, dx, dy, center, n)
    cc, rc = _place(a + 2, cos, sin, dx, dy, center, n)
    cd, rd = _place(a + 3, cos, sin, dx, dy, center, n)
    a0, a1 = q[a, ca], q[a, ca + 1]
    b0, b1 = q[a + 1, cb], q[a + 1, cb + 1]
    c0, c1 = q[a + 2, cc], q[a + 2, cc + 1]
    d0, d1 = q[a + 3, cd], q[a + 3, cd + 1]
    one = np.float32(1)
    la, lb, lc, ld = one - ra, one - rb, one - rc, one - rd
    for z in range(pixel.shape[0]):
        pixel[z] += (
            (la * a0[z] + ra * a1[z])
            + (lb * b0[z] + rb * b1[z])
            + (lc * c0[z] + rc * c1[z])
            + (ld * d0[z] + rd * d1[z])
        )


def to_volume(
    blocks: list[NDArray[np.float32]], rows: int, scale: float
) -> NDArray[np.float32]:
    """Turn blocks (y, x, slice) into a volume (z, y, x), emptying the list.

    Each block is let go once it is copied, so that the two never exist in full.
    """
    n = blocks[0].shape[0]
    slices = blocks[0].shape[2]
    volume = np.empty((rows, n, n), np.float32)
    for b in range(len(blocks)):
        first = b * slices
        _transpose(blocks.pop(0), np.float32(scale), volume[first : first + slices])
    return volume


@njit(cache=True, nogil=True, parallel=True)
def _transpose(block, scale, out):  # type: ignore[no-untyped-def]
    n = block.shape[0]
    side = (n + TILE - 1) // TILE
    for y in prange(n):
        for tile in range(side):
            x0 = tile * TILE
            for z in range(out.shape[0]):
                for x in range(x0, min(x0 + TILE, n)):
                    out[z, y, x] = block[y, x, z] * scale
