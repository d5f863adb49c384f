"""Ellipsoid projections against geometry, against each other and against volumes."""

import numpy as np
import pytest

from daiss_bluesky.core.errors import InputError
from daiss_bluesky.kernels import ellipsoids, ellipsoids_compiled
from daiss_bluesky.kernels.ellipsoids import FieldGeometry, as_table

SEVERAL = as_table([
    [0.0, 0.0, 0.0, 0.85, 0.80, 1.4, 0.2, 0.5],
    [0.3, -0.2, 0.1, 0.20, 0.05, 0.3, 1.1, 0.7],
    [-0.4, 0.3, -0.3, 0.03, 0.10, 0.1, 2.5, -0.4],
    [0.9, 0.0, 0.0, 0.30, 0.30, 0.3, 0.0, 1.0],
])  # fmt: skip


@pytest.mark.parametrize("project", [ellipsoids.project, ellipsoids_compiled.project])
def test_chords_of_a_sphere(project: object) -> None:
    """A ray at distance d from the center of a sphere crosses 2√(r² - d²)."""
    radius, place = 0.5, np.array([0.3, -0.2, 0.1])
    ball = as_table([[*place, radius, radius, radius, 0.0, 2.0]])
    geometry = FieldGeometry(201, 2001, 1003.5)
    angle = 0.7
    image = project(ball, angle, geometry)  # type: ignore[operator]
    s = (np.arange(2001) - 1003.0) / 1000.5
    z = (np.arange(201) - 100) / 100.5
    t = s - place[0] * np.cos(angle) - place[1] * np.sin(angle)
    squared = radius**2 - t[None] ** 2 - (z[:, None] - place[2]) ** 2
    expected = 2 * 2.0 * np.sqrt(np.maximum(squared, 0))
    deep_inside = squared > 0.01
    error = np.abs(image - expected)
    assert error[deep_inside].max() < 5e-5  # the pixel has a width
    assert image[squared < -0.01].max() == 0


@pytest.mark.parametrize("angle_rad", [0.0, 0.4, np.pi / 2, 2.9, -1.3, 7.0])
def test_compiled_equals_reference(angle_rad: float) -> None:
    geometry = FieldGeometry(20, 48, 26.3, row_shift_px=1.5)
    expected = ellipsoids.project(SEVERAL, angle_rad, geometry)
    np.testing.assert_allclose(
        ellipsoids_compiled.project(SEVERAL, angle_rad, geometry), expected, atol=5e-6
    )


def test_out_is_overwritten() -> None:
    geometry = FieldGeometry(8, 16, 8.0)
    out = np.full((8, 16), 9, np.float32)
    image = ellipsoids_compiled.project(SEVERAL, 0.3, geometry, out)
    assert image is out
    np.testing.assert_allclose(
        out, ellipsoids.project(SEVERAL, 0.3, geometry), atol=5e-6
    )


def test_opposite_projections_are_mirror_images() -> None:
    geometry = FieldGeometry(10, 64, 32.0)
    front = ellipsoids_compiled.project(SEVERAL, 0.5, geometry)
    back = ellipsoids_compiled.project(SEVERAL, 0.5 + np.pi, geometry)
    np.testing.assert_allclose(front, back[:, ::-1], atol=5e-6)


def test_compiled_volume_equals_reference() -> None:
    shape = (9, 33, 33)
    expected = ellipsoids.voxelize(SEVERAL, shape)
    np.testing.assert_allclose(
        ellipsoids_compiled.voxelize(SEVERAL, shape), expected, atol=1e-5
    )


@pytest.mark.parametrize("angle_rad", [0.0, np.pi / 2])
def test_volume_summed_along_an_axis_is_the_projection(angle_rad: float) -> None:
    """At 0 the ray runs along y, s = x; at 90 degrees along x, s = y."""
    n = 128
    volume = ellipsoids_compiled.voxelize(SEVERAL[:3], (16, n, n))
    image = ellipsoids.project(SEVERAL[:3], angle_rad, FieldGeometry(16, n, n / 2))
    summed = volume.sum(axis=1 if angle_rad == 0 else 2) * 2 / n
    error = np.sqrt(np.mean((summed - image) ** 2) / np.mean(image**2))
    assert error < 0.01


@pytest.mark.parametrize(
    ("table", "words"),
    [
        ([[1, 2, 3]], "8 numbers"),
        ([[0, 0, 0, 1, 1, 0, 0, 1]], "must be positive"),
        ([[0, 0, np.nan, 1, 1, 1, 0, 1]], "NaN"),
    ],
)
def test_bad_tables_are_refused(table: list[list[float]], words: str) -> None:
    with pytest.raises(InputError, match=words):
        as_table(table)


def test_noise_has_the_variance_of_photon_counting() -> None:
    rng = np.random.default_rng(3)
    normals = rng.standard_normal(1 << 18, dtype=np.float32)
    for counts in (100.0, 3000.0, 40000.0):
        mean = np.full((200, 200), counts, np.float32)
        out = np.empty(mean.shape, np.uint16)
        offsets = rng.integers(0, normals.size - 200, 200)
        ellipsoids_compiled.add_noise(
            mean, normals, offsets, np.float32(1), np.float32(65535), out
        )
        assert out.mean() == pytest.approx(counts, rel=0.001, abs=0.3)
        assert out.var() == pytest.approx(counts, rel=0.05)
