"""A picture of any plane is what interpolating the whole volume gives."""

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.ndimage import map_coordinates

from daiss_bluesky.core.errors import InputError
from daiss_bluesky.core.plane import Plane
from daiss_bluesky.kernels.plane_sampling import add_slab


def picture_of(volume: NDArray[np.float32], plane: Plane) -> NDArray[np.float32]:
    picture = np.zeros(plane.shape, np.float32)
    for first in range(0, len(volume), 5):
        add_slab(volume[first : first + 5], first, plane, picture)
    return picture


@pytest.mark.parametrize("seed", range(5))
def test_any_plane_is_interpolated(seed: int) -> None:
    rng = np.random.default_rng(seed)
    volume = rng.normal(size=(17, 12, 14)).astype(np.float32)
    steps = [tuple(float(s) for s in step) for step in rng.normal(size=(2, 3))]
    plane = Plane((8.3, 5.1, 7.2), steps[0], steps[1], (15, 18))  # type: ignore[arg-type]
    i, j = np.indices(plane.shape)
    down, across = np.array(plane.down), np.array(plane.across)
    points = np.array(plane.middle)[:, None, None]
    points = points + (i - 7) * down[:, None, None]
    points = points + (j - 8.5) * across[:, None, None]
    # A frame of zeros around it, since the definition stops at the outermost voxels.
    right = map_coordinates(np.pad(volume, 1), points + 1, order=1, cval=0.0)
    np.testing.assert_allclose(picture_of(volume, plane), right, atol=1e-5)


def test_a_slice_is_itself() -> None:
    volume = np.random.default_rng(9).normal(size=(11, 8, 8)).astype(np.float32)
    plane = Plane((4, 3.5, 3.5), (0, 1, 0), (0, 0, 1), (8, 8))
    np.testing.assert_allclose(picture_of(volume, plane), volume[4], atol=1e-6)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"middle": (0, np.nan, 0)}, "finite"),
        ({"across": (0, 2, 0)}, "no plane"),
        ({"shape": (0, 5)}, "rows and columns"),
        ({"shape": (5, 10_000)}, "rows and columns"),
    ],
)
def test_what_is_no_plane_is_refused(change: dict[str, object], said: str) -> None:
    good = {
        "middle": (1.0, 2.0, 3.0),
        "down": (0.0, 1.0, 0.0),
        "across": (0.0, 0.0, 1.0),
        "shape": (4, 4),
    }
    with pytest.raises(InputError, match=said):
        Plane(**(good | change))  # type: ignore[arg-type]
