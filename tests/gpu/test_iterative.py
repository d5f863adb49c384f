"""Projector and solvers on a device are their references."""

from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from daiss_bluesky.kernels import (
    iterative,
    reference_iterative,
    reference_joseph,
)
from daiss_bluesky.kernels.cuda import iterative_steps as device_steps
from daiss_bluesky.kernels.cuda.joseph import DeviceRays
from daiss_bluesky.kernels.reference import circle
from tests.gpu.poison import poisoned

pytestmark = pytest.mark.gpu

SHAPES = [(3, 1, 4), (5, 21, 17), (40, 32, 30)]
"""Slices, columns, angles."""


def angles_of(count: int) -> NDArray[np.float64]:
    angles = np.random.default_rng(count).uniform(-4, 4, count)
    angles[:3] = 0, np.pi / 2, np.pi / 4
    return angles


def block(cp: Any, volume: NDArray[Any]) -> Any:
    return cp.asarray(volume.transpose(1, 2, 0).astype(np.float32).copy())


def arranged(cp: Any, p: NDArray[Any]) -> Any:
    padded = np.pad(p, [(0, 0), (0, 0), (1, 1)]).transpose(0, 2, 1)
    return cp.asarray(padded.astype(np.float32).copy())


@pytest.mark.parametrize(("slices", "n", "n_angles"), SHAPES)
def test_the_projector_and_its_transpose(
    cp: Any, slices: int, n: int, n_angles: int
) -> None:
    rng, angles = np.random.default_rng(n), angles_of(n_angles)
    rays = DeviceRays(angles, n / 2 + 0.7, n)
    volume = rng.normal(size=(slices, n, n)).astype(np.float32)
    volume[:, ~circle(n)] = 0
    p = rng.normal(size=(n_angles, slices, n)).astype(np.float32)
    found = poisoned(cp, (n_angles, n + 2, slices))
    rays.forward(block(cp, volume), found)
    right = reference_joseph.forward_project(volume.astype("f8"), angles, n / 2 + 0.7)
    close = 1e-5 * max(1, np.abs(right).max())
    inner = found.get()[:, 1:-1].transpose(0, 2, 1)
    np.testing.assert_allclose(inner, right, atol=close)
    assert not found.get()[:, [0, -1]].any()
    back = poisoned(cp, (n, n, slices))
    rays.transposed(arranged(cp, p), back)
    right = reference_joseph.transposed_project(p.astype("f8"), angles, n / 2 + 0.7)
    close = 1e-5 * max(1, np.abs(right).max())
    np.testing.assert_allclose(back.get().transpose(2, 0, 1), right, atol=close)


@pytest.mark.parametrize("non_negative", [True, False])
@pytest.mark.parametrize("name", ["sirt", "cgls", "tv"])
def test_solvers_are_their_references(cp: Any, name: str, non_negative: bool) -> None:
    rng, n = np.random.default_rng(21), 21
    angles, center_px = rng.uniform(-4, 4, 7), n / 2 - 1.3
    b = rng.normal(size=(7, 3, n))
    start = np.where(circle(n), 0.1 * rng.normal(size=(3, n, n)), 0)
    more = (0.3,) if name == "tv" else ()
    right, residuals = getattr(reference_iterative, name)(
        b, angles, center_px, start, 8, non_negative, *more
    )
    x, device_b = block(cp, start), arranged(cp, b)
    solver = getattr(iterative, name)
    rays = DeviceRays(angles, center_px, n)
    noted = list(solver(rays, device_b, x, 8, non_negative, *more))
    # Conjugate directions of noise amplify rounding.
    close = (1e-4 if name == "cgls" else 1e-5) * np.abs(right).max()
    np.testing.assert_allclose(x.get().transpose(2, 0, 1), right, atol=close)
    np.testing.assert_allclose([one for one, _ in noted], residuals, rtol=1e-4)


def test_steps_between_projections(cp: Any) -> None:
    rng = np.random.default_rng(0)
    a, b = rng.normal(size=(2, 7, 9, 37)).astype(np.float32)
    scale = rng.normal(size=37).astype(np.float32)
    found = cp.asarray(a)
    device_steps.add_scaled(found, scale, cp.asarray(b))
    np.testing.assert_allclose(found.get(), a + scale * b, atol=1e-6)
    found = cp.asarray(a)
    device_steps.scale_and_add(found, scale, cp.asarray(b))
    np.testing.assert_allclose(found.get(), scale * a + b, atol=1e-6)
    sums = device_steps.squares(cp.asarray(a))
    np.testing.assert_allclose(sums, np.sum(a.astype(np.float64) ** 2, (0, 1)))
