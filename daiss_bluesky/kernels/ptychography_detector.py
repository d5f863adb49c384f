"""What waves lack at the detector: compiled, one frame at a time.

Waves of a frame lie as cells (mode, block of LANES columns, row), see `lane_fft`,
filled up with zeros: to whole blocks of columns, and to `tall` rows. They come and go
transformed along columns of pixels. Transforms run down a strip, the cells of a block,
which stays in the first cache; between the two axes blocks are transposed. The inverse
is the transform with real and imaginary parts exchanged before and after.
"""

import numpy as np
from numba import njit

from daiss_bluesky.kernels.lane_blocks import transpose
from daiss_bluesky.kernels.lane_fft import CELL, get, put, transform
from daiss_bluesky.kernels.lanes import (
    LANES,
    divide,
    load,
    load_uint16,
    maximum,
    multiply,
    multiply_add,
    splat,
    square_root,
    store,
    subtract,
)

_DARK = np.float32(1e-30)
"""Intensities below are taken for this: nothing is divided by zero."""


@njit(cache=True, nogil=True)
def blocks_of(pixels):  # type: ignore[no-untyped-def]
    """Count the blocks that hold so many pixels."""
    return (pixels + LANES - 1) // LANES


@njit(cache=True, nogil=True)
def tall_of(rows):  # type: ignore[no-untyped-def]
    """Count the cells of a strip: whole blocks, and one for strips not to collide.

    Without it the same row of all strips would share a few lines of the first cache.
    """
    return blocks_of(rows) * LANES + 1


@njit(cache=True, nogil=True)
def total(lanes, room):  # type: ignore[no-untyped-def]
    """Sum the lanes of a value, by way of LANES numbers of room."""
    store(room, 0, lanes)
    summed = 0.0
    for i in range(LANES):
        summed += room[i]
    return summed


@njit(cache=True, nogil=True)
def far_field(waves, modes, size, frame, good, fft, strips, room):  # type: ignore[no-untyped-def]
    """Put what the waves lack in their place, parts exchanged; give the two sums.

    These are Σ (model - √I)² and Σ I.
    Frame and mask are (column, row), rows filled up to whole blocks.
    """
    rows, columns = size
    across, down = blocks_of(columns), blocks_of(rows)
    unit = np.float32(1 / (rows * columns))
    odd = fft[0].shape[0] % 2
    misfit = power = 0.0
    for block in range(down):
        for mode in range(modes):
            first = mode * across * tall_of(rows) + block * LANES
            _turn(waves, first, size, strips[2 * mode])
            transform(strips[2 * mode], strips[2 * mode + 1], fft[0], fft[1])
        found = _replace(
            strips[odd::2], modes, columns, frame, good, block * LANES, down * LANES,
            unit, unit, room,
        )  # fmt: skip
        misfit += found[0]
        power += found[1]
        for mode in range(modes):
            x, y = strips[2 * mode + odd], strips[2 * mode + 1 - odd]
            first = mode * across * tall_of(rows) + block * LANES
            _turn_back(transform(x, y, fft[0], fft[1]), waves, first, size)
    return misfit, power


@njit(cache=True, nogil=True)
def near_field(  # type: ignore[no-untyped-def]
    waves, modes, size, frame, good, transfer, fft, fft_down, strips, room
):  # fmt: skip
    """Do as `far_field` behind a transfer function, of cells (column, block of rows).

    Frame and mask are (row, column), columns filled up to whole blocks.
    """
    _propagate(waves, modes, size, transfer, 1, fft, strips)
    sums = _replace_near(waves, modes, size, frame, good, fft_down, strips, room)
    _propagate(waves, modes, size, transfer, -1, fft, strips)
    return sums


