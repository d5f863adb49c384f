"""The natural logarithm of positive float32 numbers as a vector loop.

Numba's is one only where Intel's library is installed, and NumPy's is a pass of its own
over memory. The number is 2^e * (1 + f) with 1 + f between the square roots of 1/2 and
2; log(1 + f) = f - f^2/2 + f^3 P(f), with P fitted for the least largest relative
error (Lawson's iteration on Chebyshev points). Relative error at most 4e-7, of normal
numbers; infinity counts as 2^128.
"""

import numpy as np
from numba import njit

_P = (
    np.float32(0.333339107),
    np.float32(-0.25001337),
    np.float32(0.199630637),
    np.float32(-0.165775848),
    np.float32(0.149147692),
    np.float32(-0.142674862),
    np.float32(0.0870043057),
)
_ROOT_HALF_BITS = np.int32(0x3F3504F3)
_MANTISSA_BITS = np.int32(23)
_LN2_HIGH = np.float32(0.693359375)
"""A few bits of log(2), so that its product with e is exact; the rest in _LN2_LOW."""
_LN2_LOW = np.float32(np.log(2) - 0.693359375)


@njit(cache=True, nogil=True, fastmath={"contract"})
def negative_log(bits, mantissa, out) -> None:  # type: ignore[no-untyped-def]
    """Set out to -log of a row of positive numbers, given as its bits (int32).

    mantissa (float32, same length) is room to work in.
    """
    one, half = np.float32(1), np.float32(0.5)
    p0, p1, p2, p3, p4, p5, p6 = _P
    places = mantissa.view(np.int32)
    for i in range(out.size):
        e = (bits[i] - _ROOT_HALF_BITS) >> _MANTISSA_BITS
        places[i] = bits[i] - (e << _MANTISSA_BITS)
        out[i] = np.float32(e)
    for i in range(out.size):
        f = mantissa[i] - one
        p = p6
        p = p * f + p5
        p = p * f + p4
        p = p * f + p3
        p = p * f + p2
        p = p * f + p1
        p = p * f + p0
        f2 = f * f
        small = f * f2 * p - half * f2 + out[i] * _LN2_LOW + f
        out[i] = -(out[i] * _LN2_HIGH) - small
