"""What iterative solvers do between projections, on a device.

The functions of `kernels.iterative_steps`, for CuPy's arrays. Numbers for each slice
are NumPy's.
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from daiss_bluesky.kernels.cuda.module import Operator, cupy, parts

_THREADS = 32, 8
_BLOCKS = 1024
"""That go through all places together."""

_OPERATOR = Operator("iterative_steps")


def squares(a: Any) -> NDArray[np.float64]:
    """Sum the squares of (i, j, slice) for each slice."""
    return _summed("squares", a, (a,))


def add_scaled(a: Any, scale: NDArray[np.float32], b: Any) -> None:
    """Add scale[slice] * b to a, in place."""
    _launch("add_scaled", a, (a, _uploaded(scale), b))


def scale_and_add(a: Any, scale: NDArray[np.float32], b: Any) -> None:
    """Put scale[slice] * a + b into a."""
    _launch("scale_and_add", a, (a, _uploaded(scale), b))


def subtract_from(a: Any, b: Any) -> None:
    """Put b - a into a."""
    _launch("subtract_from", a, (a, b))


def weighted_residual(q: Any, b: Any, weights: Any) -> NDArray[np.float64]:
    """Put weights[i, j] * (b - q) into q; sums weights * (b - q)² for each slice."""
    return _summed("weighted_residual", q, (q, b, weights))


def add_weighted(x: Any, weights: Any, g: Any, lowest: np.float32) -> None:
    """Add weights[y, x] * g to x, in place, and keep it from falling below."""
    _launch("add_weighted", x, (x, weights, g, lowest))


def dual_residual(y: Any, q: Any, b: Any, sigma: Any) -> NDArray[np.float64]:
    """Put (y + sigma (q - b)) / (1 + sigma) into y; sums (q - b)² for each slice."""
    return _summed("dual_residual", y, (y, q, b, sigma))


def dual_gradient(
    v: Any, x: Any, inside: Any, step: np.float32, limit: np.float32
) -> None:
    """Add step * gradient of x to v (2, y, x, slice); no vector longer than limit."""
    n = np.int32(len(x))
    _launch("dual_gradient", x, (v, x, inside, step, limit, n))


def primal(
    x: Any, ahead: Any, g: Any, v: Any, tau: Any, scale: np.float32, lowest: np.float32
) -> None:
    """Step from x against g + scale * transposed gradient of v; look ahead as far."""
    n = np.int32(len(x))
    _launch("primal", x, (x, ahead, g, v, tau, scale, lowest, n))


def _uploaded(scale: NDArray[np.float32]) -> Any:
    return cupy().asarray(scale, np.float32)


def _launch(
    function: str, like: Any, arguments: tuple[Any, ...], sums: tuple[Any, ...] = ()
) -> None:
    """Start a function on all places (i, j) of arrays like one."""
    slices = like.shape[2]
    places = like.shape[0] * like.shape[1]
    blocks = min(_BLOCKS, parts(places, _THREADS[1])), parts(slices, _THREADS[0])
    given = *arguments, np.uint64(places), np.int32(slices), *sums
    _OPERATOR.launch(function, blocks, _THREADS, given)


def _summed(
    function: str, like: Any, arguments: tuple[Any, ...]
) -> NDArray[np.float64]:
    sums = cupy().zeros(like.shape[2], np.float64)
    _launch(function, like, arguments, (sums,))
    return np.asarray(sums.get())
