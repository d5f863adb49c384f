from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest

from daiss_bluesky.algorithms.fbp import FbpAlgorithm
from daiss_bluesky.core.errors import InputError
from daiss_bluesky.core.stored import StoredScan
from daiss_bluesky.engine.inline import reconstruct_scan
from daiss_bluesky.readers import open_scan
from daiss_bluesky.readers.hdf5 import FileFrames
from daiss_bluesky.testing.ball_scan import make_ball_scan
from tests.unit.readers.stored_files import (
    write_area_detector,
    write_dxchange,
    write_npz,
    write_nxtomo,
)

Write = Callable[..., Path]
WRITERS: dict[str, Write] = {
    "scan.npz": write_npz,
    "dx.h5": write_dxchange,
    "tomo.nxs": write_nxtomo,
    "camera.hdf5": write_area_detector,
}
N = 37


@pytest.fixture
def stored() -> StoredScan:
    return make_ball_scan(np.arange(0.0, 181.0, 5.0), rows=6, columns=20)


@pytest.fixture
def opened() -> Iterator[Callable[..., StoredScan]]:
    files: list[FileFrames] = []

    def open_it(path: Path, **options: Any) -> StoredScan:
        scan = open_scan(path, **options)
        if isinstance(scan.projections, FileFrames):
            files.append(scan.projections)
        return scan

    yield open_it
    for file in files:
        file.close()


@pytest.mark.parametrize("name", WRITERS)
def test_every_format_gives_the_scan_back(
    name: str, stored: StoredScan, tmp_path: Path, opened: Callable[..., StoredScan]
) -> None:
    found = opened(WRITERS[name](tmp_path / name, stored))
    assert found.frame_shape == (6, 20)
    assert found.scan.sample == Path(name).stem
    assert found.scan.n_projections == N
    np.testing.assert_allclose(found.angles_rad, stored.angles_rad, atol=1e-12)
    np.testing.assert_array_equal(
        found.projections[found.projection_indices], stored.projections
    )
    np.testing.assert_array_equal(found.flats[:3], stored.flats[:3])
    np.testing.assert_array_equal(found.darks, stored.darks)
    assert (np.diff(found.times_s) > 0).all()
    assert found.flat_times_s[0] < found.times_s[0]
    assert opened(tmp_path / name).scan.run_uid == found.scan.run_uid


@pytest.mark.parametrize("name", ["scan.npz", "camera.hdf5"])
def test_reconstruction_of_a_file_equals_that_of_the_scan(
    name: str, stored: StoredScan, tmp_path: Path, opened: Callable[..., StoredScan]
) -> None:
    expected = reconstruct_scan(stored, FbpAlgorithm(center_px=10.0)).arrays["volume"]
    file = opened(WRITERS[name](tmp_path / name, stored), center_px=10.0)
    volume = reconstruct_scan(file, FbpAlgorithm()).arrays["volume"]
    assert np.abs(volume - expected).max() <= 1e-6 * expected.max()


def test_camera_file_has_its_pair_and_kinds_by_name(
    stored: StoredScan, tmp_path: Path, opened: Callable[..., StoredScan]
) -> None:
    found = opened(write_area_detector(tmp_path / "a.h5", stored))
    assert stored.pair is not None
    np.testing.assert_array_equal(found.pair, stored.pair)
    np.testing.assert_array_equal(found.times_s, stored.times_s)
    np.testing.assert_array_equal(found.flat_times_s, stored.flat_times_s)
    names = ["Background"] * 2 + ["FlatField"] * 6 + ["Normal"] * N
    kinds = np.array(names + ["DblCorrelation"] * 2, dtype="S16")
    order = np.r_[0:5, 7 + N : 10 + N, 7 : 7 + N, 5:7]
    by_name = np.empty_like(kinds)
    by_name[order] = kinds
    again = opened(write_area_detector(tmp_path / "b.h5", stored, FrameType=by_name))
    np.testing.assert_array_equal(again.projection_indices, found.projection_indices)


def test_a_file_still_being_written_is_read_as_far_as_it_is_whole(
    stored: StoredScan, tmp_path: Path, opened: Callable[..., StoredScan]
) -> None:
    theta = np.r_[np.zeros(6), 180.0, np.rad2deg(stored.angles_rad[:-2])]
    path = write_area_detector(tmp_path / "live.h5", stored, theta=theta)
    with h5py.File(path, "r+", libver="latest") as writer:
        writer.swmr_mode = True
        found = opened(path)
        assert found.scan.n_projections == N - 2
        found.projections.close()
    with pytest.raises(InputError, match="47 frames but 42 angles"):
        open_scan(path)


