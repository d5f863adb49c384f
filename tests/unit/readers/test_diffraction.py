"""Ptychography files of every format, whole and broken."""

import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest

from daiss_bluesky.core.errors import InputError
from daiss_bluesky.core.stored_diffraction import StoredDiffraction
from daiss_bluesky.readers import (
    area_diffraction,
    close,
    open_any,
    open_diffraction,
    open_scan,
)
from daiss_bluesky.testing.ball_scan import make_ball_scan
from tests.unit.readers.diffraction_files import (
    DISTANCE_MM,
    ENERGY_KEV,
    PIXEL_UM,
    SHAPE,
    N,
    make_scan,
    write_camera,
    write_cxi,
    write_nexus,
    write_npz,
)
from tests.unit.readers.stored_files import (
    write_area_detector as write_tomography_camera,
)
from tests.unit.readers.stored_files import write_dxchange
from tests.unit.readers.stored_files import write_npz as write_tomography

Write = Callable[..., Path]
WRITERS: dict[str, Write] = {
    "scan.npz": write_npz,
    "scan.cxi": write_cxi,
    "raster.nxs": write_nexus,
    "camera.h5": write_camera,
}
BASIS = "instrument_1/detector_1/basis_vectors"


@pytest.fixture
def stored() -> StoredDiffraction:
    return make_scan()


@pytest.fixture
def opened() -> Iterator[Callable[..., StoredDiffraction]]:
    scans: list[StoredDiffraction] = []

    def open_it(*paths: Path) -> StoredDiffraction:
        scans.append(open_diffraction(*paths))
        return scans[-1]

    yield open_it
    for scan in scans:
        close(scan)


@pytest.mark.parametrize("name", WRITERS)
def test_every_format_gives_the_scan_back(
    name: str,
    stored: StoredDiffraction,
    tmp_path: Path,
    opened: Callable[..., StoredDiffraction],
) -> None:
    found = opened(WRITERS[name](tmp_path / name, stored))
    assert found.frame_shape == SHAPE
    assert found.scan.n_frames == N
    np.testing.assert_allclose(found.positions_um, stored.positions_um, atol=1e-9)
    np.testing.assert_array_equal(found.frames[found.frame_indices], stored.frames)
    some = found.frame_indices[3:6]
    np.testing.assert_array_equal(
        found.frames[some[0] : some[-1] + 1], stored.frames[3:6]
    )
    np.testing.assert_array_equal(found.frames[int(some[1])], stored.frames[4])
    np.testing.assert_array_equal(found.frames[some, 2:4], stored.frames[3:6, 2:4])
    assert found.times_s.shape == (N,)
    assert found.scan.technique == "ptychography"


@pytest.mark.parametrize("name", ["scan.cxi", "raster.nxs", "camera.h5"])
def test_the_optics_are_those_of_the_photons(
    name: str,
    stored: StoredDiffraction,
    tmp_path: Path,
    opened: Callable[..., StoredDiffraction],
) -> None:
    found = opened(WRITERS[name](tmp_path / name, stored))
    assert found.scan.energy_kev == pytest.approx(ENERGY_KEV)
    assert found.scan.distance_mm == pytest.approx(DISTANCE_MM)
    assert found.scan.detector_pixel_um == pytest.approx(PIXEL_UM)
    np.testing.assert_allclose(found.positions_px, stored.positions_px)


@pytest.mark.parametrize("name", ["scan.npz", "scan.cxi"])
def test_probe_and_mask_come_along(
    name: str,
    stored: StoredDiffraction,
    tmp_path: Path,
    opened: Callable[..., StoredDiffraction],
) -> None:
    found = opened(WRITERS[name](tmp_path / name, stored))
    np.testing.assert_array_equal(found.mask, stored.mask)
    np.testing.assert_array_equal(found.probe, stored.probe)
    one = WRITERS[name](tmp_path / f"one{name}", stored)
    assert opened(one).probe is not None


