"""Exports, read back by our reader and held against the definitions."""

from dataclasses import replace
from pathlib import Path

import h5py
import numpy as np
import pytest

from daiss_bluesky.core.errors import InputError
from daiss_bluesky.core.stored_diffraction import StoredDiffraction
from daiss_bluesky.publishers.cxi_file import Ptychogram, write_cxi
from daiss_bluesky.publishers.cxi_frames import LinkedFrames
from daiss_bluesky.readers import close, open_diffraction
from tests.unit.readers.diffraction_files import DISTANCE_MM, ENERGY_KEV, SHAPE, N
from tests.unit.readers.diffraction_files import make_scan as make_stored


@pytest.fixture
def stored() -> StoredDiffraction:
    return make_stored()


@pytest.fixture
def result(stored: StoredDiffraction) -> Ptychogram:
    rng = np.random.default_rng(8)
    assert stored.probe is not None
    return Ptychogram(
        object=np.exp(1j * rng.uniform(size=(30, 40))).astype(np.complex64),
        probe=stored.probe,
        positions_um=stored.positions_um + 0.01,
        origin_um=(-3.5, -4.0),
        measured_um=stored.positions_um,
        mask=stored.mask,
        metadata={"version": "0.1", "residuals": [0.4, 0.1], "comment": None},
    )


def test_an_export_is_read_back_whole(
    stored: StoredDiffraction, result: Ptychogram, tmp_path: Path
) -> None:
    path = tmp_path / "out.cxi"
    write_cxi(path, stored.scan, result, stored.frames)
    found = open_diffraction(path)
    np.testing.assert_allclose(found.positions_um, result.positions_um, atol=1e-9)
    np.testing.assert_array_equal(found.frames[:], stored.frames)
    np.testing.assert_array_equal(found.mask, stored.mask)
    np.testing.assert_array_equal(found.probe, result.probe)
    assert found.scan.energy_kev == pytest.approx(ENERGY_KEV)
    assert found.scan.distance_mm == pytest.approx(DISTANCE_MM)
    np.testing.assert_allclose(found.positions_px, result.positions_um / _pixel(stored))
    close(found)


def _pixel(stored: StoredDiffraction) -> tuple[float, float]:
    return stored.scan.object_pixel_um(SHAPE)


def test_the_near_field_stays_near(
    stored: StoredDiffraction, result: Ptychogram, tmp_path: Path
) -> None:
    near = stored.scan.model_copy(update={"field": "near"})
    write_cxi(tmp_path / "near.cxi", near, result, stored.frames)
    found = open_diffraction(tmp_path / "near.cxi")
    assert found.scan.field == "near"
    close(found)


@pytest.mark.parametrize(
    "indices", [np.arange(N + 3), np.r_[3:9, 10 : N + 2]], ids=["all", "some"]
)
def test_frames_may_stay_in_the_detectors_file(
    indices: np.ndarray[tuple[int], np.dtype[np.int64]],
    stored: StoredDiffraction,
    result: Ptychogram,
    tmp_path: Path,
) -> None:
    (tmp_path / "a").mkdir()
    raw = tmp_path / "a" / "raw.h5"
    everything = np.random.default_rng(1).poisson(9.0, (N + 3, *SHAPE)).astype("u2")
    with h5py.File(raw, "w") as file:
        file["entry/data/data"] = everything
    linked = LinkedFrames(raw, "/entry/data/data", indices)
    n = len(indices)
    cut = replace(result, positions_um=np.zeros((n, 2)), measured_um=None)
    write_cxi(tmp_path / "a" / "out.cxi", stored.scan, cut, linked)
    write_cxi(tmp_path / "far.cxi", stored.scan, cut, linked)
    # Both moved together keep together.
    moved = (tmp_path / "a").rename(tmp_path / "b")
    found = open_diffraction(moved / "out.cxi")
    np.testing.assert_array_equal(found.frames[:], everything[indices])
    close(found)
    (tmp_path / "b").rename(tmp_path / "a")
    found = open_diffraction(tmp_path / "far.cxi")
    np.testing.assert_array_equal(found.frames[:], everything[indices])
    close(found)
    assert (tmp_path / "far.cxi").stat().st_size < 200_000


