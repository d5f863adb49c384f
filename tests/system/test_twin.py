"""The twin starts once, says what it is, and ends cleanly."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import h5py
import numpy as np
import pytest

from daiss_bluesky.services.epics_environment import EpicsPorts
from tests.system.twin_process import LIMIT_S, TwinProcess, launch

pytestmark = pytest.mark.system
MakeTwin = Callable[..., TwinProcess]


def test_it_says_what_it_is(twin: TwinProcess) -> None:
    facts = twin.facts
    assert facts["ready"] is True
    assert facts["prefix"] == twin.prefix
    assert facts["ports"]["ca"] == twin.ports.ca
    assert (facts["rows"], facts["columns"]) == (64, 96)
    assert facts["center_true_px"] == pytest.approx(48 + 1.3)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_it_ends_cleanly(make_twin: MakeTwin, number: signal.Signals) -> None:
    twin = make_twin("--size", "32")
    twin.process.send_signal(number)
    _, errors = twin.process.communicate(timeout=LIMIT_S)
    assert twin.process.returncode == 0
    assert errors == ""


def test_it_ends_cleanly_while_it_writes(make_twin: MakeTwin) -> None:
    twin = make_twin("--size", "32")
    name = twin.run_client(_CAPTURE, str(twin.data_root)).strip()
    status, errors = twin.stop()
    assert (status, errors) == (0, "")
    with h5py.File(name, "r") as file:
        assert len(file["entry/data/data"]) >= 3


_CAPTURE = """
import sys, time, epics
prefix, root = sys.argv[1:]
put = lambda name, value, wait=True: epics.caput(prefix + name, value, wait=wait)
put("HDF1:FilePath", root)
put("HDF1:EnableCallbacks", 1)
put("HDF1:NumCapture", 0)
put("cam1:ImageMode", 2)
put("HDF1:Capture", 1, False)
while epics.caget(prefix + "HDF1:Capture_RBV") != 1: time.sleep(0.01)
put("cam1:Acquire", 1, False)
while epics.caget(prefix + "HDF1:NumCaptured_RBV") < 3: time.sleep(0.01)
print(epics.caget(prefix + "HDF1:FullFileName_RBV", as_string=True))
"""


def test_a_second_one_on_the_prefix_is_refused(
    twin: TwinProcess, tmp_path: Path
) -> None:
    second = launch(twin.prefix, EpicsPorts.free(), tmp_path)
    output, errors = second.communicate(timeout=LIMIT_S)
    assert second.returncode == 2
    assert output == ""
    assert errors.count("\n") == 1
    assert "already running" in errors
    assert str(twin.process.pid) in errors


def test_ports_in_use_are_refused(twin: TwinProcess, tmp_path: Path) -> None:
    second = launch("OTHER:", twin.ports, tmp_path)
    _, errors = second.communicate(timeout=LIMIT_S)
    assert second.returncode == 2
    assert errors.count("\n") == 1
    assert f"port {twin.ports.ca}" in errors


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (["--sample", "cheese"], "unknown sample 'cheese'"),
        (["--sample", "absent.json"], "absent.json cannot be read"),
        (["--size", "0"], "--size must be 1 to 8192, not 0"),
        (["--size", "64", "--rows", "-3"], "--rows must be 1 to 8192, not -3"),
        (["--noise", "nan"], "--noise must be 0 or more"),
        (["--data-root", "/nowhere/at/all"], "is not a directory"),
        (["--scan", "absent.npz"], "absent.npz"),
    ],
)
def test_bad_options_are_refused_in_one_sentence(
    options: list[str], words: str, tmp_path: Path
) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "daiss_devices.twin", "--prefix", "BAD:", *options],
        env={k: v for k, v in os.environ.items() if not k.startswith("EPICS_")},
        capture_output=True,
        text=True,
        cwd=tmp_path,
        timeout=LIMIT_S,
        check=False,
    )
    assert done.returncode == 2
    lines = [x for x in done.stderr.splitlines() if not x.startswith("export ")]
    assert len(lines) == 1
    assert words in lines[0]
    assert done.stdout == ""


def test_a_measured_scan_is_replayed_at_the_motors_angle(
    make_twin: MakeTwin, tmp_path: Path
) -> None:
    rng = np.random.default_rng(5)
    projections = rng.integers(500, 60000, (91, 12, 16)).astype(np.uint16)
    path = tmp_path / "scan.npz"
    np.savez(
        path,
        proj=projections,
        flat=np.full((12, 16), 61000, np.uint16),
        dark=np.full((12, 16), 90, np.uint16),
        theta_deg=np.arange(-88.2, 92, 2.0),
    )
    twin = make_twin("--scan", str(path))
    assert (twin.facts["rows"], twin.facts["columns"]) == (12, 16)
    name = twin.run_client(_STEP, str(twin.data_root)).strip()
    assert twin.stop() == (0, "")
    with h5py.File(name, "r") as file:
        images = file["entry/data/data"][:]
        theta = file["entry/instrument/NDAttributes/theta"][:]
    assert images.dtype == np.uint16
    np.testing.assert_allclose(theta, [-88.2, -8.2, 91.8], atol=1e-9)
    np.testing.assert_array_equal(images, projections[[0, 40, 90]])


_STEP = """
import sys, time, epics
prefix, root = sys.argv[1:]
put = lambda name, value, wait=True: epics.caput(prefix + name, value, wait=wait)
put("shutter", "Open")
put("HDF1:FilePath", root)
put("HDF1:EnableCallbacks", 1)
put("HDF1:NumCapture", 3)
put("HDF1:Capture", 1, False)
while epics.caget(prefix + "HDF1:Capture_RBV") != 1: time.sleep(0.01)
for angle in (-88.2, -8.2, 91.8):
    epics.caput(prefix + "rot", angle, wait=True, timeout=60)
    epics.caput(prefix + "cam1:Acquire", 1, wait=True, timeout=60)