def test_several_camera_files_make_one_scan(
    stored: StoredScan, tmp_path: Path, opened: Callable[..., StoredScan]
) -> None:
    whole = opened(write_area_detector(tmp_path / "whole.h5", stored))
    cuts = {"later.h5": slice(20, None), "first.h5": slice(0, 20)}
    paths = [tmp_path / name for name in cuts]
    with h5py.File(tmp_path / "whole.h5") as file:
        attributes = file["entry/instrument/NDAttributes"]
        for path, cut in zip(paths, cuts.values(), strict=True):
            with h5py.File(path, "w") as part:
                part["entry/data/data"] = file["entry/data/data"][cut]
                for name, values in attributes.items():
                    part[f"entry/instrument/NDAttributes/{name}"] = values[cut]
    found = open_scan(*paths)
    np.testing.assert_array_equal(found.angles_rad, whole.angles_rad)
    np.testing.assert_array_equal(found.flats, whole.flats)
    np.testing.assert_array_equal(found.pair, whole.pair)
    assert found.projections.shape == whole.projections.shape
    for key in (slice(15, 25), np.array([1, 19, 20, 40]), (21, slice(1, 3)), 7):
        np.testing.assert_array_equal(found.projections[key], whole.projections[key])
    expected = reconstruct_scan(whole, FbpAlgorithm()).arrays["volume"]
    volume = reconstruct_scan(found, FbpAlgorithm()).arrays["volume"]
    np.testing.assert_array_equal(volume, expected)
    found.projections.close()
    npz = write_npz(tmp_path / "scan.npz", stored)
    with pytest.raises(InputError, match="npz file is a whole scan, but 2 files"):
        open_scan(paths[0], npz)
    other = write_dxchange(tmp_path / "dx.h5", stored)
    with pytest.raises(InputError, match=r"dx.h5 is no areaDetector file"):
        open_scan(paths[0], other)


def test_content_decides_over_the_extension(
    stored: StoredScan, tmp_path: Path, opened: Callable[..., StoredScan]
) -> None:
    path = write_npz(tmp_path / "scan.npz", stored).rename(tmp_path / "scan.h5")
    assert opened(path).scan.n_projections == N


def nan_angles(stored: StoredScan) -> Any:
    angles = np.rad2deg(stored.angles_rad)
    angles[3] = np.nan
    return angles


BAD: dict[str, tuple[str, Callable[[StoredScan], dict[str, Any]], str]] = {
    "npz without angles": ("scan.npz", lambda _: {"theta_deg": None}, "no 'theta_deg'"),
    "npz without flats": ("scan.npz", lambda _: {"flat": None}, "no flat field"),
    "npz NaN angle": (
        "scan.npz",
        lambda s: {"theta_deg": nan_angles(s)},
        "1 angles of 37 that are NaN",
    ),
    "npz too few angles": (
        "scan.npz",
        lambda s: {"theta_deg": np.arange(36.0)},
        "37 projections but 36 angles",
    ),
    "npz flat of another shape": (
        "scan.npz",
        lambda s: {"flat": s.flats[:, :, 1:]},
        r"\(6, 19\).*projections have \(6, 20\)",
    ),
    "npz one frame": (
        "scan.npz",
        lambda s: {"proj": s.projections[0]},
        r"shape \(6, 20\), expected \(frame, row, column\)",
    ),
    "npz complex": (
        "scan.npz",
        lambda s: {"proj": s.projections * 1j},
        "dtype complex128",
    ),
    "npz objects": (
        "scan.npz",
        lambda s: {"proj": np.array([{}, {}], dtype=object)},
        "not read",
    ),
    "npz text angles": (
        "scan.npz",
        lambda s: {"theta_deg": np.array(["a"] * N)},
        "expected one real angle",
    ),
    "npz one angle": (
        "scan.npz",
        lambda s: {"proj": s.projections[:1], "theta_deg": np.zeros(1), "time_s": None},
        "1 projections, at least 2",
    ),
    "npz NaN time": (
        "scan.npz",
        lambda s: {"time_s": s.times_s * np.nan},
        "37 finite times",
    ),
    "DXchange without angles": ("dx.h5", lambda _: {"theta": None}, "no 'theta'"),
    "DXchange without flats": ("dx.h5", lambda _: {"data_white": None}, "no flat"),
    "DXchange too many angles": (
        "dx.h5",
        lambda _: {"theta": np.arange(40.0)},
        "37 projections but 40 angles",
    ),
    "NXtomo without angles": (
        "tomo.nxs",
        lambda _: {"sample/rotation_angle": None},
        "no rotation_angle",
    ),
    "NXtomo too few angles": (
        "tomo.nxs",
        lambda _: {"sample/rotation_angle": np.arange(5.0)},
        "46 frames but 5 rotation angles",
    ),
    "NXtomo too few keys": (
        "tomo.nxs",
        lambda _: {"instrument/detector/image_key": np.zeros(4)},
        "46 frames but 4 image keys",
    ),
    "NXtomo without key": (
        "tomo.nxs",
        lambda _: {"instrument/detector/image_key": None},
        "none of the layouts",
    ),
    "camera file without angles": (
        "camera.hdf5",
        lambda _: {"theta": None},
        "no angle.*known names: theta",
    ),
    "camera file of odd kinds": (
        "camera.hdf5",
        lambda _: {"FrameType": np.array(["Odd"] * 47, dtype="S8")},
        "unknown FrameType.*'Odd'.*known: Background",
    ),
}


