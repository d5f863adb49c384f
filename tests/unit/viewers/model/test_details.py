"""Slices of the volume where there is one, and of the reconstruction before."""

from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from daiss_bluesky.core.errors import InputError
from daiss_bluesky.viewers.model.details import Details
from daiss_bluesky.viewers.model.followed import Followed
from daiss_bluesky.viewers.sources.tiled_reader import Array

LIMIT_S = 30.0
RUNNING = Followed("one", "run", "tomography", metadata={"status": "running"})
FINISHED = Followed(
    "one",
    "run",
    "tomography",
    scan_id=3,
    metadata={
        "status": "complete",
        "finished": 9.0,
        "geometry": {"pixel_size_um": 2.0},
    },
)
VOLUME = np.arange(24, dtype=np.float32).reshape(2, 3, 4)


class _Reader:
    """Stands in for a TiledReader."""

    def __init__(self, there: bool) -> None:
        self._there = there

    def find(self, path: str) -> Array | None:
        assert path == "recon/one/volume"
        return Array(VOLUME.shape, VOLUME.dtype) if self._there else None

    def read(self, path: str, known: Array, where: Any) -> NDArray[Any]:
        assert path == "recon/one/volume"
        part: NDArray[Any] = VOLUME[tuple(where)].copy()
        return part


class _Reconstructor:
    def slices(
        self, z: int, y: int, x: int, *, of: str | None = None
    ) -> dict[str, NDArray[np.float32]]:
        assert of == "one"
        return {"slice_xy": np.full((3, 4), 100 * z + 10 * y + x, np.float32)}


def _details(*, there: bool, reconstructor: Any = None) -> Details:
    reader: Any = _Reader(there)
    return Details(reader, reconstructor)


def test_slices_of_a_finished_volume() -> None:
    details = _details(there=True, reconstructor=_Reconstructor())
    found = details.slices(FINISHED, None, (1, 2, 3)).result(LIMIT_S)
    np.testing.assert_array_equal(found["slice_xy"].pixels, VOLUME[1])
    np.testing.assert_array_equal(found["slice_xz"].pixels, VOLUME[:, 2])
    np.testing.assert_array_equal(found["slice_yz"].pixels, VOLUME[:, :, 3])
    picture = found["slice_yz"]
    assert (picture.place, picture.pixel_size_um, picture.published_s) == (3, 2.0, 9.0)
    assert (picture.rows_along, picture.columns_along) == ("z", "y")
    with pytest.raises(InputError, match="y = 3: the volume has 0 to 2"):
        details.slices(FINISHED, None, (0, 3, 0)).result(LIMIT_S)
    details.close()


def test_slices_while_it_runs() -> None:
    details = _details(there=False, reconstructor=_Reconstructor())
    found = details.slices(RUNNING, None, (1, 2, 3)).result(LIMIT_S)
    assert found["slice_xy"].pixels[0, 0] == 123
    assert found["slice_xy"].place == 1
    details.close()


def test_no_volume_and_nobody_to_ask() -> None:
    details = _details(there=False)
    with pytest.raises(InputError, match="no volume yet"):
        details.slices(RUNNING, None, (0, 0, 0)).result(LIMIT_S)
    details.close()