def test_what_others_look_for_is_where_the_definitions_have_it(
    stored: StoredDiffraction, result: Ptychogram, tmp_path: Path
) -> None:
    write_cxi(tmp_path / "out.cxi", stored.scan, result, stored.frames)
    with h5py.File(tmp_path / "out.cxi") as file:
        assert file["cxi_version"][()] == 160
        entry = file["entry_1"]
        assert entry.attrs["NX_class"] == "NXentry"
        assert entry["definition"][()] == b"NXptycho"
        detector = entry["instrument_1/detector_1"]
        assert detector["distance"][()] == pytest.approx(1.5)
        assert detector["x_pixel_size"][()] == pytest.approx(75e-6)
        # Joules: 6.2 keV.
        assert entry["instrument_1/source_1/energy"][()] == pytest.approx(9.9335e-16)
        assert entry["instrument_1/source_1/wavelength"][()] == pytest.approx(
            1.9997e-10
        )
        assert entry["instrument_1/beam_1/incident_beam_energy"].attrs["units"] == "J"
        for where in (
            "data_1", "sample_1/geometry_1", "instrument_1/detector_1",
        ):  # fmt: skip
            assert entry[f"{where}/translation"].shape == (N, 3)
        for where in ("data_1", "instrument_1/detector_1"):
            np.testing.assert_array_equal(entry[f"{where}/data"], stored.frames)
        # The probe goes down and to the right: the sample goes up and to the left.
        basis = detector["basis_vectors"][()].T
        translation = entry["data_1/translation"][()]
        down, across = result.positions_um.T
        row, column = (-translation @ (b / np.linalg.norm(b)) for b in basis)
        np.testing.assert_allclose(row, 1e-6 * down)
        np.testing.assert_allclose(column, 1e-6 * across)
        for name, image in {"object": result.object, "probe": result.probe}.items():
            np.testing.assert_array_equal(entry[f"{name}/data"], image)
            assert entry[name].attrs["NX_class"] == "NXdata"
        assert entry["process_1/residuals"][()].tolist() == [0.4, 0.1]
        size = entry["image_2/image_size"][()]
        assert size[0] == pytest.approx(40e-6 * _pixel(stored)[1])
        assert size[1] == pytest.approx(30e-6 * _pixel(stored)[0])


def test_what_cannot_be_written_is_refused_and_leaves_nothing(
    stored: StoredDiffraction, result: Ptychogram, tmp_path: Path
) -> None:
    path = tmp_path / "out.cxi"
    with pytest.raises(InputError, match="5 frames but 12 positions"):
        write_cxi(path, stored.scan, result, stored.frames[:5])
    assert not path.exists()
    missing = LinkedFrames(tmp_path / "no.h5", "/data", np.arange(N))
    with pytest.raises(InputError, match=r"no\.h5 has no /data to link"):
        write_cxi(path, stored.scan, result, missing)
    assert not path.exists()
    write_cxi(path, stored.scan, result)
    with pytest.raises(InputError, match="is there already"):
        write_cxi(path, stored.scan, result)
    with pytest.raises(InputError, match="there is no folder"):
        write_cxi(tmp_path / "none" / "out.cxi", stored.scan, result)
    blind = stored.scan.model_copy(update={"energy_kev": None})
    with pytest.raises(InputError, match="needs energy_kev, or pixel_size_um"):
        write_cxi(tmp_path / "blind.cxi", blind, result)
    with pytest.raises(InputError, match=r"probe of \(8, 10\)"):
        replace(result, probe=result.probe[0])
    with pytest.raises(InputError, match=r"positions_um has shape \(12, 3\)"):
        replace(result, positions_um=np.zeros((12, 3)))
