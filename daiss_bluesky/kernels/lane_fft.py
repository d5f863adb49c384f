"""Fourier transform of LANES complex sequences at once, along a strided axis.

Sequences lie side by side: element j of all of them is one *cell*, LANES real parts
followed by LANES imaginary parts, at j * CELL of a flat float32 array. Every butterfly
is then a vector operation without a shuffle, which a general library cannot have.
Stockham's self-sorting form (Van Loan, Computational Frameworks for the Fast Fourier
Transform, 1992, section 1.7) with radices 2 to 5. Defined by `numpy.fft.fft`.
"""

from dataclasses import dataclass

import numpy as np
from numba import njit
from numpy.typing import NDArray

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

CELL = 2 * LANES

_RADICES = (4, 2, 3, 5)
_SIN_60 = np.float32(np.sin(np.pi / 3))
_COS_72, _SIN_72 = np.float32(np.cos(0.4 * np.pi)), np.float32(np.sin(0.4 * np.pi))
_COS_144, _SIN_144 = np.float32(np.cos(0.8 * np.pi)), np.float32(np.sin(0.8 * np.pi))


@dataclass(frozen=True, slots=True, eq=False)
class LanePlan:
    """What a transform of one length needs; see `plan`."""

    radices: NDArray[np.int64]
    twiddles: NDArray[np.float32]
    """(length, 2): real and imaginary part of exp(-2πi k / length)."""

    @property
    def length(self) -> int:
        """Cells of a sequence."""
        return len(self.twiddles)


def fast_length(least: int) -> int:
    """Give the shortest even length not below `least` with factors 2, 3 and 5 only."""
    length = least + least % 2
    while _radices(length) is None:
        length += 2
    return length


def plan(length: int) -> LanePlan:
    """Prepare transforms of a `fast_length`."""
    radices = _radices(length)
    if radices is None:
        raise ValueError(f"{length} has a factor other than 2, 3 and 5")
    turns = np.exp(-2j * np.pi * np.arange(length) / length)
    twiddles = np.stack([turns.real, turns.imag], axis=1).astype(np.float32)
    return LanePlan(np.array(radices, np.int64), twiddles)


def _radices(length: int) -> list[int] | None:
    found = []
    for radix in _RADICES:
        while length % radix == 0:
            found.append(radix)
            length //= radix
    return found if length == 1 else None


@njit(cache=True, nogil=True)
def transform(x, y, radices, twiddles):  # type: ignore[no-untyped-def]
    """Transform the cells of x, with y as room to work; both are overwritten.

    Gives whichever of the two holds the result. The inverse, without its 1 / length,
    is the same with real and imaginary parts exchanged before and after.
    """
    n, s = twiddles.shape[0], 1
    for radix in radices:
        if radix == 4:  # noqa: PLR2004
            _radix_4(x, y, n, s, twiddles)
        elif radix == 2:  # noqa: PLR2004
            _radix_2(x, y, n, s, twiddles)
        elif radix == 3:  # noqa: PLR2004
            _radix_3(x, y, n, s, twiddles)
        else:
            _radix_5(x, y, n, s, twiddles)
        n //= radix
        s *= radix
        x, y = y, x
    return x


@njit(cache=True, nogil=True, inline="always")
def get(x, j):  # type: ignore[no-untyped-def]
    """Take cell j: real and imaginary parts."""
    return load(x, j * CELL), load(x, j * CELL + LANES)


@njit(cache=True, nogil=True, inline="always")
def put(x, j, real, imag):  # type: ignore[no-untyped-def]
    """Write cell j."""
    store(x, j * CELL, real)
    store(x, j * CELL + LANES, imag)


@njit(cache=True, nogil=True, inline="always")
def put_turned(x, j, real, imag, cos, sin):  # type: ignore[no-untyped-def]
    """Write cell j times the complex number cos + i sin (float32)."""
    c, s = splat(cos), splat(sin)
    store(x, j * CELL, subtract(multiply(real, c), multiply(imag, s)))
    store(x, j * CELL + LANES, multiply_add(real, s, multiply(imag, c)))


@njit(cache=True, nogil=True)
def _radix_2(x, y, n, s, w):  # type: ignore[no-untyped-def]
    m = n // 2
    for p in range(m):
        k = p * s
        for q in range(s):
            ar, ai = get(x, q + s * p)
            br, bi = get(x, q + s * (p + m))
            o = q + s * 2 * p
            put(y, o, add(ar, br), add(ai, bi))
            put_turned(y, o + s, subtract(ar, br), subtract(ai, bi), w[k, 0], w[k, 1])


