"""What one frame asks of object, probe and its own corner: compiled.

Cells are those of `ptychography_detector`. A place is where a patch lies on the canvas:
its first float, the canvas's width in pixels, and the corner's fractions.
"""

import numpy as np
from numba import njit

from daiss_bluesky.kernels.lane_blocks import split
from daiss_bluesky.kernels.lane_fft import CELL, get, put, transform
from daiss_bluesky.kernels.lanes import (
    LANES,
    add,
    load,
    multiply,
    multiply_add,
    splat,
    store,
    subtract,
)
from daiss_bluesky.kernels.ptychography_detector import (
    blocks_of,
    far_field,
    near_field,
    tall_of,
    total,
)


@njit(cache=True, nogil=True)
def add_frame(  # type: ignore[no-untyped-def]
    canvas, width, corner, probe, bright, size, inside, frame, good, transfer, fft,
    fft_down, waves, strips, asked, probe_sum, lit, tilt, sums,
):  # fmt: skip
    """Add what a frame asks to the sums of its share of the group.

    Sums (7,) become Σ (model - √I)², Σ I and, with `tilt`, the normal equations of a
    move. Each fft is (radices, twiddles), of rows, and of columns of pixels (down).
    """
    y, x = int(np.floor(corner[0])), int(np.floor(corner[1]))
    place = 2 * (y * width + x), width, corner[0] - y, corner[1] - x
    modes = probe.shape[0] // (tall_of(size[0]) * blocks_of(size[1]) * CELL)
    room = np.empty(LANES, np.float32)
    _leave(canvas, place, probe, waves, modes, size, fft_down, strips)
    if transfer.shape[0] == 0:
        found = far_field(waves, modes, size, frame, good, fft, strips, room)
    else:
        found = near_field(
            waves, modes, size, frame, good, transfer, fft, fft_down, strips, room
        )
    sums[0], sums[1] = found
    _arrive(
        canvas, place, probe, waves, modes, size, fft_down, strips, inside, asked,
        probe_sum, lit,
    )  # fmt: skip
    if tilt:
        _add_tilts(canvas, place, asked, bright, size, room, sums[2:])


@njit(cache=True, nogil=True)
def _leave(canvas, place, probe, waves, modes, size, fft, strips):  # type: ignore[no-untyped-def]
    """Make the exit waves, transformed along columns of pixels."""
    rows, across, tall = size[0], blocks_of(size[1]), tall_of(size[0])
    patch, work = strips[0], strips[1]
    for block in range(across):
        _gather(canvas, place, block, rows, patch)
        for mode in range(modes):
            first = (mode * across + block) * tall * CELL
            mine = probe[first : first + rows * CELL]
            x = waves[first : first + rows * CELL]
            for r in range(rows):
                ar, ai = get(patch, r)
                br, bi = get(mine, r)
                real = subtract(multiply(ar, br), multiply(ai, bi))
                put(x, r, real, multiply_add(ar, bi, multiply(ai, br)))
            transform(x, work, fft[0], fft[1])
            if fft[0].shape[0] % 2:
                x[:] = work[: rows * CELL]


@njit(cache=True, nogil=True)
def _arrive(  # type: ignore[no-untyped-def]
    canvas, place, probe, waves, modes, size, fft, strips, inside, asked, probe_sum,
    lit,
):  # fmt: skip
    """Transform χ back along columns of pixels, and weight it with object and probe.

    Waves come with parts exchanged, and are used up. Cells `asked` become Σ_m P_m* χ_m;
    O* χ_m and |O|² are added to the other two.
    """
    rows, across, tall = size[0], blocks_of(size[1]), tall_of(size[0])
    patch = strips[0]
    for block in range(across):
        _gather(canvas, place, block, rows, patch)
        start, count = block * tall * CELL, rows * CELL
        for mode in range(modes):
            first = mode * across * tall * CELL + start
            x = waves[first : first + count]
            found = transform(x, strips[1], fft[0], fft[1])
            _weight(
                found, patch, rows, mode == 0, probe[first : first + count],
                asked[start : start + count], probe_sum[first : first + count],
            )  # fmt: skip
        start, count = block * tall * LANES, rows * LANES
        _add_square(patch, rows, load(inside, block * LANES), lit[start:][:count])


