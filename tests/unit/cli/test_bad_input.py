"""What may be wrong with a scan or a pipeline file: one sentence, exit code 2."""

import re
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest

from daiss_bluesky.cli.main import main
from daiss_bluesky.core.geometry import projection_angles_deg
from daiss_bluesky.services.exit_codes import REFUSED
from daiss_bluesky.testing.ball_scan import make_ball_scan

STORED = make_ball_scan(projection_angles_deg(30), rows=6)
ARRAYS: dict[str, Any] = {
    "proj": STORED.projections,
    "flat": STORED.flats[:3],
    "dark": STORED.darks,
    "theta_deg": np.rad2deg(STORED.angles_rad),
}
Refusal = Callable[..., str]


@pytest.fixture
def refusal(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> Refusal:
    """Run a command on a scan of these arrays; gives its sentence."""
    monkeypatch.chdir(tmp_path)

    def run(*command: str, **changed: Any) -> str:
        np.savez("scan.npz", **ARRAYS | changed)
        monkeypatch.setattr(sys, "argv", ["daiss", *command])
        with pytest.raises(SystemExit) as ended:
            main()
        assert ended.value.code == REFUSED
        said = capsys.readouterr()
        assert said.out == ""
        assert said.err.count("\n") == 1
        assert not list(tmp_path.glob("*-volume.h5"))
        return said.err

    return run


@pytest.mark.parametrize("command", ["reconstruct", "center"])
@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"proj": 0 * STORED.projections}, "all 30 projections are without beam"),
        ({"proj": np.nan * STORED.projections}, "counts are expected"),
        ({"flat": 0 * STORED.flats}, "flat field (mean 0) is not brighter"),
        ({"flat": np.nan * STORED.flats}, "flat 0 has 192 of 192 pixels that are NaN"),
        ({"dark": np.nan * STORED.darks}, "dark 0 has 192 of 192 pixels that are NaN"),
        (
            {"theta_deg": np.full(30, 12.0)},
            "all 30 angles are equal: 0.20944 rad",
        ),
        ({"theta_deg": np.full(30, np.nan)}, "30 angles of 30 that are NaN"),
        ({"theta_deg": np.arange(7.0)}, "30 projections but 7 angles"),
    ],
)
def test_wrong_scans(
    command: str, changed: dict[str, Any], said: str, refusal: Refusal
) -> None:
    assert said in refusal(command, "scan.npz", **changed)


@pytest.mark.parametrize("command", ["reconstruct", "center"])
def test_degrees_said_to_be_radians(
    command: str, refusal: Refusal, tmp_path: Path
) -> None:
    with h5py.File(tmp_path / "scan.h5", "w") as file:
        names = {"proj": "data", "flat": "data_white", "dark": "data_dark"}
        for name, stored in names.items():
            file[f"exchange/{stored}"] = ARRAYS[name]
        file["exchange/theta"] = ARRAYS["theta_deg"]
        file["exchange/theta"].attrs["units"] = "rad"
    said = refusal(command, "scan.h5")
    assert "angles from 0 to 174 are more than 12 turns in radians" in said
    assert "look like degrees; radians are expected" in said


PHASE = "energy_kev: 20, distance_mm: 50, pixel_size_um: 1, delta_beta: 300"


@pytest.mark.parametrize(
    ("pipeline", "said"),
    [
        ("parameters: {filter: rampe}", "filter = 'rampe' .* 'shepp-logan'"),
        ("algorithm: art", r"unknown algorithm 'art' \(known: cgls, fbp"),
        ("parameters: {center_px: 400}", "center_px = 400 .* 32 columns"),
        ("parameters: {center_px: .nan}", "center_px = nan .* finite number"),
        (
            f"parameters: {{phase: {{{PHASE.replace('300', '-3')}}}}}",
            "delta_beta = -3 .* greater than 0",
        ),
        (
            f"parameters: {{phase: {{{PHASE.replace('50', '-50')}}}}}",
            "distance_mm = -50 .* greater than or equal to 0",
        ),
        (
            f"parameters: {{phase: {{{PHASE.replace('20', '0')}}}}}",
            "energy_kev = 0 .* greater than 0",
        ),
        ("steps: [log, flat]", r"steps = \['log', 'flat'\] .* order is fixed \(dark"),
        ("parameters: {steps: [log, flat]}", "order is fixed .* or logarithm, stripes"),
        ("algorithm: rpie", "scan, but rpie is an algorithm of ptychography"),
        ("comment: \udcff", r"pipeline\.yml is not YAML: 'utf-8' codec"),
    ],
)
def test_wrong_pipelines(
    pipeline: str, said: str, refusal: Refusal, tmp_path: Path
) -> None:
    (tmp_path / "pipeline.yml").write_text(pipeline, errors="surrogateescape")
    error = refusal("reconstruct", "scan.npz", "--pipeline", "pipeline.yml")
    assert re.search(said, error)


def test_a_center_or_backend_that_cannot_be(refusal: Refusal) -> None:
    assert "32 columns" in refusal("reconstruct", "scan.npz", "--center-px", "32.5")
    assert "32 columns" in refusal("center", "scan.npz", "--fan=7", "--around-px=40")
    assert "known: algotom:dfi" in refusal("reconstruct", "scan.npz", "--backend", "x")


def test_a_benchmark_on_no_device_is_refused(refusal: Refusal) -> None:
    said = refusal("bench", "ptychography", "--device", "tpu")
    assert "unknown device 'tpu' (known: auto, cpu, cuda, cuda:N)" in said


@pytest.mark.parametrize("command", [("look",), ("demo",), ("center", "scan.npz")])
@pytest.mark.parametrize("name", ["picture.jpg", "scan.npz/picture.png"])
def test_a_picture_that_could_not_be_written_is_refused_at_once(
    command: tuple[str, ...], name: str, refusal: Refusal
) -> None:
    assert f"error: --picture {name}: " in refusal(*command, "--picture", name)


def test_a_state_directory_that_cannot_be_made_is_refused(refusal: Refusal) -> None:
    said = refusal("up", "--state", "scan.npz")
    assert "scan.npz cannot be the state directory: File exists" in said


def test_a_state_directory_of_somebody_else_is_refused(
    refusal: Refusal, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    def locked(_: Path) -> bool:
        raise PermissionError

    monkeypatch.setattr(Path, "exists", locked)
    said = refusal("status", "--state", str(tmp_path))
    assert said == f"error: {tmp_path} may not be read by this user\n"