@njit(cache=True, nogil=True)
def _radix_3(x, y, n, s, w):  # type: ignore[no-untyped-def]
    m = n // 3
    half, root = splat(np.float32(0.5)), splat(_SIN_60)
    for p in range(m):
        k = p * s
        for q in range(s):
            ar, ai = get(x, q + s * p)
            br, bi = get(x, q + s * (p + m))
            cr, ci = get(x, q + s * (p + 2 * m))
            tr, ti = add(br, cr), add(bi, ci)
            ur, ui = multiply(root, subtract(br, cr)), multiply(root, subtract(bi, ci))
            mr, mi = subtract(ar, multiply(half, tr)), subtract(ai, multiply(half, ti))
            o = q + s * 3 * p
            put(y, o, add(ar, tr), add(ai, ti))
            put_turned(y, o + s, add(mr, ui), subtract(mi, ur), w[k, 0], w[k, 1])
            k2 = 2 * k
            put_turned(y, o + 2 * s, subtract(mr, ui), add(mi, ur), w[k2, 0], w[k2, 1])


@njit(cache=True, nogil=True)
def _radix_4(x, y, n, s, w):  # type: ignore[no-untyped-def]
    m = n // 4
    for p in range(m):
        k, k2, k3 = p * s, 2 * p * s, 3 * p * s
        for q in range(s):
            ar, ai = get(x, q + s * p)
            br, bi = get(x, q + s * (p + m))
            cr, ci = get(x, q + s * (p + 2 * m))
            dr, di = get(x, q + s * (p + 3 * m))
            er, ei, fr, fi = (
                add(ar, cr),
                add(ai, ci),
                subtract(ar, cr),
                subtract(ai, ci),
            )
            gr, gi, hr, hi = (
                add(br, dr),
                add(bi, di),
                subtract(br, dr),
                subtract(bi, di),
            )
            o = q + s * 4 * p
            put(y, o, add(er, gr), add(ei, gi))
            put_turned(y, o + s, add(fr, hi), subtract(fi, hr), w[k, 0], w[k, 1])
            put_turned(
                y, o + 2 * s, subtract(er, gr), subtract(ei, gi), w[k2, 0], w[k2, 1]
            )
            put_turned(y, o + 3 * s, subtract(fr, hi), add(fi, hr), w[k3, 0], w[k3, 1])


@njit(cache=True, nogil=True)
def _radix_5(x, y, n, s, w):  # type: ignore[no-untyped-def]
    m = n // 5
    c1, c2, s1, s2 = splat(_COS_72), splat(_COS_144), splat(_SIN_72), splat(_SIN_144)
    for p in range(m):
        k = p * s
        for q in range(s):
            ar, ai = get(x, q + s * p)
            br, bi = get(x, q + s * (p + m))
            cr, ci = get(x, q + s * (p + 2 * m))
            dr, di = get(x, q + s * (p + 3 * m))
            er, ei = get(x, q + s * (p + 4 * m))
            fr, fi, gr, gi = (
                add(br, er),
                add(bi, ei),
                subtract(br, er),
                subtract(bi, ei),
            )
            hr, hi, jr, ji = (
                add(cr, dr),
                add(ci, di),
                subtract(cr, dr),
                subtract(ci, di),
            )
            o = q + s * 5 * p
            put(y, o, add(ar, add(fr, hr)), add(ai, add(fi, hi)))
            pr = multiply_add(c2, hr, multiply_add(c1, fr, ar))
            pi = multiply_add(c2, hi, multiply_add(c1, fi, ai))
            qr = multiply_add(c1, hr, multiply_add(c2, fr, ar))
            qi = multiply_add(c1, hi, multiply_add(c2, fi, ai))
            ur = multiply_add(s2, jr, multiply(s1, gr))
            ui = multiply_add(s2, ji, multiply(s1, gi))
            vr = subtract(multiply(s2, gr), multiply(s1, jr))
            vi = subtract(multiply(s2, gi), multiply(s1, ji))
            put_turned(y, o + s, add(pr, ui), subtract(pi, ur), w[k, 0], w[k, 1])
            k2, k3, k4 = 2 * k, 3 * k, 4 * k
            put_turned(y, o + 2 * s, add(qr, vi), subtract(qi, vr), w[k2, 0], w[k2, 1])
            put_turned(y, o + 3 * s, subtract(qr, vi), add(qi, vr), w[k3, 0], w[k3, 1])
            put_turned(y, o + 4 * s, subtract(pr, ui), add(pi, ur), w[k4, 0], w[k4, 1])