def test_darks_lie_apart(
    stored: StoredDiffraction,
    tmp_path: Path,
    opened: Callable[..., StoredDiffraction],
) -> None:
    camera = opened(write_camera(tmp_path / "camera.h5", stored))
    assert camera.frame_indices.tolist() == list(range(2, N + 2))
    np.testing.assert_array_equal(camera.darks, stored.darks)
    np.testing.assert_array_equal(camera.times_s, stored.times_s)
    found = opened(write_cxi(tmp_path / "scan.cxi", stored))
    np.testing.assert_array_equal(found.darks, stored.darks)


def test_basis_vectors_say_where_rows_and_columns_run(
    stored: StoredDiffraction,
    tmp_path: Path,
    opened: Callable[..., StoredDiffraction],
) -> None:
    # Rows upwards, columns to the right: both turned against the default.
    turned = np.array([[0, 7.5e-5, 0], [7.5e-5, 0, 0]])
    for name, basis in (("a.cxi", turned), ("c.cxi", turned.T)):
        path = write_cxi(tmp_path / name, stored, **{BASIS: basis})
        np.testing.assert_allclose(
            opened(path).positions_um, -stored.positions_um, atol=1e-9
        )
    # Slow along x and fast along y: rows and columns change places.
    swapped = np.array([[-7.5e-5, 0, 0], [0, -7.5e-5, 0]])
    path = write_cxi(tmp_path / "b.cxi", stored, **{BASIS: swapped})
    np.testing.assert_allclose(
        opened(path).positions_um, stored.positions_um[:, ::-1], atol=1e-9
    )


def test_frames_with_the_zero_frequency_at_the_corner_are_rolled(
    stored: StoredDiffraction,
    tmp_path: Path,
    opened: Callable[..., StoredDiffraction],
) -> None:
    path = write_cxi(
        tmp_path / "a.cxi",
        stored,
        **{"data_1/data": np.fft.ifftshift(stored.frames, axes=(1, 2))},
    )
    with h5py.File(path, "r+") as file:
        file["entry_1/data_1/data"].attrs["is_fft_shifted"] = 1
    found = opened(path)
    np.testing.assert_array_equal(found.frames[2:5], stored.frames[2:5])
    np.testing.assert_array_equal(found.frames[3, 1:4], stored.frames[3, 1:4])


def test_frames_may_lie_in_another_file(
    stored: StoredDiffraction, tmp_path: Path
) -> None:
    with h5py.File(tmp_path / "frames.h5", "w") as file:
        file["data"] = stored.frames
    path = write_cxi(
        tmp_path / "a.cxi",
        stored,
        **{"data_1/data": h5py.ExternalLink("frames.h5", "/data")},
    )
    found = open_diffraction(path)
    np.testing.assert_array_equal(found.frames[:], stored.frames)
    close(found)
    # Both files are closed: a writer may have them.
    for name in ("frames.h5", "a.cxi"):
        h5py.File(tmp_path / name, "r+").close()
    (tmp_path / "frames.h5").unlink()
    with pytest.raises(InputError, match="none of the layouts"):
        open_diffraction(path)


def test_several_camera_files_make_one_scan(
    stored: StoredDiffraction,
    tmp_path: Path,
    opened: Callable[..., StoredDiffraction],
) -> None:
    whole = write_camera(tmp_path / "whole.h5", stored)
    cuts = {"later.h5": slice(6, None), "first.h5": slice(0, 6)}
    with h5py.File(whole) as file:
        for name, cut in cuts.items():
            with h5py.File(tmp_path / name, "w") as part:
                for key in ("entry/data/data", *_attributes(file)):
                    part[key] = file[key][cut]
    found = opened(*(tmp_path / name for name in cuts))
    np.testing.assert_array_equal(found.positions_um, stored.positions_um)
    np.testing.assert_array_equal(found.frames[found.frame_indices], stored.frames)


