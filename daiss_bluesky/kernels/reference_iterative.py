"""The definitions of the iterative solvers: plain NumPy float64, slices independent.

All work on b = A x with A Joseph's projector of `reference_joseph`, b being
(angle, row, column) and x (z, y, x). Each gives the volume and, for every iteration,
the squared residual before it.
"""

from collections.abc import Callable

import numpy as np
from numpy.typing import ArrayLike, NDArray

from daiss_bluesky.kernels.reference import Array, circle
from daiss_bluesky.kernels.reference_joseph import (
    forward_project,
    transposed_project,
)

RESTART = 5
"""Iterations of CGLS between two clippings of negative values."""

GRADIENT_SHARE = 16
"""Gradients are scaled by the number of angles over this, so both terms step alike."""

BALANCE = 6
"""Dual steps are longer, and primal ones shorter, by the number of columns over this:
they would take as many iterations to follow as a ray is long."""

Solved = tuple[Array, NDArray[np.float64]]
Operator = Callable[[Array], Array]


def operators(angles_rad: ArrayLike, center_px: float) -> tuple[Operator, Operator]:
    """Make A and its transpose."""
    return (
        lambda x: forward_project(x, angles_rad, center_px),
        lambda y: transposed_project(y, angles_rad, center_px),
    )


def sums(angles_rad: ArrayLike, n: int, center_px: float) -> tuple[Array, Array]:
    """Sum A along each ray (angle, column) and over each pixel (y, x)."""
    forward, transposed = operators(angles_rad, center_px)
    rays = forward(np.ones((1, n, n)))
    return rays[:, 0], transposed(np.ones_like(rays))[0]


def sirt(
    b: Array,
    angles_rad: ArrayLike,
    center_px: float,
    x: Array,
    iterations: int,
    non_negative: bool,
) -> Solved:
    """Iterate x + C A' R (b - A x), R and C the inverse sums of rays and pixels.

    The simultaneous iterative reconstruction technique as Gregor & Benson write it,
    IEEE Trans. Med. Imaging 27 (2008) 918. The residual is weighted with R, in which
    it cannot rise. A ray shorter than a pixel counts as one pixel long.
    """
    forward, transposed = operators(angles_rad, center_px)
    rays, pixels = sums(angles_rad, b.shape[-1], center_px)
    r = np.where(rays > 0, 1 / np.maximum(rays, 1), 0)[:, None]
    c = np.where(pixels > 0, 1 / np.maximum(pixels, 1e-6), 0)
    residuals = []
    for _ in range(iterations):
        away = b - forward(x)
        residuals.append(np.sum(r * away**2))
        x = x + c * transposed(r * away)
        x = np.maximum(x, 0) if non_negative else x
    return x, np.array(residuals)


def cgls(
    b: Array,
    angles_rad: ArrayLike,
    center_px: float,
    x: Array,
    iterations: int,
    non_negative: bool,
) -> Solved:
    """Conjugate gradients on the normal equations, each slice by itself.

    Hestenes & Stiefel, J. Res. Nat. Bur. Standards 49 (1952) 409, in the form of
    Björck, Numerical Methods for Least Squares Problems (1996), algorithm 7.4.1.
    Non-negative: clipped and begun again every RESTART iterations and at the end.
    """
    forward, transposed = operators(angles_rad, center_px)
    residuals = []
    for i in range(iterations):
        if i == 0 or (non_negative and i % RESTART == 0):
            r = b - forward(x)
            s = d = transposed(r)
            gamma = np.sum(s**2, axis=(1, 2))
        residuals.append(np.sum(r**2))
        q = forward(d)
        alpha = _ratio(gamma, np.sum(q**2, axis=(0, 2)))
        x = x + alpha[:, None, None] * d
        r = r - alpha[:, None] * q
        s = transposed(r)
        before, gamma = gamma, np.sum(s**2, axis=(1, 2))
        d = s + _ratio(gamma, before)[:, None, None] * d
        if non_negative and ((i + 1) % RESTART == 0 or i + 1 == iterations):
            x = np.maximum(x, 0)
    return x, np.array(residuals)


def _ratio(a: Array, b: Array) -> Array:
    return np.divide(a, b, out=np.zeros_like(a), where=b > 0)


def tv(
    b: Array,
    angles_rad: ArrayLike,
    center_px: float,
    x: Array,
    iterations: int,
    non_negative: bool,
    strength: float,
) -> Solved:
    """Minimize |A x - b|² / 2 + strength * TV(x), TV the sum of gradients' lengths.

    The primal-dual method of Chambolle & Pock, J. Math. Imaging Vision 40 (2011) 120,
    with the diagonal steps of Pock & Chambolle, ICCV (2011) 1762; for tomography see
    Sidky et al., Phys. Med. Biol. 57 (2012) 3065. Gradients are forward differences
    inside the circle of a slice.
    """
    forward, transposed = operators(angles_rad, center_px)
    rays, pixels = sums(angles_rad, b.shape[-1], center_px)
    scale, balance = len(b) / GRADIENT_SHARE, b.shape[-1] / BALANCE
    sigma = balance * np.where(rays > 0, 1 / np.maximum(rays, 1), 0)[:, None]
    tau = 1 / (pixels + 4 * scale) / balance
    limit = strength / scale
    y = forward(x) - b
    v = np.zeros((2, *x.shape))
    ahead = x
    residuals = []
    for _ in range(iterations):
        away = forward(ahead) - b
        residuals.append(np.sum(away**2))
        y = (y + sigma * away) / (1 + sigma)
        v = v + balance * scale * gradient(ahead) / (2 * scale)
        length = np.sqrt(np.sum(v**2, axis=0))
        v = v * np.where(length > limit, limit / np.maximum(length, 1e-30), 1)
        new = x - tau * (transposed(y) + scale * gradient_transposed(v))
        new = np.maximum(new, 0) if non_negative else new
        new[:, ~circle(b.shape[-1])] = 0
        ahead, x = 2 * new - x, new
    return x, np.array(residuals)


def gradient(x: Array) -> Array:
    """Take forward differences along y and x, zero across the circle's rim."""
    inside = circle(x.shape[-1])
    found = np.zeros((2, *x.shape))
    found[0, :, :-1] = (x[:, 1:] - x[:, :-1]) * (inside[1:] & inside[:-1])
    found[1, :, :, :-1] = (x[..., 1:] - x[..., :-1]) * (inside[:, 1:] & inside[:, :-1])
    return found


def gradient_transposed(v: Array) -> Array:
    """Give the transpose of `gradient`, which is minus the divergence."""
    inside = circle(v.shape[-1])
    down = v[0, :, :-1] * (inside[1:] & inside[:-1])
    right = v[1, :, :, :-1] * (inside[:, 1:] & inside[:, :-1])
    found = np.zeros(v.shape[1:])
    found[:, 1:] += down
    found[:, :-1] -= down
    found[..., 1:] += right
    found[..., :-1] -= right
    return found
