"""The projector pair: equal to its definition, each other's transpose, accurate."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from daiss_bluesky.kernels import reference_joseph as reference
from daiss_bluesky.kernels.ellipsoids import FieldGeometry, project
from daiss_bluesky.kernels.joseph import forward_project, transposed_project
from daiss_bluesky.kernels.reference import circle
from daiss_bluesky.testing.ball_scan import BALLS, ball_truth


@settings(max_examples=15, deadline=None, derandomize=True)
@given(
    rows=st.integers(1, 100),
    n=st.integers(4, 70),
    n_angles=st.integers(1, 9),
    seed=st.integers(0, 99),
)
def test_compiled_form_equals_the_reference(
    rows: int, n: int, n_angles: int, seed: int
) -> None:
    rng = np.random.default_rng(seed)
    angles_rad = rng.uniform(-7, 7, n_angles)
    center_px = rng.uniform(-2, n + 2)
    slices = 16 * (-(-rows // 16))
    block = np.zeros((n, n, slices), np.float32)
    block[..., :rows] = rng.normal(size=(n, n, rows))
    q = np.full((n_angles, n + 2, slices), 7.0, np.float32)
    forward_project(block, angles_rad, center_px, q)
    volume = block[..., :rows].transpose(2, 0, 1).astype(float)
    expected = reference.forward_project(volume, angles_rad, center_px)
    found = q[:, 1:-1, :rows].transpose(0, 2, 1)
    largest = np.abs(volume).sum(axis=1).max()
    np.testing.assert_allclose(found, expected, atol=1e-6 * largest)
    assert not q[:, [0, -1]].any()
    q[:, 1:-1, :rows] = rng.normal(size=(n_angles, n, rows))
    transposed_project(q, angles_rad, center_px, block)
    p = q[:, 1:-1, :rows].transpose(0, 2, 1).astype(float)
    expected = reference.transposed_project(p, angles_rad, center_px)
    found = block[..., :rows].transpose(2, 0, 1)
    np.testing.assert_allclose(found, expected, atol=2e-6 * np.abs(p).max() * n_angles)


@pytest.mark.parametrize(("n", "center_px"), [(33, 14.2), (64, 35.9), (101, 50.5)])
def test_each_is_the_transpose_of_the_other(n: int, center_px: float) -> None:
    rng = np.random.default_rng(n)
    angles_rad = rng.uniform(-4, 4, 37)
    x = np.zeros((n, n, 16), np.float32)
    x[circle(n)] = rng.uniform(0, 1, (circle(n).sum(), 16))
    y = np.zeros((37, n + 2, 16), np.float32)
    y[:, 1:-1] = rng.uniform(0, 1, (37, n, 16))
    ax, aty = np.empty_like(y), np.empty_like(x)
    forward_project(x, angles_rad, center_px, ax)
    transposed_project(y, angles_rad, center_px, aty)
    one = np.vdot(ax.astype(float), y.astype(float))
    other = np.vdot(x.astype(float), aty.astype(float))
    assert abs(one - other) < 1e-6 * abs(one)


def test_rays_through_ellipsoids_are_as_long_as_they_are() -> None:
    """Within 1 % of the analytic line integrals, at every angle."""
    n, center_px = 65, 34.3
    angles_rad = np.arange(24) * np.pi / 24
    geometry = FieldGeometry(3, n, center_px)
    exact = np.stack([project(BALLS, angle, geometry) for angle in angles_rad])
    found = reference.forward_project(ball_truth(3, n), angles_rad, center_px)
    away = np.sqrt(np.mean((found - exact) ** 2, axis=(1, 2)))
    assert (away < 0.012 * np.sqrt(np.mean(exact**2))).all()
    np.testing.assert_allclose(found.sum(), exact.sum(), rtol=0.002)
