"""What iterative solvers do between projections, in one pass over memory each.

Blocks are (y, x, slice), projections (angle, 1 + column + 1, slice), both float32;
sums over a slice are float64. `reference_iterative` defines what they add up to.
"""

import numpy as np
from numba import njit, prange
from numpy.typing import NDArray

FASTMATH = {"contract", "nsz"}


def squares(a: NDArray[np.float32]) -> NDArray[np.float64]:
    """Sum the squares of (i, j, slice) for each slice."""
    found: NDArray[np.float64] = _squares(a).sum(axis=0)
    return found


@njit(cache=True, nogil=True, parallel=True, fastmath=FASTMATH)
def _squares(a):  # type: ignore[no-untyped-def]
    total = np.zeros((a.shape[0], a.shape[2]))
    for i in prange(a.shape[0]):
        row = total[i]
        for j in range(a.shape[1]):
            values = a[i, j]
            for z in range(values.shape[0]):
                row[z] += np.float64(values[z]) * values[z]
    return total


@njit(cache=True, nogil=True, parallel=True, fastmath=FASTMATH)
def add_scaled(a, scale, b) -> None:  # type: ignore[no-untyped-def]
    """Add scale[slice] * b to a, in place."""
    for i in prange(a.shape[0]):
        for j in range(a.shape[1]):
            to, values = a[i, j], b[i, j]
            for z in range(to.shape[0]):
                to[z] += scale[z] * values[z]


@njit(cache=True, nogil=True, parallel=True, fastmath=FASTMATH)
def scale_and_add(a, scale, b) -> None:  # type: ignore[no-untyped-def]
    """Put scale[slice] * a + b into a."""
    for i in prange(a.shape[0]):
        for j in range(a.shape[1]):
            to, values = a[i, j], b[i, j]
            for z in range(to.shape[0]):
                to[z] = scale[z] * to[z] + values[z]


@njit(cache=True, nogil=True, parallel=True, fastmath=FASTMATH)
def subtract_from(a, b) -> None:  # type: ignore[no-untyped-def]
    """Put b - a into a."""
    for i in prange(a.shape[0]):
        for j in range(a.shape[1]):
            to, values = a[i, j], b[i, j]
            for z in range(to.shape[0]):
                to[z] = values[z] - to[z]


def weighted_residual(
    q: NDArray[np.float32], b: NDArray[np.float32], weights: NDArray[np.float32]
) -> NDArray[np.float64]:
    """Put weights[i, j] * (b - q) into q; sums weights * (b - q)² for each slice."""
    found: NDArray[np.float64] = _weighted_residual(q, b, weights).sum(axis=0)
    return found


@njit(cache=True, nogil=True, parallel=True, fastmath=FASTMATH)
def _weighted_residual(q, b, weights):  # type: ignore[no-untyped-def]
    total = np.zeros((q.shape[0], q.shape[2]))
    for i in prange(q.shape[0]):
        row = total[i]
        for j in range(q.shape[1]):
            to, values, weight = q[i, j], b[i, j], weights[i, j]
            for z in range(to.shape[0]):
                away = values[z] - to[z]
                to[z] = weight * away
                row[z] += np.float64(weight * away) * away
    return total


@njit(cache=True, nogil=True, parallel=True, fastmath=FASTMATH)
def add_weighted(x, weights, g, lowest) -> None:  # type: ignore[no-untyped-def]
    """Add weights[y, x] * g to x, in place, and keep it from falling below."""
    for i in prange(x.shape[0]):
        for j in range(x.shape[1]):
            to, values, weight = x[i, j], g[i, j], weights[i, j]
            for z in range(to.shape[0]):
                to[z] = max(to[z] + weight * values[z], lowest)


def dual_residual(
    y: NDArray[np.float32],
    q: NDArray[np.float32],
    b: NDArray[np.float32],
    sigma: NDArray[np.float32],
) -> NDArray[np.float64]:
    """Put (y + sigma (q - b)) / (1 + sigma) into y; sums (q - b)² for each slice."""
    found: NDArray[np.float64] = _dual_residual(y, q, b, sigma).sum(axis=0)
    return found


@njit(cache=True, nogil=True, parallel=True, fastmath=FASTMATH)
def _dual_residual(y, q, b, sigma):  # type: ignore[no-untyped-def]
    total = np.zeros((q.shape[0], q.shape[2]))
    for i in prange(q.shape[0]):
        row = total[i]
        for j in range(q.shape[1]):
            to, found, values, step = y[i, j], q[i, j], b[i, j], sigma[i, j]
            part = np.float32(1) / (np.float32(1) + step)
            for z in range(to.shape[0]):
                away = found[z] - values[z]
                to[z] = (to[z] + step * away) * part
                row[z] += np.float64(away) * away
    return total


@njit(cache=True, nogil=True, parallel=True, fastmath=FASTMATH)
def dual_gradient(v, x, inside, step, limit) -> None:  # type: ignore[no-untyped-def]
    """Add step * gradient of x to v (2, y, x, slice); no vector longer than limit."""
    last = x.shape[0] - 1
    for i in prange(last + 1):
        for j in range(last + 1):
            k, l = min(i + 1, last), min(j + 1, last)  # noqa: E741
            down = step if inside[i, j] and inside[k, j] else np.float32(0)
            right = step if inside[i, j] and inside[i, l] else np.float32(0)
            here, below, beside = x[i, j], x[k, j], x[i, l]
            v0, v1 = v[0, i, j], v[1, i, j]
            for z in range(here.shape[0]):
                a = v0[z] + down * (below[z] - here[z])
                b = v1[z] + right * (beside[z] - here[z])
                length = np.sqrt(a * a + b * b)
                part = limit / max(length, limit)
                v0[z] = a * part
                v1[z] = b * part


@njit(cache=True, nogil=True, parallel=True, fastmath=FASTMATH)
def primal(x, ahead, g, v, tau, scale, lowest) -> None:  # type: ignore[no-untyped-def]
    """Step from x against g + scale * transposed gradient of v; look ahead as far.

    v is zero across the rim of the circle, tau outside of it.
    """
    n = x.shape[0]
    for i in prange(n):
        for j in range(n):
            step = tau[i, j]
            v0, v1 = v[0, i, j], v[1, i, j]
            above, before = v[0, max(i - 1, 0), j], v[1, i, max(j - 1, 0)]
            from_above = np.float32(1 if i > 0 else 0)
            from_before = np.float32(1 if j > 0 else 0)
            to, next_, slope = x[i, j], ahead[i, j], g[i, j]
            for z in range(to.shape[0]):
                turn = from_above * above[z] + from_before * before[z] - v0[z] - v1[z]
                new = max(to[z] - step * (slope[z] + scale * turn), lowest)
                next_[z] = np.float32(2) * new - to[z]
                to[z] = new