@pytest.mark.parametrize("case", BAD)
def test_bad_files_are_refused_in_one_sentence(
    case: str, stored: StoredScan, tmp_path: Path
) -> None:
    name, changes, sentence = BAD[case]
    path = WRITERS[name](tmp_path / name, stored, **changes(stored))
    with pytest.raises(InputError, match=sentence) as caught:
        open_scan(path)
    assert str(path.name) in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("name", WRITERS)
def test_truncated_files_are_refused(
    name: str, stored: StoredScan, tmp_path: Path
) -> None:
    whole = WRITERS[name](tmp_path / name, stored)
    content = whole.read_bytes()
    whole.write_bytes(content[: len(content) * 2 // 3])
    with pytest.raises(InputError, match="truncated") as caught:
        open_scan(whole)
    assert "\n" not in str(caught.value)


def test_what_is_no_scan_at_all_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="does not exist"):
        open_scan(tmp_path / "absent.npz")
    with pytest.raises(InputError, match="not a file"):
        open_scan(tmp_path)
    text = tmp_path / "notes.h5"
    text.write_text("no HDF5")
    with pytest.raises(InputError, match="is not an HDF5 file"):
        open_scan(text)
    with pytest.raises(InputError, match=r"unknown format.*'.txt'.*\.npz"):
        open_scan(text.rename(tmp_path / "notes.txt"))
    empty = tmp_path / "empty.npz"
    empty.write_bytes(b"")
    with pytest.raises(InputError, match="truncated or no npz"):
        open_scan(empty)
    with empty.open("wb") as file:
        np.save(file, np.zeros(3))
    with pytest.raises(InputError, match="single array"):
        open_scan(empty)


def test_unknown_unit_of_angles_is_refused(stored: StoredScan, tmp_path: Path) -> None:
    path = write_dxchange(tmp_path / "dx.h5", stored)
    with h5py.File(path, "r+") as file:
        file["exchange/theta"].attrs["units"] = b"grad"
    with pytest.raises(InputError, match=r"unknown unit.*'grad'.*known: deg"):
        open_scan(path)


def test_a_damaged_frame_is_named_when_it_is_read(
    stored: StoredScan, tmp_path: Path
) -> None:
    path = tmp_path / "damaged.h5"
    with h5py.File(path, "w") as file:
        for name, values in {
            "data_white": stored.flats,
            "data_dark": stored.darks,
            "theta": np.rad2deg(stored.angles_rad),
        }.items():
            file[f"exchange/{name}"] = values
        data = file.create_dataset(
            "exchange/data", data=stored.projections, chunks=(1, 6, 20), fletcher32=True
        )
        offset = data.id.get_chunk_info(5).byte_offset
    content = bytearray(path.read_bytes())
    content[offset] ^= 0xFF
    path.write_bytes(content)
    found = open_scan(path)
    assert found.projections[0:5].shape == (5, 6, 20)
    with pytest.raises(InputError, match=r"damaged.h5 cannot be read"):
        reconstruct_scan(found, FbpAlgorithm())
    found.projections.close()
