"""What a user may get wrong: one sentence that names it, exit code 2, nothing left."""

import json
import socket
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest

from daiss_bluesky.cli.main import main
from daiss_bluesky.core.resources import resource
from daiss_bluesky.services.epics_environment import EpicsPorts, free_ports
from tests.conftest import TiledServer
from tests.system.demo_process import start_demo
from tests.system.live_beamline import daiss
from tests.system.twin_process import launch, start_twin

pytestmark = pytest.mark.system

N, ROWS, COLUMNS = 6, 4, 16

Refused = Callable[..., str]


def one_sentence(errors: str) -> str:
    assert "Traceback" not in errors
    [line] = errors.splitlines()
    assert line.startswith("error: ")
    return line


@pytest.fixture
def refused(
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    tmp_path: Path,
) -> Refused:
    """Run a command in this process; gives its one sentence."""

    def run(*arguments: str) -> str:
        monkeypatch.chdir(tmp_path)
        monkeypatch.setattr(sys, "argv", ["daiss", *arguments])
        with pytest.raises(SystemExit) as ended:
            main()
        said = capsys.readouterr()
        assert ended.value.code == 2, said.err
        assert said.out == ""
        return one_sentence(said.err)

    return run


@pytest.mark.parametrize(
    ("options", "named"),
    [
        (["--md", "smaple=chalk"], "'smaple'"),
        (["--md", "chalk"], "'chalk'"),
        (["--md", "energy_kev=nan"], "energy_kev"),
        (["--angles", "0"], "not 0"),
        (["--angles", "1"], "not 1"),
        (["--exposure", "nan"], "exposure_s = nan"),
        (["--exposure", "0"], "exposure_s = 0.0"),
        (["--exposure=-0.5"], "exposure_s = -0.5"),
        (["--flats", "0"], "flats = 0"),
        (["--darks", "0"], "--darks 0"),
        (["--order", "random"], "'random'"),
        (["--frame-rate", "nan"], "--frame-rate nan"),
        (["--center-px", "nan"], "--center-px nan"),
        (["--center-px", "1e6"], "--center-px 1000000.0"),
        (["--sample", "nothing.json"], "nothing.json"),
        (["--scan", "nothing.npz"], "nothing.npz"),
        (["--tiled-port", "70000"], "70000"),
        (["--tiled-uri", "127.0.0.1:8000"], "127.0.0.1:8000"),
    ],
)
def test_a_demo_that_cannot_be(
    refused: Refused, options: list[str], named: str
) -> None:
    assert named in refused("demo", "--json", *options)


@pytest.mark.parametrize(
    ("options", "named"),
    [
        (["--step-um", "0"], "step_um = 0.0"),
        (["--step-um", "nan"], "step_um = nan"),
        (["--step-um=-0.4"], "step_um = -0.4"),
        (["--step-um", "1e-4"], "3600000000 positions"),
        (["--extent-um", "0.1", "--fly"], "holds a single step"),
        (["--extent-um=-6"], "extent_um = -6.0"),
        (["--extent-um", "inf"], "extent_um = inf"),
        (["--exposure", "0"], "exposure_s = 0.0"),
        (["--darks=-1"], "darks = -1"),
        (["--scan", "nothing.npz"], "nothing.npz"),
        (["--md", "energy_kev=0"], "energy_kev"),
    ],
)
def test_a_ptychography_demo_that_cannot_be(
    refused: Refused, options: list[str], named: str
) -> None:
    assert named in refused("demo", "--ptycho", "--json", *options)


def test_a_scan_of_the_other_technique(refused: Refused, tmp_path: Path) -> None:
    np.savez(tmp_path / "tomography.npz", **scan_arrays())
    said = refused("demo", "--ptycho", "--json", "--scan", "tomography.npz")
    assert "tomography.npz holds a tomography scan, not ptychography" in said


def scan_arrays() -> dict[str, Any]:
    """Make the arrays of a scan that has nothing wrong."""
    rng = np.random.default_rng(1)
    return {
        "proj": rng.poisson(900, (N, ROWS, COLUMNS)).astype(np.uint16),
        "flat": rng.poisson(1000, (2, ROWS, COLUMNS)).astype(np.uint16),
        "dark": rng.poisson(10, (2, ROWS, COLUMNS)).astype(np.uint16),
        "theta_deg": np.linspace(0, 180, N, endpoint=False),
    }


def test_a_good_scan_is_not_refused(tmp_path: Path) -> None:
    np.savez(tmp_path / "scan.npz", **scan_arrays())
    volume = tmp_path / "volume.h5"
    done = daiss(
        "reconstruct", str(tmp_path / "scan.npz"), "--output", str(volume),
        "--center-px", "8", "--json",
    )  # fmt: skip
    assert (done.returncode, done.stderr) == (0, "")
    assert json.loads(done.stdout)["frames_missing"] == 0
    assert volume.exists()


