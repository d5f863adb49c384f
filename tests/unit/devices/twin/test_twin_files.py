"""Frames in HDF5 as NDFileHDF5 writes them, followed by another process."""

import subprocess
import sys
from pathlib import Path

import h5py
import numpy as np
import pytest

from daiss_bluesky.core.errors import InputError
from daiss_devices.twin.clock import EPICS_EPOCH_S
from daiss_devices.twin.file_name import expand_template, make_directory
from daiss_devices.twin.frame import Frame
from daiss_devices.twin.hdf5_writer import Hdf5Writer

TIME_S = 1_800_000_000.25

FOLLOWER = """
import sys, h5py
path, n = sys.argv[1], int(sys.argv[2])
file = h5py.File(path, "r", libver="latest", swmr=True)
images = file["entry/data/data"]
attributes = file["entry/instrument/NDAttributes"]
print("open", flush=True)
for i in range(n):
    sys.stdin.readline()
    images.refresh()
    seen = images.shape[0]
    assert seen == i + 1, (seen, i + 1)
    for name in attributes:
        attributes[name].refresh()
        assert attributes[name].shape[0] >= seen, name
    assert images[i, 0, 0] == i, images[i, 0, 0]
    assert attributes["theta"][i] == i / 2
    assert attributes["NDArrayUniqueId"][i] == i + 100
    print(i, flush=True)
"""


def frame(i: int) -> Frame:
    pixels = np.full((4, 6), i, np.uint16)
    return Frame(pixels, i + 100, TIME_S + i, i / 2, 2, True, (-0.25, 3.0))


def test_layout(tmp_path: Path) -> None:
    writer = Hdf5Writer(tmp_path / "a.h5", (4, 6), np.uint16)
    writer.write(frame(0))
    writer.write(frame(1))
    writer.close()
    with h5py.File(tmp_path / "a.h5", "r") as file:
        images = file["entry/data/data"]
        assert images.shape == (2, 4, 6)
        assert images.chunks == (1, 4, 6)
        assert images.dtype == np.uint16
        assert file["entry/instrument/detector/data"] == images
        found = {
            name: (dataset[1], dataset.dtype, dataset.chunks)
            for name, dataset in file["entry/instrument/NDAttributes"].items()
        }
    values = {name: value for name, (value, _, _) in found.items()}
    assert values == {
        "NDArrayUniqueId": 101,
        "NDArrayTimeStamp": TIME_S + 1,
        "NDArrayEpicsTSSec": int(TIME_S) + 1 - EPICS_EPOCH_S,
        "NDArrayEpicsTSnSec": 250_000_000,
        "theta": 0.5,
        "piezo_y": -0.25,
        "piezo_x": 3.0,
        "FrameType": 2,
        "ShutterOpen": 1,
    }
    assert found["theta"][1] == np.float64
    assert all(chunks == (16384,) for _, _, chunks in found.values())


def test_a_follower_sees_each_frame_with_its_attributes(tmp_path: Path) -> None:
    n = 20
    writer = Hdf5Writer(tmp_path / "a.h5", (4, 6), np.uint16)
    follower = subprocess.Popen(
        [sys.executable, "-c", FOLLOWER, str(tmp_path / "a.h5"), str(n)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert follower.stdout is not None
    assert follower.stdin is not None
    with follower:
        assert follower.stdout.readline() == "open\n"
        for i in range(n):
            writer.write(frame(i))
            follower.stdin.write("\n")
            follower.stdin.flush()
            assert follower.stdout.readline() == f"{i}\n"
    writer.close()
    assert follower.returncode == 0


def test_unflushed_frames_come_with_the_flush(tmp_path: Path) -> None:
    writer = Hdf5Writer(tmp_path / "a.h5", (4, 6), np.uint16)
    for i in range(5):
        writer.write(frame(i), flush=False)
    writer.flush()
    assert writer.count == 5
    writer.close()
    with h5py.File(tmp_path / "a.h5", "r") as file:
        theta = file["entry/instrument/NDAttributes/theta"][:]
    np.testing.assert_array_equal(theta, [0, 0.5, 1, 1.5, 2])


def test_a_file_that_cannot_be_made_is_an_os_error(tmp_path: Path) -> None:
    with pytest.raises(OSError, match=r"a\.h5"):
        Hdf5Writer(tmp_path / "absent" / "a.h5", (4, 6), np.uint16)


@pytest.mark.parametrize(
    ("template", "expected"),
    [
        ("%s%s_%6.6d.h5", "/d/n_000007.h5"),
        ("%s%s.h5", "/d/n.h5"),
        ("%s%s_%d.hdf", "/d/n_7.hdf"),
    ],
)
def test_templates(template: str, expected: str) -> None:
    assert expand_template(template, "/d/", "n", 7) == expected


@pytest.mark.parametrize("template", ["%d%s", "%s%s%s", "%s%x", "%s%(a)s", "100%"])
def test_odd_templates_are_refused(template: str) -> None:
    with pytest.raises(InputError, match="FileTemplate"):
        expand_template(template, "/d/", "n", 7)


def test_directories_are_made_as_deep_as_allowed(tmp_path: Path) -> None:
    assert make_directory(tmp_path, str(tmp_path), 0)
    assert not make_directory(tmp_path, f"{tmp_path}/a/b/c/", -2)
    assert make_directory(tmp_path, f"{tmp_path}/a/b/", -2)
    assert (tmp_path / "a" / "b").is_dir()
    assert not make_directory(tmp_path, f"{tmp_path}/a/../../other/", -9)
    assert not make_directory(tmp_path, "a/b", -9)


def test_links_out_of_the_root_are_refused(tmp_path: Path) -> None:
    root = tmp_path / "root"
    root.mkdir()
    (root / "way_out").symlink_to(tmp_path)
    assert not make_directory(root, f"{root}/way_out/", -1)
