"""One parallel update of object and probe from the sums of a group: compiled.

Frames are shared out to a fixed number of shares, and rows to threads, so that the
result does not depend on how many threads there are.
"""

import numpy as np
from numba import njit, prange

from daiss_bluesky.kernels.lane_blocks import follow, join, split
from daiss_bluesky.kernels.lane_fft import CELL, get, put
from daiss_bluesky.kernels.lanes import (
    LANES,
    add,
    divide,
    load,
    maximum,
    multiply,
    multiply_add,
    splat,
    store,
)
from daiss_bluesky.kernels.ptychography_detector import blocks_of, tall_of
from daiss_bluesky.kernels.ptychography_frame import add_frame

_DARK = np.float32(1e-30)
_TOGETHER = 8
"""Rows of the canvas that are moved together: the cells they need lie side by side."""


@njit(cache=True, nogil=True, parallel=True)
def sum_group(  # type: ignore[no-untyped-def]
    canvas, width, corners, group, probe, bright, size, inside, frames, good, transfer,
    fft, fft_down, waves, strips, asked, probe_sum, lit, tilt, sums,
):  # fmt: skip
    """Fill what each frame of the group asks, and the sums of each share."""
    shares = waves.shape[0]
    for share in prange(shares):
        probe_sum[share] = 0
        lit[share] = 0
        for k in range(share, len(group), shares):
            add_frame(
                canvas, width, corners[k], probe, bright, size, inside,
                frames[group[k]], good, transfer, fft, fft_down, waves[share],
                strips[share], asked[k], probe_sum[share], lit[share], tilt, sums[k],
            )  # fmt: skip


@njit(cache=True, nogil=True, parallel=True)
def move_group(  # type: ignore[no-untyped-def]
    canvas, width, corners, first, last, asked, bright, size, object_step, alpha,
    brightest, probe, probe_sum, lit, probe_step, beta,
):  # fmt: skip
    """Move object and probe: step · N / ((1 - alpha) D + alpha · max D).

    Corners are sorted by column, and so is what they ask; canvas rows from first to
    last are touched. For the object, max D is that of one frame.
    """
    cells = bright.shape[0] // LANES
    rest = np.float32(beta * _sum_lit(lit) + _DARK)
    count = (last - first) // _TOGETHER + 1
    for i in prange(count):
        if object_step != 0:
            y = first + i * _TOGETHER
            _move_rows(
                canvas, y, min(y + _TOGETHER, last + 1), width, corners, asked, bright,
                size, object_step, alpha, brightest,
            )  # fmt: skip
        if probe_step != 0:
            start, end = i * cells // count, (i + 1) * cells // count
            _move_probe(probe, probe_sum, lit, start, end, probe_step, beta, rest)


@njit(cache=True, nogil=True)
def _move_rows(  # type: ignore[no-untyped-def]
    canvas, first, end_y, width, corners, asked, bright, size, step, alpha, brightest
):  # fmt: skip
    """Move rows of the object, piece by piece where patches touch each other."""
    rows, across = size[0], blocks_of(size[1])
    buffers = np.empty((end_y - first, 3 * width), np.float32)
    start = end = 0
    for k in range(len(corners)):
        top, left = int(np.floor(corners[k, 0])), int(np.floor(corners[k, 1]))
        if end_y <= top or first > top + rows:
            continue
        if left >= end:
            _move_piece(
                canvas, first, width, buffers, start, end, step, alpha, brightest
            )
            start = end = left
        until = left + (across + 1) * LANES
        for part in range(3):
            buffers[:, part * width + end : part * width + until + LANES] = 0
        end = until
        fy, fx = corners[k, 0] - top, corners[k, 1] - left
        for y in range(max(first, top), min(end_y, top + rows + 1)):
            buffer = buffers[y - first]
            _add_row(asked[k], bright, y - top, size, fy, fx, buffer, width, left)
    _move_piece(canvas, first, width, buffers, start, end, step, alpha, brightest)


