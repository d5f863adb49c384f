"""The compiled solvers equal their NumPy definitions, step for step."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from daiss_bluesky.kernels import iterative, reference_iterative
from daiss_bluesky.kernels.iterative import Rays
from daiss_bluesky.kernels.reference import circle

SOLVERS: dict[str, tuple[Callable[..., Any], Callable[..., Any], dict[str, float]]] = {
    "sirt": (iterative.sirt, reference_iterative.sirt, {}),
    "cgls": (iterative.cgls, reference_iterative.cgls, {}),
    "tv": (iterative.tv, reference_iterative.tv, {"strength": 0.3}),
}


@pytest.mark.parametrize("non_negative", [False, True])
@pytest.mark.parametrize("name", SOLVERS)
@pytest.mark.parametrize("n", [21, 34])
def test_compiled_form_equals_the_reference(
    name: str, non_negative: bool, n: int
) -> None:
    compiled, defined, options = SOLVERS[name]
    rng = np.random.default_rng(n)
    angles_rad, center_px, rows = rng.uniform(-4, 4, 7), n / 2 - 1.3, 3
    p = rng.normal(size=(7, rows, n))
    start = np.where(circle(n), 0.1 * rng.normal(size=(rows, n, n)), 0)
    b = np.zeros((7, n + 2, 16), np.float32)
    b[:, 1:-1, :rows] = p.transpose(0, 2, 1)
    kept = b.copy()
    x = np.zeros((n, n, 16), np.float32)
    x[..., :rows] = start.transpose(1, 2, 0)
    rays = Rays(angles_rad, center_px, n)
    noted, data = zip(*compiled(rays, b, x, 8, non_negative, **options), strict=True)
    expected, residuals = defined(
        p, angles_rad, center_px, start, 8, non_negative, **options
    )
    found = x[..., :rows].transpose(2, 0, 1)
    # Conjugate directions of noise amplify rounding.
    tolerance = 1e-4 if name == "cgls" else 1e-5
    assert np.abs(found - expected).max() < tolerance * np.abs(expected).max()
    np.testing.assert_allclose(noted, residuals, rtol=1e-4)
    # The data are what is left of them when nothing is there.
    _, [nothing] = defined(p, angles_rad, center_px, 0 * start, 1, True, **options)
    np.testing.assert_allclose(data, nothing, rtol=1e-5)
    np.testing.assert_array_equal(b, kept)
    assert not x[..., rows:].any()
    assert not found[:, ~circle(n)].any()


def test_gradient_and_its_transpose_are_adjoint() -> None:
    rng = np.random.default_rng(0)
    x, v = rng.normal(size=(2, 9, 9)), rng.normal(size=(2, 2, 9, 9))
    one = np.sum(reference_iterative.gradient(x) * v)
    other = np.sum(x * reference_iterative.gradient_transposed(v))
    assert one == pytest.approx(other, rel=1e-12)
    flat = np.where(circle(9), 1.0, 0.0)[None]
    assert not reference_iterative.gradient(flat).any()