def _attributes(file: Any) -> list[str]:
    where = "entry/instrument/NDAttributes"
    return [f"{where}/{name}" for name in file[where]]


def test_a_file_still_being_written_is_read_as_far_as_it_is_whole(
    stored: StoredDiffraction,
    tmp_path: Path,
    opened: Callable[..., StoredDiffraction],
) -> None:
    short = np.r_[0.0, 0.0, stored.positions_um[:-3, 1]]
    path = write_camera(tmp_path / "live.h5", stored, piezo_x=short)
    with h5py.File(path, "r+", libver="latest") as writer:
        writer.swmr_mode = True
        found = opened(path)
        assert len(found.positions_um) == N - 3
        close(found)
    with pytest.raises(InputError, match="14 frames but 14 positions down, 11 across"):
        open_diffraction(path)


BAD: dict[str, tuple[str, dict[str, Any], str]] = {
    "npz without positions": (
        "scan.npz",
        {"positions_px": None},
        "diffraction frames but no 'positions_px'",
    ),
    "npz too few positions": (
        "scan.npz",
        {"positions_px": np.zeros((5, 2))},
        "12 frames but 5 positions, and no index says",
    ),
    "npz no positions at all": (
        "scan.npz",
        {"positions_px": np.zeros((0, 2))},
        "12 frames but no positions",
    ),
    "npz NaN": (
        "scan.npz",
        {"positions_px": np.full((N, 2), np.nan)},
        "12 positions of 12 that are NaN",
    ),
    "npz positions of one axis": (
        "scan.npz",
        {"positions_px": np.zeros(N)},
        r"shape \(12,\), expected one row and column",
    ),
    "npz text": (
        "scan.npz",
        {"positions_px": np.array([["a", "b"]] * N)},
        "expected real numbers",
    ),
    "npz empty": (
        "scan.npz",
        {"data": np.zeros((N, *SHAPE), np.uint16)},
        "all 12 diffraction frames .* are empty",
    ),
    "npz real probe": ("scan.npz", {"probe": np.ones(SHAPE)}, "expected complex"),
    "npz small probe": (
        "scan.npz",
        {"probe": np.ones((4, 4), np.complex64)},
        r"probe .* has shape \(4, 4\) but its frames have \(8, 10\)",
    ),
    "CXI without positions": (
        "scan.cxi",
        {"sample_1/geometry_1/translation": None},
        "no positions of the sample",
    ),
    "CXI too many positions": (
        "scan.cxi",
        {"sample_1/geometry_1/translation": np.zeros((40, 3))},
        "12 frames but 40 positions",
    ),
    "CXI odd translations": (
        "scan.cxi",
        {"sample_1/geometry_1/translation": np.zeros((N, 4))},
        r"shape \(12, 4\), expected \(frame, 3\)",
    ),
    "CXI no energy": (
        "scan.cxi",
        {"instrument_1/source_1/energy": 0.0},
        "energy_kev = 0.0 in the metadata",
    ),
    "CXI no distance": (
        "scan.cxi",
        {"instrument_1/detector_1/distance": 0.0},
        "distance_mm = 0.0 in the metadata",
    ),
    "CXI oblong pixels": (
        "scan.cxi",
        {"instrument_1/detector_1/x_pixel_size": 1e-4},
        "pixels of 75 by 100 µm",
    ),
    "CXI odd basis": (
        "scan.cxi",
        {"instrument_1/detector_1/basis_vectors": np.zeros((2, 3))},
        "expected two vectors",
    ),
    "NeXus axes that differ": (
        "raster.nxs",
        {"sample_1/transformations/x": np.zeros(7)},
        "7 positions in x but 12 in y",
    ),
    "camera file, all dark": (
        "camera.h5",
        {"FrameType": np.ones(N + 2, np.int32)},
        "14 frames but no positions",
    ),
}


