"""What one frame asks of object, probe and its own corner: compiled, a frame at a time.

Waves of a frame lie as cells (mode, row, block of LANES columns), see `lane_fft`, with
rows and columns filled up with zeros to whole blocks. Transforms run down strips a block
wide, which stay in the first cache; between the two axes blocks are transposed. The
inverse is the transform with real and imaginary parts exchanged before and after.
"""

import numpy as np
from numba import njit

from daiss_bluesky.kernels.lane_blocks import split, transpose
from daiss_bluesky.kernels.lane_fft import CELL, get, put, transform
from daiss_bluesky.kernels.lanes import (
    LANES,
    add,
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

_DARK = np.float32(1e-15)
"""Amplitudes below are taken for this: nothing is divided by zero."""


@njit(cache=True, nogil=True)
def _total(lanes, room):  # type: ignore[no-untyped-def]
    """Sum the lanes of a value, by way of LANES numbers of room."""
    store(room, 0, lanes)
    total = 0.0
    for i in range(LANES):
        total += room[i]
    return total


@njit(cache=True, nogil=True, inline="always")
def _beside(canvas, at, here, right):  # type: ignore[no-untyped-def]
    """Take 2 LANES floats of a row, interpolated between columns; at counts floats."""
    a = multiply_add(load(canvas, at + 2), right, multiply(load(canvas, at), here))
    at += LANES
    b = multiply_add(load(canvas, at + 2), right, multiply(load(canvas, at), here))
    return a, b


@njit(cache=True, nogil=True)
def gather_strip(canvas, at, width, fy, fx, rows, strip):  # type: ignore[no-untyped-def]
    """Take a strip of the object into cells; at is its first float on the canvas."""
    up, down = splat(np.float32(1 - fy)), splat(np.float32(fy))
    here, right = splat(np.float32(1 - fx)), splat(np.float32(fx))
    a, b = _beside(canvas, at, here, right)
    for r in range(rows):
        at += 2 * width
        below_a, below_b = _beside(canvas, at, here, right)
        mixed_a = multiply_add(below_a, down, multiply(a, up))
        mixed_b = multiply_add(below_b, down, multiply(b, up))
        real, imag = split(mixed_a, mixed_b)
        put(strip, r, real, imag)
        a, b = below_a, below_b


@njit(cache=True, nogil=True)
def _leave(
    canvas,
    at,
    width,
    fy,
    fx,
    probe,
    waves,
    rows,
    blocks,
    tall,
    radices,
    twiddles,
    strips,
):  # type: ignore[no-untyped-def]
    """Make the exit waves and transform them along columns of pixels."""
    patch, x, y = strips[0], strips[1], strips[2]
    modes = probe.shape[0] // (tall * blocks * CELL)
    for block in range(blocks):
        gather_strip(canvas, at + 2 * LANES * block, width, fy, fx, rows, patch)
        for mode in range(modes):
            first = mode * tall * blocks + block
            for r in range(rows):
                ar, ai = get(patch, r)
                br, bi = get(probe, first + r * blocks)
                real = subtract(multiply(ar, br), multiply(ai, bi))
                imag = multiply_add(ar, bi, multiply(ai, br))
                put(x, r, real, imag)
            found = transform(x, y, radices, twiddles)
            for r in range(rows):
                real, imag = get(found, r)
                put(waves, first + r * blocks, real, imag)


@njit(cache=True, nogil=True)
def _turn(waves, first, blocks, strip):  # type: ignore[no-untyped-def]
    """Take LANES rows from cell `first` on as cells (column), a lane for each row."""
    for block in range(blocks):
        at, to = (first + block) * CELL, block * LANES * CELL
        transpose(waves, at, blocks * CELL, strip, to, CELL)
        transpose(waves, at + LANES, blocks * CELL, strip, to + LANES, CELL)


@njit(cache=True, nogil=True)
def _turn_back(strip, waves, first, blocks):  # type: ignore[no-untyped-def]
    """Undo `_turn`, with real and imaginary parts exchanged."""
    for block in range(blocks):
        at, to = block * LANES * CELL, (first + block) * CELL
        transpose(strip, at + LANES, CELL, waves, to, blocks * CELL)
        transpose(strip, at, CELL, waves, to + LANES, blocks * CELL)


@njit(cache=True, nogil=True)
def _replace(far, modes, count, frame, good, at, step, scale, norm, room):  # type: ignore[no-untyped-def]
    """Put what the modes lack at the detector, parts exchanged; give the two sums.

    Cell i of each mode lies over pixels at + i * step of frame and mask.
    """
    misfit, power = splat(np.float32(0)), splat(np.float32(0))
    dark, scaled, normed = splat(_DARK), splat(scale), splat(norm)
    for i in range(count):
        total = splat(np.float32(0))
        for mode in range(modes):
            real, imag = get(far[mode], i)
            total = multiply_add(imag, imag, multiply_add(real, real, total))
        amplitude = square_root(multiply(total, scaled))
        counts = load_uint16(frame, at + i * step)
        counted = load(good, at + i * step)
        lacking = multiply(counted, subtract(square_root(counts), amplitude))
        misfit = multiply_add(lacking, lacking, misfit)
        power = multiply_add(counted, counts, power)
        ratio = divide(multiply(lacking, normed), maximum(amplitude, dark))
        for mode in range(modes):
            real, imag = get(far[mode], i)
            put(far[mode], i, multiply(ratio, imag), multiply(ratio, real))
    return _total(misfit, room), _total(power, room)


@njit(cache=True, nogil=True)
def _far_field(
    waves, modes, rows, columns, blocks, frame, good, radices, twiddles, strips, room
):  # type: ignore[no-untyped-def]
    """Transform along rows of pixels, replace amplitudes, and transform back.

    Frame and mask are (column, row), rows filled up to whole blocks.
    """
    tall_blocks = (rows + LANES - 1) // LANES
    tall = tall_blocks * LANES
    scale, norm = np.float32(1 / (rows * columns)), np.float32(1 / (rows * columns))
    odd = radices.shape[0] % 2
    misfit = power = 0.0
    for block in range(tall_blocks):
        for mode in range(modes):
            x, y = strips[2 * mode], strips[2 * mode + 1]
            _turn(waves, (mode * tall + block * LANES) * blocks, blocks, x)
            transform(x, y, radices, twiddles)
        far = strips[odd::2]
        more_misfit, more_power = _replace(
            far, modes, columns, frame, good, block * LANES, tall, scale, norm, room
        )
        misfit += more_misfit
        power += more_power
        for mode in range(modes):
            x, y = strips[2 * mode + odd], strips[2 * mode + 1 - odd]
            found = transform(x, y, radices, twiddles)
            _turn_back(found, waves, (mode * tall + block * LANES) * blocks, blocks)
    return misfit, power


@njit(cache=True, nogil=True)
def _propagate(
    waves, modes, rows, columns, blocks, transfer, sign, radices, twiddles, strips
):  # type: ignore[no-untyped-def]
    """Multiply the spectrum with a transfer function, or with its conjugate (sign -1).

    The function's cells are (column, block of LANES rows). Columns of pixels stay
    transformed.
    """
    tall_blocks = (rows + LANES - 1) // LANES
    signed = splat(np.float32(sign))
    for block in range(tall_blocks * modes):
        _turn(waves, block * LANES * blocks, blocks, strips[0])
        found = transform(strips[0], strips[1], radices, twiddles)
        for c in range(columns):
            ar, ai = get(found, c)
            br, bi = get(transfer, c * tall_blocks + block % tall_blocks)
            bi = multiply(bi, signed)
            real = subtract(multiply(ar, br), multiply(ai, bi))
            imag = multiply_add(ar, bi, multiply(ai, br))
            put(found, c, imag, real)
        odd = radices.shape[0] % 2
        back = transform(strips[odd], strips[1 - odd], radices, twiddles)
        _turn_back(back, waves, block * LANES * blocks, blocks)


@njit(cache=True, nogil=True)
def _near_field(
    waves, modes, rows, blocks, frame, good, radices, twiddles, strips, room
):  # type: ignore[no-untyped-def]
    """End the propagation, replace amplitudes, and begin the one back.

    Frame and mask are (row, column), columns filled up to whole blocks.
    """
    tall = (rows + LANES - 1) // LANES * LANES
    misfit = power = 0.0
    odd, one = radices.shape[0] % 2, np.float32(1)
    for block in range(blocks):
        for mode in range(modes):
            x, y = strips[2 * mode], strips[2 * mode + 1]
            first = mode * tall * blocks + block
            for r in range(rows):
                real, imag = get(waves, first + r * blocks)
                put(x, r, imag, real)
            transform(x, y, radices, twiddles)
        # The exchange of parts that ends the inverse is the one of `_replace`.
        more_misfit, more_power = _replace(
            strips[odd::2], modes, rows, frame, good, block * LANES, blocks * LANES,
            one, one, room,
        )  # fmt: skip
        misfit += more_misfit
        power += more_power
        for mode in range(modes):
            x, y = strips[2 * mode + odd], strips[2 * mode + 1 - odd]
            found = transform(x, y, radices, twiddles)
            first = mode * tall * blocks + block
            for r in range(rows):
                real, imag = get(found, r)
                put(waves, first + r * blocks, real, imag)
    return misfit, power


@njit(cache=True, nogil=True)
def _return(
    canvas,
    at,
    width,
    fy,
    fx,
    probe,
    waves,
    rows,
    blocks,
    tall,
    radices,
    twiddles,
    strips,
    inside,
    asked,
    probe_sum,
    lit,
):  # type: ignore[no-untyped-def]
    """Transform back along columns of pixels, and weight with object and probe.

    Cells `asked` become Σ_m P_m* χ_m; O* χ_m and |O|² are added to the other two.
    """
    patch, x, y = strips[0], strips[1], strips[2]
    modes = probe.shape[0] // (tall * blocks * CELL)
    for block in range(blocks):
        gather_strip(canvas, at + 2 * LANES * block, width, fy, fx, rows, patch)
        for mode in range(modes):
            first = mode * tall * blocks + block
            for r in range(rows):
                real, imag = get(waves, first + r * blocks)
                put(x, r, imag, real)
            found = transform(x, y, radices, twiddles)
            for r in range(rows):
                cell = first + r * blocks
                xi, xr = get(found, r)
                pr, pi = get(probe, cell)
                real = multiply_add(pr, xr, multiply(pi, xi))
                imag = subtract(multiply(pr, xi), multiply(pi, xr))
                if mode:
                    more_real, more_imag = get(asked, r * blocks + block)
                    real, imag = add(real, more_real), add(imag, more_imag)
                put(asked, r * blocks + block, real, imag)
                pr, pi = get(patch, r)
                real, imag = get(probe_sum, cell)
                real = add(real, multiply_add(pr, xr, multiply(pi, xi)))
                imag = add(imag, subtract(multiply(pr, xi), multiply(pi, xr)))
                put(probe_sum, cell, real, imag)
        counted = load(inside, block * LANES)
        for r in range(rows):
            pr, pi = get(patch, r)
            spot = (r * blocks + block) * LANES
            square = multiply_add(pi, pi, multiply(pr, pr))
            store(lit, spot, multiply_add(square, counted, load(lit, spot)))


@njit(cache=True, nogil=True)
def _tilts(canvas, at, width, fy, fx, asked, bright, rows, blocks, room, sums):  # type: ignore[no-untyped-def]
    """Give the normal equations of a move: two right sides, then yy, yx, xx."""
    up, down = splat(np.float32(1 - fy)), splat(np.float32(fy))
    here, right = splat(np.float32(1 - fx)), splat(np.float32(fx))
    less, one = splat(np.float32(-1)), splat(np.float32(1))
    zero = splat(np.float32(0))
    ask_y, ask_x, yy, yx, xx = zero, zero, zero, zero, zero
    for block in range(blocks):
        start = at + 2 * LANES * block
        a, b = _beside(canvas, start, here, right)
        da, db = _beside(canvas, start, less, one)
        for r in range(rows):
            start += 2 * width
            below_a, below_b = _beside(canvas, start, here, right)
            below_da, below_db = _beside(canvas, start, less, one)
            yr, yi = split(subtract(below_a, a), subtract(below_b, b))
            xr, xi = split(
                multiply_add(below_da, down, multiply(da, up)),
                multiply_add(below_db, down, multiply(db, up)),
            )
            gr, gi = get(asked, r * blocks + block)
            weight = load(bright, (r * blocks + block) * LANES)
            ask_y = multiply_add(yr, gr, multiply_add(yi, gi, ask_y))
            ask_x = multiply_add(xr, gr, multiply_add(xi, gi, ask_x))
            wr, wi = multiply(weight, yr), multiply(weight, yi)
            yy = multiply_add(wr, yr, multiply_add(wi, yi, yy))
            yx = multiply_add(wr, xr, multiply_add(wi, xi, yx))
            square = multiply_add(xr, xr, multiply(xi, xi))
            xx = multiply_add(weight, square, xx)
            a, b, da, db = below_a, below_b, below_da, below_db
    sums[0], sums[1] = _total(ask_y, room), _total(ask_x, room)
    sums[2], sums[3], sums[4] = _total(yy, room), _total(yx, room), _total(xx, room)


@njit(cache=True, nogil=True)
def add_frame(  # type: ignore[no-untyped-def]
    canvas, width, corner, probe, bright, rows, columns, frame, good, transfer,
    along_rows, along_columns, waves, strips, room, inside, asked, probe_sum, lit, tilt, sums,
):  # fmt: skip
    """Add what a frame asks to the sums of its share of the group.

    Along rows and columns are (radices, twiddles) of transforms of `columns` and `rows`
    cells. Sums (7,) become Σ (model - √I)², Σ I and, with `tilt`, the normal equations
    of a move.
    """
    blocks = (columns + LANES - 1) // LANES
    tall = (rows + LANES - 1) // LANES * LANES
    modes = probe.shape[0] // (tall * blocks * CELL)
    y, x = int(np.floor(corner[0])), int(np.floor(corner[1]))
    fy, fx = corner[0] - y, corner[1] - x
    at = 2 * (y * width + x)
    _leave(
        canvas, at, width, fy, fx, probe, waves, rows, blocks, tall, along_columns[0],
        along_columns[1], strips,
    )  # fmt: skip
    if transfer.shape[0] == 0:
        sums[0], sums[1] = _far_field(
            waves, modes, rows, columns, blocks, frame, good, along_rows[0],
            along_rows[1], strips, room,
        )  # fmt: skip
    else:
        _propagate(
            waves, modes, rows, columns, blocks, transfer, 1, along_rows[0],
            along_rows[1], strips,
        )  # fmt: skip
        sums[0], sums[1] = _near_field(
            waves, modes, rows, blocks, frame, good, along_columns[0],
            along_columns[1], strips, room,
        )  # fmt: skip
        _propagate(
            waves, modes, rows, columns, blocks, transfer, -1, along_rows[0],
            along_rows[1], strips,
        )  # fmt: skip
    _return(
        canvas, at, width, fy, fx, probe, waves, rows, blocks, tall, along_columns[0],
        along_columns[1], strips, inside, asked, probe_sum, lit,
    )  # fmt: skip
    if tilt:
        _tilts(canvas, at, width, fy, fx, asked, bright, rows, blocks, room, sums[2:])
