"""What goes wrong ends the run failed, in one sentence and in bounded time."""

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from tests.system.twin_process import TwinProcess

pytestmark = pytest.mark.system
MakeTwin = Callable[..., TwinProcess]

CLIENT = "from tests.system.scan_client import main; main()"
SMALL = {"angles": 12, "exposure_s": 0.01, "darks": 2, "flats": 2, "pair": False}


def run(
    twin: TwinProcess, plan: str, victim: str = "-", **arguments: Any
) -> dict[str, Any]:
    scan = json.dumps(SMALL | arguments)
    output = twin.run_client(CLIENT, str(twin.data_root), plan, scan, victim)
    answer: dict[str, Any] = json.loads(output.strip().splitlines()[-1])
    return answer


@pytest.mark.parametrize("plan", ["tomo_scan", "tomo_fly"])
def test_a_full_disk(make_twin: MakeTwin, plan: str) -> None:
    twin = make_twin("--size", "32", "--motor-speed", "360", "--disk-full-after", "8")
    answer = run(twin, plan, exposure_s=0.05)
    assert answer["exit_status"] == "fail"
    assert "camera" in answer["error"]
    assert "\n" not in answer["error"]
    assert answer["reason"] == answer["error"]
    assert answer["shutter"] == "closed"


def test_a_plugin_that_never_saw_a_frame(make_twin: MakeTwin) -> None:
    twin = make_twin("--size", "32", "--motor-speed", "360", "--unprimed")
    answer = run(twin, "tomo_scan")
    assert answer["error"] == ""
    assert answer["exit_status"] == "success"


@pytest.mark.parametrize("plan", ["tomo_scan", "tomo_fly"])
def test_an_ioc_that_dies(make_twin: MakeTwin, plan: str) -> None:
    twin = make_twin("--size", "32", "--motor-speed", "360")
    answer = run(twin, plan, str(twin.process.pid), exposure_s=0.05)
    assert answer["exit_status"] == "fail"
    assert "could not be made safe" in answer["error"]
    assert "\n" not in answer["error"]
    twin.process.communicate()


def test_a_directory_that_the_ioc_does_not_have(make_twin: MakeTwin) -> None:
    twin = make_twin("--size", "32")
    answer = run(replace(twin, data_root=Path("/nowhere/at/all")), "tomo_scan")
    there = "has no directory /nowhere/at/all/"
    assert answer["error"].startswith(f"the IOC of {twin.prefix}HDF1: {there}")
    assert answer["exit_status"] is None


def test_an_ioc_that_is_not_there(make_twin: MakeTwin) -> None:
    twin = make_twin("--size", "32")
    twin.stop()
    answer = run(twin, "tomo_scan", "absent")
    assert answer["error"] == f"rotation ({twin.prefix}rot) does not answer"
    assert answer["exit_status"] is None
    assert f"{twin.prefix}cam1:Acquire" in answer["missing"]
    assert f"{twin.prefix}rot.RBV" in answer["missing"]