@pytest.mark.parametrize("case", BAD)
def test_bad_files_are_refused_in_one_sentence(
    case: str, stored: StoredDiffraction, tmp_path: Path
) -> None:
    name, changes, sentence = BAD[case]
    path = WRITERS[name](tmp_path / name, stored, **changes)
    with pytest.raises(InputError, match=sentence) as caught:
        open_diffraction(path)
    assert "\n" not in str(caught.value)


def test_unknown_units_are_refused(stored: StoredDiffraction, tmp_path: Path) -> None:
    path = write_cxi(tmp_path / "scan.cxi", stored)
    with h5py.File(path, "r+") as file:
        file["entry_1/instrument_1/detector_1/distance"].attrs["units"] = b"furlong"
    with pytest.raises(InputError, match=r"unknown unit.*'furlong'.*known: m, meter"):
        open_diffraction(path)


def test_the_techniques_are_told_apart_by_content(
    stored: StoredDiffraction, tmp_path: Path
) -> None:
    ball = make_ball_scan(np.arange(0.0, 181.0, 20.0), rows=6, columns=20)
    tomography = [
        write_dxchange(tmp_path / "dx.h5", ball),
        write_tomography(tmp_path / "ball.npz", ball),
    ]
    for path in tomography:
        with pytest.raises(InputError, match="holds a tomography scan"):
            open_diffraction(path)
    for name, write in WRITERS.items():
        path = write(tmp_path / name, stored)
        with pytest.raises(InputError, match="holds a ptychography scan"):
            open_scan(path)
        with pytest.raises(InputError, match="no rotation center"):
            open_any(path, center_px=4.0)
        found = open_any(path)
        assert isinstance(found, StoredDiffraction)
        close(found)


def test_a_camera_that_records_everything_is_told_by_what_moved(
    stored: StoredDiffraction, tmp_path: Path
) -> None:
    still = 30 + np.random.default_rng(1).normal(scale=0.001, size=N + 2)
    turning = np.linspace(0, 180, N + 2)
    scanned = write_camera(tmp_path / "scanned.h5", stored, theta=still)
    found = open_diffraction(scanned)
    assert len(found.positions_um) == N
    close(found)
    # An open file of which the angles lag behind, as while it is written.
    short = write_camera(tmp_path / "short.h5", stored, theta=still[:5])
    close(open_diffraction(short))
    flats = np.r_[2, 2, np.zeros(N)].astype(np.int32)
    parked = {"piezo_y": np.zeros(N + 2), "piezo_x": np.zeros(N + 2)}
    for i, changes in enumerate(
        ({"theta": turning}, {"theta": still, "FrameType": flats},
         {"theta": still, **parked})
    ):  # fmt: skip
        path = write_camera(tmp_path / f"{i}.h5", stored, **changes)
        with h5py.File(path) as file:
            assert not area_diffraction.recognizes(file)
    ball = make_ball_scan(np.arange(0.0, 181.0, 20.0), rows=6, columns=20)
    n = len(ball.darks) + len(ball.flats) + 2 + len(ball.projections)
    noise = np.random.default_rng(2).normal(scale=0.01, size=n)
    tomography = write_tomography_camera(
        tmp_path / "tomo.h5", ball, piezo_y=noise, piezo_x=noise
    )
    scan = open_scan(tomography)
    assert scan.scan.n_projections == len(ball.projections)
    close(scan)


@pytest.mark.data
def test_the_siemens_star_opens() -> None:
    folder = Path(os.environ.get("DAISS_DATA", "../shared/data"))
    path = folder / "ptycho_siemens_star.npz"
    if not path.is_file():
        pytest.skip(f"no measured scans in {folder}")
    found = open_diffraction(path)
    assert found.frames.shape == (516, 128, 128)
    assert found.positions_px.shape == (516, 2)
    assert found.probe is not None
    assert found.probe.shape == (1, 128, 128)
    # The direct beam is in the middle of a detector, its corners are dark.
    mean = found.frames[::16].mean(axis=0)
    assert mean[32:96, 32:96].sum() > 0.9 * mean.sum()
