"""From grids of Fourier transforms back to slices: the whole volume, or any slice now.

Everything here but `to_volume` and `invert` leaves the grids as they are. Real and
imaginary parts are exchanged before and after each transform, which makes it the
inverse.
"""

from collections.abc import Iterator

import numpy as np
import scipy.fft
from numba import njit, prange
from numpy.typing import NDArray

from daiss_bluesky.kernels.gridding import BLOCK, PAD, Grid
from daiss_bluesky.kernels.lane_fft import CELL, get, put, transform
from daiss_bluesky.kernels.lanes import LANES, add, multiply, multiply_add, splat
from daiss_bluesky.kernels.reference import circle
from daiss_bluesky.kernels.threads import threads_for

_TRANSFORM_WORK = 200
"""Operations of two transforms, for each pixel of a slice."""


def to_volume(
    grids: NDArray[np.float32], grid: Grid, scale: float
) -> NDArray[np.float32]:
    """Give (z, y, x), zero outside the inscribed circle; uses up the grids.

    The volume takes over their memory, where more than one block leaves room: finding
    half a gigabyte of new pages takes as long as the transforms, or twice that.
    """
    n, cells = grid.columns, grids.reshape(-1)
    in_place = grid.blocks > 1
    room = cells if in_place else np.empty(grid.rows * n**2, np.float32)
    volume = room[: grid.rows * n**2].reshape(grid.rows, n, n)
    for block in range(grid.blocks):
        slab = volume[block * BLOCK : (block + 1) * BLOCK]
        # Slabs are smaller than grids, so from the third they lie in what is used up.
        ends = (block * BLOCK + len(slab)) * n**2
        aside = in_place and ends > block * grids.shape[1]
        target = np.empty_like(slab) if aside else slab
        invert(grids[block], grid, scale, target)
        if aside:
            _copy(target, slab)
    return volume


@njit(cache=True, nogil=True, parallel=True)
def _copy(source, target):  # type: ignore[no-untyped-def]
    for z in prange(source.shape[0]):
        target[z] = source[z]


def slabs(
    grids: NDArray[np.float32], grid: Grid, scale: float
) -> Iterator[tuple[int, NDArray[np.float32]]]:
    """Give the volume a block at a time: its first row, and slices (z, y, x).

    A block that is alone gives one slice at a time: its copy would double the memory.
    """
    if grid.blocks == 1:
        for z in range(grid.rows):
            yield z, axial_slice(grids, grid, z, scale)[None]
        return
    for block in range(grid.blocks):
        first = block * BLOCK
        rows = min(BLOCK, grid.rows - first)
        slab = np.empty((rows, grid.columns, grid.columns), np.float32)
        invert(grids[block].copy(), grid, scale, slab)
        yield first, slab


def invert(
    cells: NDArray[np.float32], grid: Grid, scale: float, slab: NDArray[np.float32]
) -> None:
    """Write the slices (z, y, x) of one block; uses up its grid."""
    window = grid.correction
    made = grid.plan
    with threads_for(_TRANSFORM_WORK * slab.size):
        _fold_u(cells, grid.size)
        _invert_v(cells, grid.size, made.radices, made.twiddles, window)
        scaled = window * np.float32(scale)
        _invert_u(cells, grid.size, made.radices, made.twiddles, scaled, slab)


@njit(cache=True, nogil=True)
def _fold_u(grid, size):  # type: ignore[no-untyped-def]
    """Add what was spread beyond the edges along u to the opposite edges, in place."""
    side = size + 2 * PAD
    for i in range(PAD):
        for j in range(side):
            for source, target in ((i, i + size), (i + PAD + size, i + PAD)):
                real, imag = get(grid, source * side + j)
                to_real, to_imag = get(grid, target * side + j)
                put(grid, target * side + j, add(real, to_real), add(imag, to_imag))


@njit(cache=True, nogil=True)
def _fold_v(grid, size, i, x):  # type: ignore[no-untyped-def]
    """Copy row i of a grid, folded along v, with real and imaginary parts exchanged."""
    row = (i + PAD) * (size + 2 * PAD) + PAD
    for j in range(size):
        real, imag = get(grid, row + j)
        if j < PAD:
            more_real, more_imag = get(grid, row + j + size)
            real, imag = add(real, more_real), add(imag, more_imag)
        if j >= size - PAD:
            more_real, more_imag = get(grid, row + j - size)
            real, imag = add(real, more_real), add(imag, more_imag)
        put(x, j, imag, real)


