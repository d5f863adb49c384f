"""Filter and backprojection on a device are the reference, plane by plane."""

from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from daiss_bluesky.core.plane import Plane
from daiss_bluesky.kernels import reference
from daiss_bluesky.kernels.cuda.backprojection import add_to_plane, add_to_slab
from daiss_bluesky.kernels.cuda.filtering import RowFilter
from tests.gpu.poison import poisoned

pytestmark = pytest.mark.gpu

CLOSE = {"float32": 1e-5, "float16": 5e-3}


def a_scan(
    n_angles: int, rows: int, n: int
) -> tuple[NDArray[np.float32], NDArray[np.float64], NDArray[np.float64]]:
    rng = np.random.default_rng(n)
    p = rng.normal(size=(n_angles, rows, n)).astype(np.float32)
    angles = rng.uniform(-np.pi, 2 * np.pi, n_angles)
    angles[:2] = 0, np.pi / 2
    return p, angles, rng.uniform(0.5, 1.5, n_angles)


@pytest.mark.parametrize("name", ["ramp", "hann"])
@pytest.mark.parametrize("dtype", ["float32", "float16"])
def test_filtered_rows_are_the_reference(cp: Any, dtype: str, name: str) -> None:
    p, _, weights = a_scan(7, 5, 53)
    p = p.astype(dtype)
    out = poisoned(cp, p.shape, dtype)
    RowFilter(53, name, most_rows=16).filter(cp.asarray(p), weights, out)
    wanted = reference.filter_projections(p.astype(np.float64), name)
    wanted *= weights[:, None, None]
    close = CLOSE[dtype] * np.abs(wanted).max()
    np.testing.assert_allclose(out.get(), wanted, atol=close)


@pytest.mark.parametrize("dtype", ["float32", "float16"])
@pytest.mark.parametrize(
    ("n_angles", "rows", "n"), [(3, 1, 1), (70, 13, 41), (9, 8, 64)]
)
def test_planes_and_slabs_grow_to_the_reference(
    cp: Any, n_angles: int, rows: int, n: int, dtype: str
) -> None:
    q, angles, _ = a_scan(n_angles, rows, n)
    q = q.astype(dtype)
    center_px = n / 2 + 0.8
    wanted = 0.5 * reference.backproject(
        q.astype(np.float64), angles, np.ones(n_angles), center_px
    )
    z, y, x = rows // 2, n // 3, n // 2
    middle = (n - 1) / 2
    planes = [
        (Plane((z, middle, middle), (0, 1, 0), (0, 0, 1), (n, n)), wanted[z]),
        (Plane(((rows - 1) / 2, y, middle), (1, 0, 0), (0, 0, 1), (rows, n)),
         wanted[:, y]),
        (Plane(((rows - 1) / 2, middle, x), (1, 0, 0), (0, 1, 0), (rows, n)),
         wanted[:, :, x]),
    ]  # fmt: skip
    device, close = cp.asarray(q), 1e-5 * np.abs(wanted).max()
    slab = cp.zeros((rows, n, n), cp.float32)
    pictures = [cp.zeros(plane.shape, cp.float32) for plane, _ in planes]
    for part in (slice(0, 2), slice(2, n_angles)):
        some, there = device[part], angles[part]
        add_to_slab(some, there, center_px, slab, 0.5)
        for picture, (plane, _) in zip(pictures, planes, strict=True):
            add_to_plane(some, there, center_px, plane, picture, 0.5)
    np.testing.assert_allclose(slab.get(), wanted, atol=close)
    for picture, (_, right) in zip(pictures, planes, strict=True):
        np.testing.assert_allclose(picture.get(), right, atol=close)


def test_between_slices_lies_what_is_between(cp: Any) -> None:
    q, angles, _ = a_scan(12, 6, 20)
    wanted = reference.backproject(q.astype(np.float64), angles, np.ones(12), 10.0)
    plane = Plane((2.25, 9.5, 9.5), (0, 1, 0), (0, 0, 1), (20, 20))
    picture = cp.zeros(plane.shape, cp.float32)
    add_to_plane(cp.asarray(q), angles, 10.0, plane, picture)
    right = 0.75 * wanted[2] + 0.25 * wanted[3]
    np.testing.assert_allclose(picture.get(), right, atol=1e-5 * np.abs(right).max())
