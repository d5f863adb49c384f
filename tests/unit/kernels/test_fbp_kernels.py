"""The compiled kernels equal their NumPy definitions, which equal the mathematics."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from daiss_bluesky.core.errors import InputError
from daiss_bluesky.kernels import reference
from daiss_bluesky.kernels.backprojection import (
    Blocks,
    backproject,
    clear,
    filter_projections,
    to_volume,
)
from daiss_bluesky.kernels.ellipsoids import FieldGeometry, project, voxelize
from daiss_bluesky.kernels.ramp import FILTERS, frequency_response, padded_length


@settings(max_examples=20, deadline=None, derandomize=True)
@given(
    rows=st.integers(1, 150),
    columns=st.integers(4, 40),
    n_angles=st.integers(1, 9),
    name=st.sampled_from(FILTERS),
    seed=st.integers(0, 99),
)
def test_blocked_form_equals_the_reference(
    rows: int, columns: int, n_angles: int, name: str, seed: int
) -> None:
    rng = np.random.default_rng(seed)
    p = rng.normal(size=(n_angles, rows, columns)).astype(np.float32)
    angles_rad = rng.uniform(-7, 7, n_angles)
    weights = rng.uniform(0, 2, n_angles)
    center_px = rng.uniform(-2, columns + 2)
    blocks = Blocks(rows, columns)
    volume = blocks.zeros()
    q = filter_projections(p, weights, blocks, name)
    backproject(q, angles_rad, center_px, volume)
    found = to_volume(volume, rows, scale=2.0)
    expected = 2.0 * reference.reconstruct(
        p.astype(float), angles_rad, weights, center_px, name
    )
    assert found.shape == (rows, columns, columns)
    assert volume == []
    np.testing.assert_allclose(found, expected, atol=2e-6 * np.abs(p).sum() / rows)


def test_blocks_are_balanced_and_whole_cache_lines() -> None:
    for rows in (1, 16, 128, 129, 135, 512, 2160):
        blocks = Blocks(rows, 8)
        assert blocks.slices % 16 == 0
        assert blocks.slices <= 128
        assert 0 <= blocks.count * blocks.slices - rows < 16 * blocks.count
        assert sum(block.nbytes for block in blocks.zeros()) == blocks.volume_bytes


def test_clear_empties_in_place() -> None:
    volume = [np.ones((5, 5, 16), np.float32)]
    clear(volume)
    assert not volume[0].any()


def test_sphere_comes_back_as_it_is() -> None:
    n, n_angles, radius = 64, 120, 0.6
    ball = np.array([[0.1, -0.15, 0.0, radius, radius, radius, 0.0, 1.0]])
    angles_rad = np.arange(n_angles) * np.pi / n_angles
    geometry = FieldGeometry(5, n, 30.7)
    p = np.stack([project(ball, angle, geometry) for angle in angles_rad])
    weights = np.full(n_angles, np.pi / n_angles)
    volume = reference.reconstruct(p.astype(float), angles_rad, weights, 30.7)
    truth = voxelize(ball, (5, n, n)).astype(float) * 2 / n
    offset = (np.arange(n) - (n - 1) / 2) / (n / 2)
    away = np.hypot(offset - 0.1, offset[:, None] + 0.15)
    inside, outside = away < radius - 0.1, (away > radius + 0.1) & reference.circle(n)
    middle = volume[2] * n / 2
    assert abs(middle[inside].mean() - 1) < 0.002
    assert abs(middle[outside].mean()) < 0.006
    assert np.sqrt(np.mean((volume - truth) ** 2)) < 0.1 * truth.max()
    assert not volume[:, ~reference.circle(n)].any()


@pytest.mark.parametrize("n", [4, 7, 64, 101])
def test_ramp_is_the_band_limited_kernel(n: int) -> None:
    length = padded_length(n)
    assert length >= 2 * n
    kernel = np.fft.irfft(frequency_response(n), length)
    odd = np.arange(1, n, 2)
    np.testing.assert_allclose(kernel[0], 0.25)
    np.testing.assert_allclose(kernel[odd], -1 / (np.pi * odd) ** 2, atol=1e-15)
    np.testing.assert_allclose(kernel[2:n:2], 0, atol=1e-15)


def test_smooth_filters_damp_only_high_frequencies() -> None:
    ramp = frequency_response(64)
    for name in FILTERS[1:]:
        response = frequency_response(64, name)
        assert response[0] == ramp[0]
        assert (response <= ramp).all()
        assert response[-1] < ramp[-1]
    with pytest.raises(InputError, match=r"unknown filter 'butter'.*known: cosine"):
        frequency_response(64, "butter")


def test_padding_continues_from_edge_to_edge() -> None:
    padded = reference.pad_columns(np.array([[1.0, 5.0, 4.0]]), 6)
    np.testing.assert_allclose(padded, [[1, 5, 4, 3.25, 2.5, 1.75]])


def test_truncated_slab_is_flat_to_the_rim() -> None:
    """A cylinder wider than the field: without the continued edges it would cup."""
    n = 64
    angles_rad = np.arange(100) * np.pi / 100
    wide = np.array([[0, 0, 0, 1.3, 1.3, 9.0, 0, 1.0]])
    p = np.stack([project(wide, a, FieldGeometry(1, n, 32.0)) for a in angles_rad])
    weights = np.full(100, np.pi / 100)
    volume = reference.reconstruct(p.astype(float), angles_rad, weights, 32.0)[0]
    offset = np.abs(np.arange(n) - 32.0)
    inner = volume[np.hypot(offset, offset[:, None]) < 0.8 * n / 2] * n / 2
    assert np.ptp(inner) < 0.35 * inner.mean()
