"""`daiss reconstruct` with another algorithm or another program."""

import json
import sys
import tomllib
from pathlib import Path

import h5py
import numpy as np
import pytest

from daiss_bluesky.algorithms.fbp import FbpAlgorithm
from daiss_bluesky.algorithms.iterative import (
    CglsAlgorithm,
    SirtAlgorithm,
    TvAlgorithm,
)
from daiss_bluesky.cli import stored_scan
from daiss_bluesky.cli.main import main
from daiss_bluesky.core.geometry import projection_angles_deg
from daiss_bluesky.core.registry import ALGORITHMS, load
from daiss_bluesky.services.exit_codes import REFUSED
from daiss_bluesky.testing.ball_scan import ball_truth, make_ball_scan

ROOT = Path(__file__).parents[3]


@pytest.fixture
def scan_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A scan of 30 projections, in the working directory."""
    stored = make_ball_scan(projection_angles_deg(30))
    np.savez(
        tmp_path / "scan.npz",
        proj=stored.projections,
        flat=stored.flats[:3],
        dark=stored.darks,
        theta_deg=np.rad2deg(stored.angles_rad),
    )
    monkeypatch.chdir(tmp_path)
    return tmp_path / "scan.npz"


def run(monkeypatch: pytest.MonkeyPatch, *arguments: str) -> int | str | None:
    monkeypatch.setattr(sys, "argv", ["daiss", "reconstruct", *arguments])
    try:
        main()
    except SystemExit as ended:
        return ended.code
    return 0


def test_the_package_names_the_iterative_algorithms() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    points = project["entry-points"][ALGORITHMS]
    wanted = {"sirt": SirtAlgorithm, "cgls": CglsAlgorithm, "tv": TvAlgorithm}
    assert {name: load(points[name]) for name in wanted} == wanted


def test_iterations_are_done_and_their_residuals_reported(
    scan_file: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setattr(stored_scan, "find", lambda group, name: SirtAlgorithm)
    asked = ("--algorithm", "sirt", "--iterations", "12", "--center-px", "17.25")
    assert run(monkeypatch, "scan.npz", *asked, "--json") == 0
    said = capsys.readouterr()
    report = json.loads(said.out)
    assert report["method"] == "gridding"
    assert report["method_reason"].startswith("gridding")
    assert said.err == ""
    assert report["iterations"] == 12
    assert report["residual_last"] < report["residual_first"]
    with h5py.File(report["output"]) as opened:
        volume = opened["entry/data/volume"][:]
    truth = ball_truth(18, 32)
    assert volume.min() == 0
    assert np.sqrt(np.mean((volume - truth) ** 2)) < 0.2 * truth.max()


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        (["--backend", "gridrec"], "unknown backend 'gridrec' (known: algotom:dfi"),
        (["--backend", "astra:fbp", "--algorithm", "sirt"], "not both"),
        (["--iterations", "9"], "unknown key 'iterations' in the parameters of fbp"),
        (["--algorithm", "art"], "unknown algorithm 'art' (known: "),
        (["--device", "gpu"], "device = 'gpu' in the parameters of fbp is refused"),
    ],
)
def test_what_makes_no_sense_is_refused(
    asked: list[str],
    said: str,
    scan_file: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert run(monkeypatch, "scan.npz", *asked) == REFUSED
    error = capsys.readouterr().err
    assert said in error
    assert error.count("\n") == 1
    assert not list(scan_file.parent.glob("*.h5"))


def test_a_missing_program_is_named_with_its_remedy(
    scan_file: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setattr(
        "daiss_bluesky.algorithms.backends.registry.find_spec", lambda name: None
    )
    assert run(monkeypatch, "scan.npz", "--backend", "tomopy:gridrec") == REFUSED
    error = capsys.readouterr().err
    assert "needs tomopy, which is not installed: conda install" in error


def test_the_tilt_in_force_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    angles_deg = np.arange(0.0, 181.0, 6.0)
    stored = make_ball_scan(angles_deg, rows=64, columns=48, tilt_deg=2.0)
    np.savez(
        tmp_path / "scan.npz",
        proj=stored.projections,
        flat=stored.flats[:3],
        dark=stored.darks,
        theta_deg=angles_deg,
    )
    monkeypatch.chdir(tmp_path)
    asked = ("scan.npz", "--axis-tilt-deg", "auto", "--json")
    assert run(monkeypatch, *asked) == 0
    report = json.loads(capsys.readouterr().out)
    assert abs(report["axis_tilt_deg"] - 2.0) < 0.05
    assert report["axis_tilt_source"] == "pair"
    other = ("scan.npz", "--output", "other.h5", "--axis-tilt-deg", "steep")
    assert run(monkeypatch, *other) == REFUSED
    assert "degrees or 'auto' are expected" in capsys.readouterr().err


@pytest.mark.parametrize("how", [[], ["--slabs"], ["--algorithm", "sirt"]])
def test_the_center_of_a_half_acquisition_is_found_first(
    how: list[str],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    angles_deg = np.arange(0.0, 360.0, 3.0)
    stored = make_ball_scan(angles_deg, rows=5, columns=64, center_px=32.25)
    np.savez(
        tmp_path / "scan.npz",
        proj=stored.projections[:, :, :45],
        flat=stored.flats[:3, :, :45],
        dark=stored.darks[:, :, :45],
        theta_deg=angles_deg,
    )
    monkeypatch.chdir(tmp_path)
    pipeline = tmp_path / "half.yml"
    pipeline.write_text("parameters: {half_acquisition: true}\n")
    monkeypatch.setattr(
        stored_scan,
        "find",
        lambda group, name: {"sirt": SirtAlgorithm, "fbp": FbpAlgorithm}[name],
    )
    asked = ("scan.npz", "--pipeline", "half.yml", *how, "--json")
    assert run(monkeypatch, *asked) == 0
    report = json.loads(capsys.readouterr().out)
    assert report["center_source"] == "sinogram"
    assert abs(report["center_px"] - 32.25) < 0.1
    assert report["volume_shape"] == [5, 65, 65]
    noise = np.random.default_rng(0).normal(20_000, 100, stored.projections.shape)
    np.savez(
        tmp_path / "noise.npz",
        proj=noise[:, :, :45].astype(np.uint16),
        flat=stored.flats[:3, :, :45],
        dark=stored.darks[:, :, :45],
        theta_deg=angles_deg,
    )
    assert run(monkeypatch, "noise.npz", "--pipeline", "half.yml", *how) == REFUSED
    assert "give center_px" in capsys.readouterr().err
