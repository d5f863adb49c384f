"""A result in Tiled becomes a CXI file: by uid, frames linked or turned."""

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import h5py
import numpy as np
import pytest
from numpy.typing import NDArray

from daiss_bluesky.cli.export import write_export
from daiss_bluesky.core.errors import InputError
from daiss_bluesky.core.stored_diffraction import StoredDiffraction
from daiss_bluesky.readers import open_diffraction
from tests.unit.readers.diffraction_files import SHAPE, N, make_scan, write_camera

USED = np.array([0.0, 1, 3, 4, 11])


class Node(dict[str, Any]):
    """A container of Tiled."""

    def __init__(self, metadata: dict[str, Any], **children: Any) -> None:
        super().__init__(children)
        self.metadata = metadata


class Array:
    """An array of Tiled."""

    def __init__(self, values: NDArray[Any], source: Any = None) -> None:
        self._values, self._source = values, source
        self.shape = values.shape

    def read(self) -> NDArray[Any]:
        return self._values

    def data_sources(self) -> list[Any]:
        return [] if self._source is None else [self._source]


@pytest.fixture
def stored() -> StoredDiffraction:
    return make_scan()


def result(uid: str, orientation: str = "none", **changes: Any) -> Node:
    stored = make_scan()
    arrays = {
        "object": np.ones((20, 30), np.complex64),
        "probe": stored.probe,
        "positions_um": stored.positions_um[USED.astype(int)],
        "frame_indices": USED,
    }
    metadata = {
        "result_uid": uid,
        "raw_uid": "run",
        "technique": "ptychography",
        "status": "complete",
        "algorithm": "rpie",
        "in_force": {
            "orientation": orientation,
            "object_origin_px": [-3.0, -2.0],
            "object_pixel_um": [0.5, 0.5],
        },
    } | changes
    return Node(metadata, **{name: Array(a) for name, a in arrays.items()})


def catalog(tmp_path: Path, stored: StoredDiffraction, *results: Node) -> Node:
    raw = write_camera(tmp_path / "raw file.h5", stored)
    source = SimpleNamespace(
        mimetype="application/x-hdf5",
        parameters={"dataset": "/entry/data/data", "slice": "2:14"},
        assets=[SimpleNamespace(data_uri=raw.as_uri())],
    )
    scan = {"energy_kev": 6.2, "distance_mm": 1500.0, "detector_pixel_um": 75.0}
    start = {"uid": "run", "ptychography": scan}
    frames = Array(stored.frames.reshape(N, 1, *SHAPE), source)
    primary = Node({}, time=Array(stored.times_s), camera_image=frames)
    return Node(
        {},
        raw=Node({}, run=Node({"start": start}, primary=primary)),
        recon=Node({}, **{one.metadata["result_uid"]: one for one in results}),
    )


@pytest.mark.parametrize("asked", ["abc", "ab", "last"])
def test_a_result_is_written_with_links_to_its_frames(
    asked: str, tmp_path: Path, stored: StoredDiffraction
) -> None:
    client = catalog(tmp_path, stored, result("xyz"), result("abc"))
    target = tmp_path / "out.cxi"
    assert write_export(client, asked, target)["frames"] == len(USED)
    found = open_diffraction(target)
    used = USED.astype(int)
    np.testing.assert_array_equal(found.frames[:], stored.frames[used])
    np.testing.assert_allclose(found.positions_um, stored.positions_um[used])
    np.testing.assert_array_equal(found.probe, stored.probe)
    found.frames.close()
    with h5py.File(target) as file:
        assert file["entry_1/data_1/data"].is_virtual
        corner = file["entry_1/image_2/origin"][()]
    # x then y, in meters, of a probe whose first pixel is the object's.
    half = np.array(SHAPE) // 2
    expected = 0.5e-6 * (np.array([-3.0, -2.0]) + half)
    np.testing.assert_allclose(corner, [expected[1], expected[0], 0.0])


def test_frames_that_were_turned_are_copied(
    tmp_path: Path, stored: StoredDiffraction
) -> None:
    client = catalog(tmp_path, stored, result("abc", "flip_rows"))
    write_export(client, "abc", tmp_path / "out.cxi")
    with h5py.File(tmp_path / "out.cxi") as file:
        frames = file["entry_1/data_1/data"][()]
    used = stored.frames[USED.astype(int)]
    np.testing.assert_array_equal(frames, np.roll(used[:, ::-1], 1, axis=1))


@pytest.mark.parametrize(
    ("results", "asked", "said"),
    [
        ([], "last", "there is no result to export yet"),
        ([result("ab"), result("ac")], "a", r"unknown result 'a' \(known: ab, ac\)"),
        ([result("ab")], "b", "unknown result 'b'"),
        ([result("ab", technique="tomography")], "ab", "is of tomography"),
    ],
)
def test_what_cannot_be_written_is_refused(
    results: list[Node],
    asked: str,
    said: str,
    tmp_path: Path,
    stored: StoredDiffraction,
) -> None:
    client = catalog(tmp_path, stored, *results)
    with pytest.raises(InputError, match=said):
        write_export(client, asked, tmp_path / "out.cxi")
    assert not (tmp_path / "out.cxi").exists()


def test_a_result_without_its_arrays_is_refused(
    tmp_path: Path, stored: StoredDiffraction
) -> None:
    failed = result("ab", status="failed")
    del failed["object"]
    with pytest.raises(InputError, match="has no object: it is not a finished one"):
        write_export(catalog(tmp_path, stored, failed), "ab", tmp_path / "out.cxi")
