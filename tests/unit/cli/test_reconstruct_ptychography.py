"""`daiss reconstruct` on files of ptychography: told by the file, written as CXI."""

import json
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest
from numpy.typing import NDArray

from daiss_bluesky.algorithms.ptychography.algorithm import RpieAlgorithm
from daiss_bluesky.cli import stored_ptychography
from daiss_bluesky.cli.main import main
from daiss_bluesky.core.stored_diffraction import StoredDiffraction
from daiss_bluesky.readers import close, holds_ptychography, open_diffraction
from daiss_bluesky.services.exit_codes import REFUSED
from daiss_bluesky.testing.ball_scan import make_ball_scan
from tests.unit.algorithms.ptychography.star_scan import star_scan
from tests.unit.readers.diffraction_files import write_camera, write_npz

N = 48


@pytest.fixture(scope="module")
def stored() -> StoredDiffraction:
    scan = star_scan(N)
    mask = np.zeros(scan.frame_shape, bool)
    mask[:2] = True
    return replace(scan, mask=mask, darks=np.zeros((2, 64, 64), np.uint16))


@pytest.fixture(autouse=True)
def _here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(stored_ptychography, "find", lambda group, name: RpieAlgorithm)


def run(monkeypatch: pytest.MonkeyPatch, *arguments: str) -> int | str | None:
    monkeypatch.setattr(sys, "argv", ["daiss", "reconstruct", *arguments])
    with pytest.raises(SystemExit) as ended:
        main()
    return ended.value.code


def camera_file(path: Path, stored: StoredDiffraction) -> Path:
    whole = len(stored.darks) + N
    scan = stored.scan
    return write_camera(
        path,
        stored,
        FrameType=np.repeat([1, 0], [len(stored.darks), N]).astype(np.int32),
        energy_kev=np.full(whole, scan.energy_kev),
        distance_mm=np.full(whole, scan.distance_mm),
        detector_pixel_um=np.full(whole, scan.detector_pixel_um),
    )


def report(capsys: pytest.CaptureFixture[str]) -> dict[str, Any]:
    said: dict[str, Any] = json.loads(capsys.readouterr().out)
    return said


def test_an_archive_becomes_a_cxi_file(
    stored: StoredDiffraction,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    write_npz(Path("star.npz"), stored, positions_px=stored.positions_px)
    assert run(monkeypatch, "star.npz", "--iterations", "4", "--json") == 0
    said = report(capsys)
    assert said["output"] == "star-object.cxi"
    assert (said["status"], said["frames_used"]) == ("complete", N)
    assert 0 < said["residual"] < 0.12
    assert said["frc_half_period_px"] < 2
    assert said["modes"] == 3
    assert said["warning"] is None
    found = open_diffraction("star-object.cxi")
    np.testing.assert_array_equal(found.frames[:], stored.frames)
    np.testing.assert_array_equal(found.mask, stored.mask)
    assert found.probe is not None
    # The probe of the file was there to begin with.
    assert overlap(found.probe[0], stored.probe) > 0.95
    moved = np.abs(found.positions_um - stored.positions_px)
    assert 0 < moved.max() < 3
    close(found)
    with h5py.File("star-object.cxi") as file:
        assert list(file["entry_1/object/data"].shape) == said["object_shape"]
        assert "star.npz" in file["entry_1/process_1/source"].asstr()[()]


def overlap(a: NDArray[Any], b: NDArray[Any] | None) -> float:
    assert b is not None
    power = np.linalg.norm(a) * np.linalg.norm(b)
    return float(np.abs(np.vdot(a, b)) / power)


def test_frames_of_the_detectors_file_are_linked(
    stored: StoredDiffraction,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    tmp_path: Path,
) -> None:
    camera_file(Path("scan.h5"), stored)
    assert run(monkeypatch, "scan.h5", "--iterations", "1", "--json") == 0
    assert report(capsys)["output"] == "scan-object.cxi"
    with h5py.File("scan-object.cxi") as file:
        assert file["entry_1/data_1/data"].is_virtual
        np.testing.assert_array_equal(file["entry_1/data_1/data"][()], stored.frames)
    # What was written is a scan again.
    assert holds_ptychography(tmp_path / "scan-object.cxi")


def test_a_turned_detector_gives_a_turned_file(
    stored: StoredDiffraction,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    camera_file(Path("scan.h5"), stored)
    Path("pipeline.yml").write_text(
        "technique: ptychography\nalgorithm: rpie\n"
        "parameters: {orientation: transpose, passes: 1, modes: 1}\n"
    )
    asked = ("scan.h5", "--pipeline", "pipeline.yml", "--output", "turned.h5")
    assert run(monkeypatch, *asked, "--json") == 0
    said = report(capsys)
    assert said["orientation"] == "transpose"
    # The frames lie right already: what was set is what is wrong.
    assert said["orientation_found"] in {"none", "rotate_180"}
    with h5py.File("turned.h5") as file:
        frames = file["entry_1/data_1/data"][()]
    np.testing.assert_array_equal(frames, stored.frames.transpose(0, 2, 1))


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        (["--center-px", "30"], "--center-px is for tomography"),
        (["--slabs", "--axis-tilt-deg", "auto"], "--axis-tilt-deg, --slabs is for"),
        (["--output", "star.zarr"], "unknown ptychogram file ending '.zarr'"),
        (["--output", "star.npz"], "unknown ptychogram file ending '.npz'"),
        (["--output", "no/star.cxi"], "there is no folder"),
        (["--pipeline", "tomography.yml"], "is a pipeline for tomography"),
        (["--iterations", "0"], "passes"),
        (["--algorithm", "fbp"], "scan, but fbp is an algorithm of tomography"),
    ],
)
def test_what_makes_no_sense_is_refused(
    asked: list[str],
    said: str,
    stored: StoredDiffraction,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    Path("tomography.yml").write_text("algorithm: fbp\n")
    write_npz(Path("star.npz"), stored, positions_px=stored.positions_px)
    assert run(monkeypatch, "star.npz", *asked) == REFUSED
    error = capsys.readouterr().err
    assert said in error
    assert error.count("\n") == 1
    assert not list(Path().glob("*.cxi"))


def test_a_pipeline_of_the_other_technique_is_refused(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    ball = make_ball_scan(np.arange(0.0, 180.0, 6.0))
    np.savez(
        "ball.npz",
        proj=ball.projections,
        flat=ball.flats[:3],
        dark=ball.darks,
        theta_deg=np.rad2deg(ball.angles_rad),
    )
    Path("ptycho.yml").write_text("technique: ptychography\nalgorithm: rpie\n")
    assert run(monkeypatch, "ball.npz", "--pipeline", "ptycho.yml") == REFUSED
    assert "holds a tomography scan, but ptycho.yml" in capsys.readouterr().err


def test_only_scans_are_told_apart(tmp_path: Path) -> None:
    np.save(tmp_path / "one.npy", np.zeros(3))
    (tmp_path / "one.npy").rename(tmp_path / "one.npz")
    (tmp_path / "bad.h5").write_bytes(b"\x89HDF and no more")
    assert not holds_ptychography(tmp_path / "one.npz")
    assert not holds_ptychography(tmp_path / "bad.h5")