@pytest.mark.parametrize(
    ("changes", "named"),
    [
        ({"flat": np.full((2, ROWS, COLUMNS), 65535, np.uint16)}, "saturated"),
        ({"flat": np.ones((2, ROWS, COLUMNS), np.uint16)}, "not brighter"),
        ({"flat": None}, "flat"),
        ({"flat": np.zeros((0, ROWS, COLUMNS), np.uint16)}, "flat"),
        ({"proj": np.ones((N, COLUMNS), np.uint16)}, "proj"),
        ({"flat": np.ones((2, ROWS, COLUMNS + 1), np.uint16)}, str(COLUMNS + 1)),
        ({"theta_deg": np.linspace(0, 180, N - 1)}, str(N - 1)),
        ({"theta_deg": np.full(N, np.nan)}, "theta"),
    ],
)
def test_arrays_that_make_no_scan(
    refused: Refused, tmp_path: Path, changes: dict[str, np.ndarray], named: str
) -> None:
    arrays = scan_arrays() | changes
    path = tmp_path / "scan.npz"
    np.savez(path, **{name: a for name, a in arrays.items() if a is not None})
    assert named in refused("reconstruct", str(path), "--json")
    assert list(tmp_path.iterdir()) == [path]


def test_files_that_are_no_scan(refused: Refused, tmp_path: Path) -> None:
    text = tmp_path / "text.h5"
    text.write_text("not HDF5")
    assert "not an HDF5 file" in refused("reconstruct", str(text), "--json")
    whole = tmp_path / "whole.h5"
    with h5py.File(whole, "w") as file:
        file["exchange/data"] = np.ones((N, 64, 64))
    cut = tmp_path / "cut.h5"
    cut.write_bytes(whole.read_bytes()[:50_000])
    assert "truncated" in refused("reconstruct", str(cut), "--json")
    assert "cut.h5" in refused("demo", "--json", "--scan", str(cut))
    npz = tmp_path / "cut.npz"
    np.savez(npz, **scan_arrays())
    npz.write_bytes(npz.read_bytes()[:500])
    assert "cut.npz" in refused("reconstruct", str(npz), "--json")


def test_a_port_in_use(refused: Refused) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = str(server.getsockname()[1])
        assert port in refused("demo", "--json", "--tiled-port", port)


def test_tiled_absent_and_a_wrong_key(
    refused: Refused, tiled_server: TiledServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("TILED_API_KEY", raising=False)
    uri = f"http://127.0.0.1:{free_ports(1)[0]}"
    assert "TILED_API_KEY" in refused("demo", "--json", "--tiled-uri", uri)
    monkeypatch.setenv("TILED_API_KEY", "0" * 16)
    assert uri in refused("demo", "--json", "--tiled-uri", uri)
    uri = tiled_server.uri
    sentence = refused("demo", "--json", "--tiled-uri", uri)
    assert uri in sentence
    assert "API key" in sentence


def test_an_absent_ioc(tmp_path: Path) -> None:
    text = resource("profiles/twin.yml").read_text()
    beamline = tmp_path / "absent.yml"
    beamline.write_text(text)
    ports = EpicsPorts.free()
    nobody = {
        "EPICS_CA_ADDR_LIST": "127.0.0.1",
        "EPICS_CA_AUTO_ADDR_LIST": "NO",
        "EPICS_CA_SERVER_PORT": str(ports.ca),
        "EPICS_CA_REPEATER_PORT": str(ports.ca_repeater),
    }
    done = daiss("demo", "--json", "--beamline", str(beamline), **nobody)
    assert done.returncode == 2
    assert "absent.yml" in one_sentence(done.stderr)
    done = daiss("doctor", "--json", "--beamline", str(beamline), **nobody)
    assert done.returncode == 1
    findings = json.loads(done.stdout.splitlines()[-1])["findings"]
    [epics] = [one for one in findings if one["subject"] == "EPICS"]
    assert epics["verdict"] == "wrong"
    assert "DAISS:" in epics["detail"]


def test_a_twin_that_runs_already(tmp_path: Path) -> None:
    ports = EpicsPorts.free()
    twin = start_twin("TWICE:", ports, tmp_path, "--rows", "16", "--columns", "16")
    try:
        second = launch("TWICE:", ports, tmp_path)
        _, errors = second.communicate(timeout=60)
        assert second.returncode == 2
        assert "TWICE:" in one_sentence(errors)
    finally:
        status, errors = twin.stop()
    assert status == 0, errors


@pytest.mark.parametrize(
    ("options", "named"),
    [
        (["--flat-counts", "400000"], "saturated"),
        (["--disk-full-after", "30"], "No space left on device"),
    ],
)
def test_a_scan_that_goes_wrong(tmp_path: Path, options: list[str], named: str) -> None:
    demo = start_demo(tmp_path, "--size", "64", "--angles", "24", *options)
    code, output, errors = demo.finish()
    assert code == 2, errors
    assert named in one_sentence(errors)
    assert output == ""
    demo.assert_nothing_left()