print(epics.caget(prefix + "HDF1:FullFileName_RBV", as_string=True))
"""


def test_a_disk_that_is_full_after_some_frames(make_twin: MakeTwin) -> None:
    twin = make_twin("--size", "16", "--disk-full-after", "4")
    status, captured = twin.run_client(_FILL, str(twin.data_root)).splitlines()
    assert status == "Write error"
    assert captured == "4"


_FILL = _CAPTURE.replace(
    'HDF1:NumCaptured_RBV") < 3', 'HDF1:Capture_RBV") == 1'
).replace(
    'print(epics.caget(prefix + "HDF1:FullFileName_RBV", as_string=True))',
    """
print(epics.caget(prefix + "HDF1:WriteStatus", as_string=True))
print(epics.caget(prefix + "HDF1:NumCaptured_RBV"))
""",
)


@pytest.mark.parametrize("port", ["none", "0", "70000"])
def test_a_port_that_is_none_is_refused(tmp_path: Path, port: str) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "daiss_devices.twin", "--prefix", "BAD:"],
        env=os.environ | {"EPICS_CAS_SERVER_PORT": port},
        capture_output=True,
        text=True,
        cwd=tmp_path,
        timeout=LIMIT_S,
        check=False,
    )
    assert done.returncode == 2
    assert done.stderr.count("\n") == 1
    assert "EPICS_CAS_SERVER_PORT must be a port" in done.stderr


def test_started_by_hand_it_takes_free_ports_and_tells_clients(
    tmp_path: Path,
) -> None:
    process = subprocess.Popen(
        [sys.executable, "-m", "daiss_devices.twin", "--prefix", "HAND:"],
        env={k: v for k, v in os.environ.items() if not k.startswith("EPICS_")},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        cwd=tmp_path,
    )
    assert process.stdout is not None
    facts = json.loads(process.stdout.readline())
    code = "import epics; print(epics.caget('HAND:rot.RTYP'))"
    said = subprocess.run(
        [sys.executable, "-c", code],
        env=os.environ | facts["environment"],
        capture_output=True,
        text=True,
        timeout=LIMIT_S,
        check=True,
    )
    process.terminate()
    _, errors = process.communicate(timeout=LIMIT_S)
    assert said.stdout.strip() == "motor"
    assert process.returncode == 0
    for name, value in facts["environment"].items():
        assert f"export {name}='{value}'" in errors