@njit(cache=True, nogil=True)
def _propagate(waves, modes, size, transfer, sign, fft, strips):  # type: ignore[no-untyped-def]
    """Multiply the spectrum with the function, or with its conjugate (sign -1).

    Parts come out exchanged.
    """
    rows, columns = size
    across, down = blocks_of(columns), blocks_of(rows)
    odd, signed = fft[0].shape[0] % 2, splat(np.float32(sign))
    for block in range(modes * down):
        first = block // down * across * tall_of(rows) + block % down * LANES
        _turn(waves, first, size, strips[0])
        found = transform(strips[0], strips[1], fft[0], fft[1])
        for c in range(columns):
            ar, ai = get(found, c)
            br, bi = get(transfer, c * down + block % down)
            bi = multiply(bi, signed)
            real = subtract(multiply(ar, br), multiply(ai, bi))
            put(found, c, multiply_add(ar, bi, multiply(ai, br)), real)
        back = transform(strips[odd], strips[1 - odd], fft[0], fft[1])
        _turn_back(back, waves, first, size)


@njit(cache=True, nogil=True)
def _replace_near(waves, modes, size, frame, good, fft, strips, room):  # type: ignore[no-untyped-def]
    rows, columns = size
    across, tall = blocks_of(columns), tall_of(rows)
    odd, one = fft[0].shape[0] % 2, np.float32(1)
    misfit = power = 0.0
    for block in range(across):
        for mode in range(modes):
            x, first = strips[2 * mode], (mode * across + block) * tall * CELL
            x[: tall * CELL] = waves[first : first + tall * CELL]
            transform(x, strips[2 * mode + 1], fft[0], fft[1])
        # The exchange of parts that ends the inverse is the one of `_replace`.
        found = _replace(
            strips[odd::2], modes, rows, frame, good, block * LANES, across * LANES,
            one, one, room,
        )  # fmt: skip
        misfit += found[0]
        power += found[1]
        for mode in range(modes):
            x, y = strips[2 * mode + odd], strips[2 * mode + 1 - odd]
            first = (mode * across + block) * tall * CELL
            back = transform(x, y, fft[0], fft[1])
            waves[first : first + rows * CELL] = back[: rows * CELL]
    return misfit, power


@njit(cache=True, nogil=True)
def _replace(  # type: ignore[no-untyped-def]
    strips, modes, count, frame, good, at, step, scale, norm, room
):  # fmt: skip
    """Put what the modes' waves lack, parts exchanged, times a norm; give the two sums.

    Cell i of a strip lies over pixels from at + i * step of frame and mask on, and has
    intensities to be multiplied with a scale.
    """
    misfit, power = splat(np.float32(0)), splat(np.float32(0))
    dark, scaled, normed = splat(_DARK), splat(scale), splat(norm)
    one = splat(np.float32(1))
    for i in range(count):
        intensity = splat(np.float32(0))
        for mode in range(modes):
            real, imag = get(strips[mode], i)
            intensity = multiply_add(imag, imag, multiply_add(real, real, intensity))
        intensity = maximum(multiply(intensity, scaled), dark)
        counts = load_uint16(frame, at + i * step)
        counted = load(good, at + i * step)
        larger = square_root(divide(counts, intensity))
        ratio = multiply(counted, subtract(larger, one))
        misfit = multiply_add(multiply(ratio, ratio), intensity, misfit)
        power = multiply_add(counted, counts, power)
        ratio = multiply(ratio, normed)
        for mode in range(modes):
            real, imag = get(strips[mode], i)
            put(strips[mode], i, multiply(ratio, imag), multiply(ratio, real))
    return total(misfit, room), total(power, room)


@njit(cache=True, nogil=True)
def _turn(waves, first, size, strip):  # type: ignore[no-untyped-def]
    """Take LANES rows from cell `first` on as cells (column), a lane for each row."""
    for block in range(blocks_of(size[1])):
        at, to = (first + block * tall_of(size[0])) * CELL, block * LANES * CELL
        transpose(waves, at, CELL, strip, to, CELL)
        transpose(waves, at + LANES, CELL, strip, to + LANES, CELL)


@njit(cache=True, nogil=True)
def _turn_back(strip, waves, first, size):  # type: ignore[no-untyped-def]
    """Undo `_turn`."""
    for block in range(blocks_of(size[1])):
        at, to = block * LANES * CELL, (first + block * tall_of(size[0])) * CELL
        transpose(strip, at, CELL, waves, to, CELL)
        transpose(strip, at + LANES, CELL, waves, to + LANES, CELL)
