"""Ptychography scans on the simulated beamline: the profile's devices and plans."""

import json
from collections.abc import Callable
from typing import Any

import h5py
import numpy as np
import pytest

from daiss_bluesky.testing.ptychography_phantom import (
    PhantomSettings,
    ptychography_phantom,
)
from tests.system.twin_process import TwinProcess

pytestmark = pytest.mark.system
MakeTwin = Callable[..., TwinProcess]

CLIENT = "from tests.system.ptychography_client import main; main()"
QUIET = ("--ptychography", "--size", "64", "--noise", "0", "--dead-pixels", "0")
NOISE_UM = 0.005
RINGING_UM = 0.05
"""First swing of a stage that has just come from 1 um away."""
SPEED_UM_S = 500.0


def run(
    twin: TwinProcess, plan: str, trouble: str = "-", **arguments: Any
) -> dict[str, Any]:
    scan = {"step_um": 0.25, "extent_um": (0.5, 1.0), "darks": 2} | arguments
    output = twin.run_client(
        CLIENT, str(twin.data_root), plan, json.dumps(scan), trouble
    )
    answer: dict[str, Any] = json.loads(output.strip().splitlines()[-1])
    return answer


def assert_safe(answer: dict[str, Any]) -> None:
    assert answer["shutter"] == "closed"
    assert answer["acquiring"] == 0
    assert answer["speed"] == pytest.approx(SPEED_UM_S)
    np.testing.assert_allclose(answer["place"], (0, 0), atol=RINGING_UM + 10 * NOISE_UM)


def assert_frames_are_where_they_say(twin: TwinProcess, answer: dict[str, Any]) -> None:
    """Every frame is the phantom's pattern at the position measured with it."""
    phantom = ptychography_phantom(PhantomSettings(**twin.facts["phantom"]))
    with h5py.File(answer["file"], "r") as file:
        frames = file["entry/data/data"][()][answer["indices"]].astype(float)
    brightest = frames.max()
    for frame, place in zip(frames, answer["measured"], strict=True):
        expected = 1e6 * phantom.pattern(tuple(place))
        # Readbacks have noise, which is a tenth of a pixel here.
        assert np.abs(frame - expected).max() < 0.1 * brightest


def test_step_and_fly_give_each_frame_the_position_in_its_file(
    make_twin: MakeTwin,
) -> None:
    twin = make_twin(*QUIET)
    step = run(twin, "ptycho_grid", exposure_s=0.005, jitter=0.2)
    assert (step["error"], step["missing"]) == ("", [])
    assert step["num_events"] == {"dark": 2, "primary": 15}
    assert step["indices"] == list(range(2, 17))
    assert step["darks"] == [0, 0]
    np.testing.assert_allclose(step["measured"], step["planned"], atol=8 * NOISE_UM)
    np.testing.assert_allclose(step["said"], step["measured"], atol=12 * NOISE_UM)
    assert np.std(np.subtract(step["said"], step["planned"])) > NOISE_UM / 2
    assert_frames_are_where_they_say(twin, step)
    assert_safe(step)

    fly = run(twin, "ptycho_fly", exposure_s=0.01, period_s=0.02)
    assert fly["num_events"] == {"dark": 2, "primary": len(fly["planned"])}
    assert fly["indices"] == list(range(2, 2 + len(fly["planned"])))
    assert fly["said"] == fly["measured"]
    rows, columns = np.transpose(fly["measured"])
    np.testing.assert_allclose(rows, np.transpose(fly["planned"])[0], atol=0.05)
    images = len(rows) // 3
    for number in range(3):
        row = columns[number * images : (number + 1) * images]
        assert row.min() < -0.5 + 0.1
        assert row.max() > 0.5 - 0.1
        way = 1 if number % 2 == 0 else -1
        np.testing.assert_allclose(np.diff(row), way * 0.25, atol=10 * NOISE_UM)
    assert_frames_are_where_they_say(twin, fly)
    assert_safe(fly)


def test_a_flight_that_is_aborted_leaves_the_station_safe(make_twin: MakeTwin) -> None:
    answer = run(
        make_twin(*QUIET), "ptycho_fly", "abort", exposure_s=0.01, period_s=0.02,
        extent_um=(5.0, 5.0),
    )  # fmt: skip
    assert answer["exit_status"] == "abort"
    assert_safe(answer)


def test_a_flight_onto_a_full_disk_fails_in_one_sentence(make_twin: MakeTwin) -> None:
    twin = make_twin(*QUIET, "--disk-full-after", "30")
    answer = run(twin, "ptycho_fly", exposure_s=0.01, extent_um=(2.0, 2.0))
    assert answer["exit_status"] == "fail"
    assert "28 of" in answer["error"]
    assert "\n" not in answer["error"]
    assert_safe(answer)


def test_an_ioc_that_dies_in_a_flight(make_twin: MakeTwin) -> None:
    twin = make_twin(*QUIET)
    answer = run(
        twin, "ptycho_fly", str(twin.process.pid), exposure_s=0.01, period_s=0.02,
        extent_um=(5.0, 5.0),
    )  # fmt: skip
    twin.process.communicate()
    assert answer["exit_status"] == "fail"
    assert "could not be made safe" in answer["error"]
    assert "\n" not in answer["error"]