@njit(cache=True, nogil=True, parallel=True)
def _invert_v(grid, size, radices, twiddles, window):  # type: ignore[no-untyped-def]
    """Transform along v; row i then begins with its n values, in order of y."""
    n, side = window.shape[0], size + 2 * PAD
    for i in prange(size):
        x, work = np.empty(size * CELL, np.float32), np.empty(size * CELL, np.float32)
        _fold_v(grid, size, i, x)
        found = transform(x, work, radices, twiddles)
        for y in range(n):
            real, imag = get(found, (y - n // 2) % size)
            weight = splat(window[y])
            put(
                grid,
                (i + PAD) * side + y,
                multiply(weight, real),
                multiply(weight, imag),
            )


@njit(cache=True, nogil=True, parallel=True)
def _invert_u(grid, size, radices, twiddles, window, slab):  # type: ignore[no-untyped-def]
    """Transform along u into slices (z, y, x), which ends the exchange of parts."""
    n, side = window.shape[0], size + 2 * PAD
    for y in prange(n):
        x, work = np.empty(size * CELL, np.float32), np.empty(size * CELL, np.float32)
        for i in range(size):
            real, imag = get(grid, (i + PAD) * side + y)
            put(x, i, real, imag)
        found = transform(x, work, radices, twiddles)
        away = y - (n - 1) / 2
        half = np.sqrt(max(0.0, (n / 2) ** 2 - away**2))
        first = max(0, int(np.ceil((n - 1) / 2 - half)))
        for z in range(slab.shape[0]):
            lane = (z + LANES) % BLOCK
            row = slab[z, y]
            row[:first] = np.float32(0)
            row[n - first :] = np.float32(0)
            for k in range(first, n - first):
                row[k] = found[((k - n // 2) % size) * CELL + lane] * window[k]


def axial_slice(
    grids: NDArray[np.float32], grid: Grid, z: int, scale: float
) -> NDArray[np.float32]:
    """Give slice z as (y, x)."""
    block, lane = divmod(z, BLOCK)
    pair = np.empty((grid.side, grid.side), np.complex64)
    with threads_for(grid.side**2 * CELL):
        _take_pair(grids[block], grid.side, lane % LANES, pair)
    _fold_pair(pair, grid.size)
    inner = pair[PAD:-PAD, PAD:-PAD]
    both = scipy.fft.ifft2(inner, norm="forward", workers=1)
    n = grid.columns
    where = (np.arange(n) - n // 2) % grid.size
    plane = both.real if lane < LANES else both.imag
    # The first axis is u, so x.
    found = plane[np.ix_(where, where)].T * grid.correction * np.float32(scale)
    found *= grid.correction[:, None]
    found[~circle(n)] = 0.0
    return np.ascontiguousarray(found, np.float32)


@njit(cache=True, nogil=True, parallel=True)
def _take_pair(grid, side, lane, out):  # type: ignore[no-untyped-def]
    for i in prange(side):
        for j in range(side):
            at = (i * side + j) * CELL + lane
            out[i, j] = complex(grid[at], grid[at + LANES])


def _fold_pair(pair: NDArray[np.complex64], size: int) -> None:
    for both in (pair, pair.T):
        both[size : size + PAD] += both[:PAD]
        both[PAD : 2 * PAD] += both[size + PAD :]


def upright_slices(
    grids: NDArray[np.float32], grid: Grid, y: int, x: int, scale: float
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Give slice y as (z, x) and slice x as (z, y), in one pass over the grids."""
    n, made = grid.columns, grid.plan
    steps = np.arange(grid.side) - PAD - grid.size // 2
    waves = []
    for at in (y, x):
        turns = np.exp(2j * np.pi * steps * ((at - n // 2) / grid.size))
        # The sign of the correction is that of counting from the middle: not here.
        turns *= abs(grid.correction[at])
        waves.append(np.stack([turns.real, turns.imag], axis=1).astype(np.float32))
    found = np.zeros((2, grid.blocks * BLOCK, n), np.float32)
    window = grid.correction * np.float32(scale)
    with threads_for(grids.size):
        _upright(
            grids, grid.size, waves[0], waves[1], made.radices, made.twiddles, window,
            found,
        )  # fmt: skip
    away = np.arange(n) - (n - 1) / 2
    for plane, at in zip(found, (y, x), strict=True):
        plane[:, away**2 + (at - (n - 1) / 2) ** 2 > (n / 2) ** 2] = 0.0
    return found[0, : grid.rows], found[1, : grid.rows]


@njit(cache=True, nogil=True, parallel=True)
def _upright(grids, size, wave_y, wave_x, radices, twiddles, window, out):  # type: ignore[no-untyped-def]
    side = size + 2 * PAD
    for block in prange(grids.shape[0]):
        along_u = np.zeros(side * CELL, np.float32)
        along_v = np.zeros(side * CELL, np.float32)
        grid = grids[block]
        for i in range(side):
            sum_real, sum_imag = splat(np.float32(0)), splat(np.float32(0))
            ux, vx = splat(wave_x[i, 0]), splat(wave_x[i, 1])
            minus_vx = splat(-wave_x[i, 1])
            for j in range(side):
                real, imag = get(grid, i * side + j)
                uy, vy = splat(wave_y[j, 0]), splat(wave_y[j, 1])
                minus_vy = splat(-wave_y[j, 1])
                sum_real = multiply_add(
                    real, uy, multiply_add(imag, minus_vy, sum_real)
                )
                sum_imag = multiply_add(real, vy, multiply_add(imag, uy, sum_imag))
                to_real, to_imag = get(along_v, j)
                to_real = multiply_add(real, ux, multiply_add(imag, minus_vx, to_real))
                to_imag = multiply_add(real, vx, multiply_add(imag, ux, to_imag))
                put(along_v, j, to_real, to_imag)
            put(along_u, i, sum_real, sum_imag)
        _invert_line(along_u, size, radices, twiddles, window, out[0], block * BLOCK)
        _invert_line(along_v, size, radices, twiddles, window, out[1], block * BLOCK)


@njit(cache=True, nogil=True)
def _invert_line(line, size, radices, twiddles, window, out, first):  # type: ignore[no-untyped-def]
    n = window.shape[0]
    x, work = np.empty(size * CELL, np.float32), np.empty(size * CELL, np.float32)
    # The line is a grid of one row, whose parts lie where those of row 0 would.
    _fold_v(line, size, -PAD, x)
    found = transform(x, work, radices, twiddles)
    for z in range(BLOCK):
        lane = (z + LANES) % BLOCK
        for k in range(n):
            out[first + z, k] = found[((k - n // 2) % size) * CELL + lane] * window[k]
