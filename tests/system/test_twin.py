"""The twin starts once, says what it is, and ends cleanly."""

import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import h5py
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
    assert facts["center_true_px"] == pytest.approx(47.5 + 1.3)


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
        (["--size", "0"], "must be"),
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