@njit(cache=True, nogil=True)
def _add_row(asked, bright, r, size, fy, fx, buffer, width, left):  # type: ignore[no-untyped-def]
    """Add what lies between rows r - 1 and r, and between columns: N and D."""
    rows, across, tall = size[0], blocks_of(size[1]), tall_of(size[0])
    row = splat(np.float32(1 - fy if r < rows else 0))
    above = splat(np.float32(fy if r > 0 else 0))
    at, before = min(r, rows - 1), max(r - 1, 0)
    here, right = splat(np.float32(1 - fx)), splat(np.float32(fx))
    zero = splat(np.float32(0))
    was_real, was_imag, was_seen = zero, zero, zero
    for block in range(across):
        ar, ai = get(asked, at + block * tall)
        br, bi = get(asked, before + block * tall)
        a = load(bright, (at + block * tall) * LANES)
        b = load(bright, (before + block * tall) * LANES)
        real = multiply_add(above, br, multiply(row, ar))
        imag = multiply_add(above, bi, multiply(row, ai))
        seen = multiply_add(above, b, multiply(row, a))
        to = left + block * LANES
        _add_between(buffer, to, was_real, real, here, right)
        _add_between(buffer, width + to, was_imag, imag, here, right)
        _add_between(buffer, 2 * width + to, was_seen, seen, here, right)
        was_real, was_imag, was_seen = real, imag, seen
    to = left + across * LANES
    _add_between(buffer, to, was_real, zero, here, right)
    _add_between(buffer, width + to, was_imag, zero, here, right)
    _add_between(buffer, 2 * width + to, was_seen, zero, here, right)


@njit(cache=True, nogil=True, inline="always")
def _add_between(buffer, at, before, now, here, right):  # type: ignore[no-untyped-def]
    mixed = multiply_add(here, now, load(buffer, at))
    store(buffer, at, multiply_add(right, follow(before, now), mixed))


@njit(cache=True, nogil=True)
def _move_piece(  # type: ignore[no-untyped-def]
    canvas, first, width, buffers, start, end, step, alpha, brightest
):  # fmt: skip
    share, rest = splat(np.float32(1 - alpha)), splat(np.float32(alpha * brightest))
    rest = add(rest, splat(_DARK))
    stepped = splat(np.float32(step))
    for i in range(len(buffers)):
        buffer = buffers[i]
        for x in range(start, end, LANES):
            seen = multiply_add(share, load(buffer, 2 * width + x), rest)
            scale = divide(stepped, seen)
            at = 2 * ((first + i) * width + x)
            real, imag = split(load(canvas, at), load(canvas, at + LANES))
            real = multiply_add(scale, load(buffer, x), real)
            imag = multiply_add(scale, load(buffer, width + x), imag)
            a, b = join(real, imag)
            store(canvas, at, a)
            store(canvas, at + LANES, b)


@njit(cache=True, nogil=True)
def _sum_lit(lit):  # type: ignore[no-untyped-def]
    """Sum the shares into the first; give the maximum."""
    larger, most = splat(np.float32(0)), np.empty(LANES, np.float32)
    for at in range(0, lit.shape[1], LANES):
        total = load(lit[0], at)
        for share in range(1, lit.shape[0]):
            total = add(total, load(lit[share], at))
        store(lit[0], at, total)
        larger = maximum(larger, total)
    store(most, 0, larger)
    return most.max()


@njit(cache=True, nogil=True)
def _move_probe(probe, probe_sum, lit, start, end, step, beta, rest):  # type: ignore[no-untyped-def]
    """Move cells of all modes."""
    cells = lit.shape[1] // LANES
    share_of_lit, rest, step = (
        splat(np.float32(1 - beta)),
        splat(rest),
        np.float32(step),
    )
    for at in range(start, end):
        seen = multiply_add(share_of_lit, load(lit[0], at * LANES), rest)
        scale = divide(splat(step), seen)
        for cell in range(at, probe.shape[0] // CELL, cells):
            real, imag = get(probe_sum[0], cell)
            for share in range(1, probe_sum.shape[0]):
                more_real, more_imag = get(probe_sum[share], cell)
                real, imag = add(real, more_real), add(imag, more_imag)
            was_real, was_imag = get(probe, cell)
            real = multiply_add(scale, real, was_real)
            put(probe, cell, real, multiply_add(scale, imag, was_imag))


@njit(cache=True, nogil=True)
def brightness(probe, bright):  # type: ignore[no-untyped-def]
    """Fill Σ_m |P_m|², and give its maximum."""
    count = bright.shape[0] // LANES
    modes = probe.shape[0] // CELL // count
    larger, most = splat(np.float32(0)), np.empty(LANES, np.float32)
    for cell in range(count):
        total = splat(np.float32(0))
        for mode in range(modes):
            real, imag = get(probe, mode * count + cell)
            total = multiply_add(imag, imag, multiply_add(real, real, total))
        store(bright, cell * LANES, total)
        larger = maximum(larger, total)
    store(most, 0, larger)
    return most.max()
