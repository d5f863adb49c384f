"""SIRT, CGLS and total variation on a block of slices, each slice by itself.

Defined by `reference_iterative`, where the sources are. A block x is (y, x, slice) and
is changed in place from wherever it starts; projections b are
(angle, 1 + column + 1, slice) with zeros on either side, and stay as they are. All is
float32; nothing depends on which slices a block holds.

A solver is a generator: after each iteration it gives the squared residual before it
and the squared data, weighted alike. Rays bring the functions that work on their kind
of arrays, NumPy's or a device's.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from types import ModuleType
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from daiss_bluesky.kernels import iterative_steps
from daiss_bluesky.kernels.joseph import forward_project, transposed_project
from daiss_bluesky.kernels.reference import circle
from daiss_bluesky.kernels.reference_iterative import (
    BALANCE,
    GRADIENT_SHARE,
    RESTART,
)

Array = NDArray[np.float32]
Squares = tuple[float, float]
"""Of the residual and of the data."""

_ANY = np.float32(-np.inf)


class Projector(Protocol):
    """Joseph's projector for a set of angles, as the solvers need it."""

    @property
    def columns(self) -> int:
        """Width of a slice."""
        ...

    @property
    def steps(self) -> ModuleType:
        """Functions of `iterative_steps` for its kind of arrays."""
        ...

    def forward(self, x: Array, out: Array) -> None:
        """Project a block."""
        ...

    def transposed(self, q: Array, out: Array) -> None:
        """Give each pixel its share."""
        ...

    def sums(self) -> tuple[Array, Array]:
        """Sum along each ray (angle, 1 + column + 1) and over each pixel (y, x)."""
        ...

    def inside(self) -> NDArray[np.bool_]:
        """Mark the pixels (y, x) of the inscribed circle."""
        ...


@dataclass(frozen=True, slots=True, eq=False)
class Rays:
    """Joseph's projector for a set of angles, with its sums."""

    angles_rad: NDArray[np.float64]
    center_px: float
    columns: int

    @property
    def steps(self) -> ModuleType:
        """Functions for NumPy's arrays."""
        return iterative_steps

    def inside(self) -> NDArray[np.bool_]:
        """Mark the pixels (y, x) of the inscribed circle."""
        return circle(self.columns)

    def forward(self, x: Array, out: Array) -> None:
        """Project a block."""
        forward_project(x, self.angles_rad, self.center_px, out)

    def transposed(self, q: Array, out: Array) -> None:
        """Give each pixel its share."""
        transposed_project(q, self.angles_rad, self.center_px, out)

    def sums(self) -> tuple[Array, Array]:
        """Sum along each ray (angle, 1 + column + 1) and over each pixel (y, x)."""
        n, slices = self.columns, 16
        x = np.ones((n, n, slices), np.float32)
        q = np.empty((len(self.angles_rad), n + 2, slices), np.float32)
        self.forward(x, q)
        rays = np.ascontiguousarray(q[..., 0])
        q[:, 1 : n + 1] = 1
        self.transposed(q, x)
        return rays, np.ascontiguousarray(x[..., 0])


def sirt(
    rays: Projector,
    b: Array,
    x: Array,
    iterations: int,
    non_negative: bool,
) -> Iterator[Squares]:
    """Iterate x + C A' R (b - A x) in place; memory for one more b and x."""
    steps = rays.steps
    along, over = rays.sums()
    r = np.where(along > 0, 1 / np.maximum(along, 1), 0).astype(np.float32)
    c = np.where(over > 0, 1 / np.maximum(over, 1e-6), 0).astype(np.float32)
    q, g = np.zeros_like(b), np.empty_like(x)
    data = float(steps.weighted_residual(q, b, r).sum())
    lowest = np.float32(0) if non_negative else _ANY
    for _ in range(iterations):
        rays.forward(x, q)
        residual = float(steps.weighted_residual(q, b, r).sum())
        rays.transposed(q, g)
        steps.add_weighted(x, c, g, lowest)
        yield residual, data


def cgls(
    rays: Projector,
    b: Array,
    x: Array,
    iterations: int,
    non_negative: bool,
) -> Iterator[Squares]:
    """Take conjugate gradient steps in place; memory for two more b and x."""
    steps = rays.steps
    q, r = np.empty_like(b), np.empty_like(b)
    s, d = np.empty_like(x), np.empty_like(x)
    gamma = np.zeros(x.shape[2])
    data = float(steps.squares(b).sum())
    for i in range(iterations):
        if i == 0 or (non_negative and i % RESTART == 0):
            rays.forward(x, r)
            steps.subtract_from(r, b)
            rays.transposed(r, d)
            gamma = steps.squares(d)
        residual = float(steps.squares(r).sum())
        rays.forward(d, q)
        alpha = _ratio(gamma, steps.squares(q))
        steps.add_scaled(x, alpha, d)
        steps.add_scaled(r, -alpha, q)
        rays.transposed(r, s)
        before, gamma = gamma, steps.squares(s)
        steps.scale_and_add(d, _ratio(gamma, before), s)
        if non_negative and ((i + 1) % RESTART == 0 or i + 1 == iterations):
            np.maximum(x, 0, out=x)
        yield residual, data


def _ratio(a: NDArray[np.float64], b: NDArray[np.float64]) -> Array:
    found = np.divide(a, b, out=np.zeros_like(a), where=b > 0)
    return found.astype(np.float32)


def tv(
    rays: Projector,
    b: Array,
    x: Array,
    iterations: int,
    non_negative: bool,
    strength: float,
) -> Iterator[Squares]:
    """Minimize |A x - b|² / 2 + strength * TV(x) in place.

    Memory for two more b and four more x.
    """
    steps = rays.steps
    along, over = rays.sums()
    inside = rays.inside()
    scale, balance = np.float32(len(b) / GRADIENT_SHARE), rays.columns / BALANCE
    r = np.where(along > 0, balance / np.maximum(along, 1), 0).astype(np.float32)
    tau = np.where(inside, 1 / balance / (over + 4 * scale), 0).astype(np.float32)
    lowest = np.float32(0) if non_negative else _ANY
    y, q = np.empty_like(b), np.empty_like(b)
    rays.forward(x, y)
    y -= b
    ahead, g = x.copy(), np.empty_like(x)
    v = np.zeros_like(x, shape=(2, *x.shape))
    limit = np.float32(strength / scale)
    data = float(steps.squares(b).sum())
    for _ in range(iterations):
        rays.forward(ahead, q)
        residual = float(steps.dual_residual(y, q, b, r).sum())
        steps.dual_gradient(v, ahead, inside, np.float32(balance / 2), limit)
        rays.transposed(y, g)
        steps.primal(x, ahead, g, v, tau, scale, lowest)
        yield residual, data