@njit(cache=True, nogil=True)
def _weight(found, patch, rows, is_first, probe, asked, probe_sum):  # type: ignore[no-untyped-def]
    for r in range(rows):
        xi, xr = get(found, r)
        real, imag = _turned_product(get(probe, r), xr, xi)
        if not is_first:
            more_real, more_imag = get(asked, r)
            real, imag = add(real, more_real), add(imag, more_imag)
        put(asked, r, real, imag)
        real, imag = _turned_product(get(patch, r), xr, xi)
        more_real, more_imag = get(probe_sum, r)
        put(probe_sum, r, add(real, more_real), add(imag, more_imag))


@njit(cache=True, nogil=True, inline="always")
def _turned_product(a, br, bi):  # type: ignore[no-untyped-def]
    """Give the conjugate of a times b."""
    ar, ai = a
    real = multiply_add(ar, br, multiply(ai, bi))
    return real, subtract(multiply(ar, bi), multiply(ai, br))


@njit(cache=True, nogil=True)
def _add_square(patch, rows, inside, lit):  # type: ignore[no-untyped-def]
    """Add |O|², of pixels inside the frame only."""
    for r in range(rows):
        real, imag = get(patch, r)
        square = multiply_add(imag, imag, multiply(real, real))
        store(lit, r * LANES, multiply_add(square, inside, load(lit, r * LANES)))


@njit(cache=True, nogil=True, inline="always")
def _between(canvas, at, here, right):  # type: ignore[no-untyped-def]
    """Weight LANES pixels of a row and their right neighbors: two values of pairs."""
    a = multiply_add(load(canvas, at + 2), right, multiply(load(canvas, at), here))
    at += LANES
    b = multiply_add(load(canvas, at + 2), right, multiply(load(canvas, at), here))
    return a, b


@njit(cache=True, nogil=True)
def _gather(canvas, place, block, rows, strip):  # type: ignore[no-untyped-def]
    """Take a block of a patch's columns as cells (row), bilinear between pixels."""
    at, width, fy, fx = place
    at += 2 * LANES * block
    up, down = splat(np.float32(1 - fy)), splat(np.float32(fy))
    here, right = splat(np.float32(1 - fx)), splat(np.float32(fx))
    a, b = _between(canvas, at, here, right)
    for r in range(rows):
        at += 2 * width
        below_a, below_b = _between(canvas, at, here, right)
        real, imag = split(
            multiply_add(below_a, down, multiply(a, up)),
            multiply_add(below_b, down, multiply(b, up)),
        )
        put(strip, r, real, imag)
        a, b = below_a, below_b


@njit(cache=True, nogil=True)
def _add_tilts(canvas, place, asked, bright, size, room, sums):  # type: ignore[no-untyped-def]
    """Give the normal equations of a move: two right sides, then yy, yx and xx."""
    rows, across, tall = size[0], blocks_of(size[1]), tall_of(size[0])
    _, width, fy, fx = place
    up, down = splat(np.float32(1 - fy)), splat(np.float32(fy))
    here, right = splat(np.float32(1 - fx)), splat(np.float32(fx))
    less, one, zero = (
        splat(np.float32(-1)),
        splat(np.float32(1)),
        splat(np.float32(0)),
    )
    ask_y, ask_x, yy, yx, xx = zero, zero, zero, zero, zero
    for block in range(across):
        at = place[0] + 2 * LANES * block
        a, b = _between(canvas, at, here, right)
        da, db = _between(canvas, at, less, one)
        for cell in range(block * tall, block * tall + rows):
            at += 2 * width
            below_a, below_b = _between(canvas, at, here, right)
            below_da, below_db = _between(canvas, at, less, one)
            yr, yi = split(subtract(below_a, a), subtract(below_b, b))
            xr, xi = split(
                multiply_add(below_da, down, multiply(da, up)),
                multiply_add(below_db, down, multiply(db, up)),
            )
            gr, gi = get(asked, cell)
            ask_y = multiply_add(yr, gr, multiply_add(yi, gi, ask_y))
            ask_x = multiply_add(xr, gr, multiply_add(xi, gi, ask_x))
            weight = load(bright, cell * LANES)
            wr, wi = multiply(weight, yr), multiply(weight, yi)
            yy = multiply_add(wr, yr, multiply_add(wi, yi, yy))
            yx = multiply_add(wr, xr, multiply_add(wi, xi, yx))
            square = multiply_add(xr, xr, multiply(xi, xi))
            xx = multiply_add(weight, square, xx)
            a, b, da, db = below_a, below_b, below_da, below_db
    sums[0], sums[1] = total(ask_y, room), total(ask_x, room)
    sums[2], sums[3], sums[4] = total(yy, room), total(yx, room), total(xx, room)
