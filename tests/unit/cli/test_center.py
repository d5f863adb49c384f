"""`daiss center`: what it prints, and how it refuses."""

import json
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from daiss_bluesky.cli.main import main
from daiss_bluesky.core.geometry import projection_angles_deg
from daiss_bluesky.services.exit_codes import REFUSED
from daiss_bluesky.testing.ball_scan import make_ball_scan

CENTER_PX = 31.3


def write_scan(path: Path, angles_deg: Any = None, **arrays: Any) -> Path:
    if angles_deg is None:
        angles_deg = np.arange(0.0, 181.0, 4.0)
    stored = make_ball_scan(
        angles_deg, rows=24, columns=64, center_px=CENTER_PX, pair=False, noise_seed=1
    )
    content = {
        "proj": stored.projections,
        "flat": stored.flats[:1],
        "dark": stored.darks,
        "theta_deg": angles_deg,
    }
    np.savez(path, **(content | arrays))
    return path


@pytest.fixture
def scan(tmp_path: Path) -> Path:
    return write_scan(tmp_path / "scan.npz")


def run(monkeypatch: pytest.MonkeyPatch, *words: object) -> None:
    monkeypatch.setattr(sys, "argv", ["daiss", "center", *map(str, words)])
    with pytest.raises(SystemExit) as ended:
        main()
    assert ended.value.code in {0, REFUSED}


def answer(capsys: pytest.CaptureFixture[str]) -> dict[str, Any]:
    said = capsys.readouterr()
    assert said.err == ""
    found: dict[str, Any] = json.loads(said.out.splitlines()[-1])
    return found


def test_center_error_method_and_tilt_are_printed(
    scan: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    run(monkeypatch, scan, "--json")
    found = answer(capsys)
    assert abs(found["center_px"] - CENTER_PX) < 0.1
    assert found["error_px"] < 0.1
    assert (found["method"], found["sure"], found["unsure"]) == ("pair", True, None)
    assert abs(found["tilt_deg"]) < 4 * found["tilt_error_deg"] + 0.05
    assert "fan" not in found
    run(monkeypatch, scan)
    said = capsys.readouterr().out
    assert f"center_px  {found['center_px']}" in said
    assert "tilt_error_deg" in said


def test_partial_scans_use_their_sinograms(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    angles = projection_angles_deg(50, range_deg=150)
    run(monkeypatch, write_scan(tmp_path / "part.npz", angles), "--json")
    found = answer(capsys)
    assert found["method"] == "sinogram"
    assert found["sure"]
    assert abs(found["center_px"] - CENTER_PX) < 0.25
    assert found["tilt_deg"] is None
    assert "half a turn" in found["tilt_unsure"]


def test_a_short_arc_is_unsure(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    angles = projection_angles_deg(40, range_deg=20)
    sheet = tmp_path / "sheet.png"
    scan = write_scan(tmp_path / "part.npz", angles)
    run(monkeypatch, scan, "--fan", 7, "--picture", sheet, "--json")
    found = answer(capsys)
    assert not found["sure"]
    assert found["method"] == "detector middle"
    assert "half circle" in found["fan"]["unsure"]
    assert np.ptp(found["fan"]["candidates_px"]) > 18


def test_a_fan_is_drawn_with_its_best(
    scan: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    sheet = tmp_path / "sheet.png"
    run(
        monkeypatch, scan, "--fan", 9, "--row", 10, "--around-px", 31.8,
        "--step-px", 0.5, "--picture", sheet, "--json",
    )  # fmt: skip
    fan = answer(capsys)["fan"]
    assert (fan["row"], fan["unsure"]) == (10, None)
    np.testing.assert_allclose(fan["candidates_px"], 31.8 + np.arange(-4, 5) * 0.5)
    assert abs(fan["best_px"] - CENTER_PX) < 0.25
    assert fan["candidates_px"][int(np.argmin(fan["scores"]))] == pytest.approx(31.3)
    with Image.open(sheet) as image:
        assert image.width > 3 * 192
        assert image.height > 3 * 192
        assert np.asarray(image).max() == 255


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--fan", "5", "--row", "24"], "outside of the detector's rows 0 to 23"),
        (["--row", "3", "--picture", "f.png"], "--row, --picture: only with --fan"),
        (["--fan", "9", "--around-px", "64.5"], "--around-px 64.5 is outside"),
        (["--fan", "9", "--around-px", "-1"], "outside of the detector's 64 columns"),
        (["--fan", "2"], "--fan 2 is not from 5 to 99"),
        (["--fan", "5", "--step-px", "0"], "--step-px 0 is not between 0 and 64"),
        (["--fan", "9", "--picture", "/no/where.png"], "/no is no folder"),
    ],
)
def test_bad_input_is_one_sentence(
    words: list[str],
    said: str,
    scan: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    run(monkeypatch, scan, *words)
    error = capsys.readouterr().err
    assert error.startswith("error: ")
    assert said in error
    assert error.count("\n") == 1


def test_equal_angles_and_double_degrees_are_refused(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    equal = write_scan(tmp_path / "equal.npz", theta_deg=np.full(46, 30.0))
    run(monkeypatch, equal)
    assert "all 46 angles are equal" in capsys.readouterr().err
    double = np.rad2deg(np.arange(0.0, 181.0, 4.0))
    run(monkeypatch, write_scan(tmp_path / "double.npz", theta_deg=double))
    assert "from 0 to 180 are more than 12 turns" in capsys.readouterr().err
