"""Ptychography plans: what they refuse, tell the hardware, and leave behind."""

import math
import threading
from typing import Any

import numpy as np
import pytest
from bluesky import RunEngine
from bluesky.simulators import RunEngineSimulator
from bluesky.utils import FailedStatus, Msg, RunEngineInterrupted

from daiss_bluesky.core.errors import InputError
from daiss_bluesky.core.ptychography import PTYCHOGRAPHY_KEY
from daiss_bluesky.core.technique import scan_from_start
from daiss_bluesky.plans.ptychography import (
    ptycho_fly,
    ptycho_grid,
    ptycho_points,
    ptycho_spiral,
)
from tests.conftest import Documents
from tests.unit.plans.fake_ptychography import FakePtychography

REFUSED = [
    pytest.param({"step_um": 0}, "step_um = 0", id="no-step"),
    pytest.param({"step_um": -1.0}, "step_um = -1.0", id="negative-step"),
    pytest.param({"step_um": math.nan}, "step_um = nan", id="nan-step"),
    pytest.param({"step_um": 1e-9}, "at most 200000", id="tiny-step"),
    pytest.param({"step_um": 9.0}, "holds a single step", id="huge-step"),
    pytest.param({"extent_um": (1, 2, 3)}, "rows and columns", id="three-extents"),
    pytest.param({"extent_um": -2}, "extent_um = -2", id="negative-extent"),
    pytest.param({"extent_um": "wide"}, "not a number", id="text-extent"),
    pytest.param({"center_um": (0, 49.9)}, "its limits are -50 and 50", id="travel"),
    pytest.param({"exposure_s": 0}, "exposure_s = 0", id="zero-exposure"),
    pytest.param({"darks": -1}, "darks = -1", id="negative-darks"),
    pytest.param({"energy_kev": 0.0}, "energy_kev = 0.0", id="zero-energy"),
    pytest.param({"energy_kev": -8.0}, "energy_kev = -8.0", id="negative-energy"),
    pytest.param({"distance_mm": 0.0}, "distance_mm = 0.0", id="zero-distance"),
    pytest.param({"distance_mm": -1.0}, "distance_mm = -1.0", id="negative-distance"),
    pytest.param({"detector_pixel_um": 0}, "detector_pixel_um = 0", id="no-pixel"),
    pytest.param({"md": {"smaple": "x"}}, "unknown key 'smaple'", id="unknown-key"),
]


@pytest.mark.parametrize("plan", [ptycho_grid, ptycho_spiral, ptycho_fly])
@pytest.mark.parametrize(("wrong", "sentence"), REFUSED)
def test_bad_input_is_refused_when_called(
    plan: Any, wrong: dict[str, Any], sentence: str
) -> None:
    arguments = {"step_um": 0.5, "extent_um": 3.0, "exposure_s": 0.05} | wrong
    with pytest.raises(InputError, match=sentence) as error:
        plan(FakePtychography(), **arguments)
    assert "\n" not in str(error.value)


def test_what_neither_plan_nor_beamline_knows_is_asked_for() -> None:
    station = FakePtychography(distance_mm=None, energy_kev=None)
    with pytest.raises(InputError, match="energy_kev and distance_mm") as error:
        ptycho_grid(station, 0.5, 3.0, exposure_s=0.05)
    assert "\n" not in str(error.value)
    ptycho_grid(station, 0.5, 3.0, exposure_s=0.05, pixel_size_um=1.0)
    ptycho_grid(station, 0.5, 3.0, exposure_s=0.05, distance_mm=1e3, energy_kev=9.0)


def test_more_jitter_than_half_a_step_is_refused() -> None:
    with pytest.raises(InputError, match="a part of the step, 0 to 0"):
        ptycho_grid(FakePtychography(), 0.5, 3.0, exposure_s=0.05, jitter=0.7)


def test_a_flight_faster_than_the_stage_is_refused() -> None:
    station = FakePtychography(max_speed_um_s=10.0)
    with pytest.raises(InputError, match="moves at most 10"):
        ptycho_fly(station, 0.5, 3.0, exposure_s=0.001)


def test_a_flight_that_turns_beyond_the_travel_is_refused() -> None:
    station = FakePtychography()
    ptycho_grid(station, 1.0, (2.0, 99.0), exposure_s=0.05)
    with pytest.raises(InputError, match="the scan needs piezo_x from"):
        ptycho_fly(station, 1.0, (2.0, 99.0), exposure_s=0.05)


def simulate(plan: Any) -> list[Msg]:
    simulator = RunEngineSimulator()
    simulator.add_handler("wait", lambda _: True)
    messages: list[Msg] = simulator.simulate_plan(plan)
    return messages


def started(messages: list[Msg]) -> dict[str, Any]:
    found: dict[str, Any] = next(m for m in messages if m.command == "open_run").kwargs
    return found


def test_start_document_is_read_back_as_the_scan_that_was_asked_for() -> None:
    station = FakePtychography()
    plan = ptycho_points(
        station, [(0, 1), (2, 3), (4, -5)], exposure_s=0.02, darks=2, sample="chip"
    )
    start = started(simulate(plan)) | {"uid": "u"}
    scan = scan_from_start(start)
    assert scan.technique == PTYCHOGRAPHY_KEY
    assert scan.positions_um == [(0, 1), (2, 3), (4, -5)]  # type: ignore[union-attr]
    assert scan.position_keys == ("piezo_y", "piezo_x")  # type: ignore[union-attr]
    assert scan.counts == {"diffraction": 3, "dark": 2}
    assert scan.image_key == "camera_image"
    assert (scan.sample, scan.energy_kev, scan.distance_mm) == ("chip", 8.8, 2000.0)
    assert start["plan_name"] == "ptycho_points"
    assert start["num_points"] == 3
    assert start["motors"] == ["piezo_y", "piezo_x"]


def test_what_the_plan_says_wins_over_the_beamline_file() -> None:
    plan = ptycho_spiral(
        FakePtychography(field="near"), 0.5, 3.0, exposure_s=0.02,
        energy_kev=12.0, md={"distance_mm": 7.0}, detector_pixel_um=0.2,
    )  # fmt: skip
    record = started(simulate(plan))[PTYCHOGRAPHY_KEY]
    assert record["energy_kev"] == 12.0
    assert record["distance_mm"] == 7.0
    assert record["detector_pixel_um"] == 0.2
    assert record["field"] == "near"


def test_a_flight_expects_the_frames_it_asks_for_and_cannot_be_paused() -> None:
    messages = simulate(ptycho_fly(FakePtychography(), 0.5, 3.0, exposure_s=0.01))
    flight = next(m for m in messages if m.command == "prepare").args[0]
    record = started(messages)[PTYCHOGRAPHY_KEY]
    assert record["counts"]["diffraction"] == flight.n_frames
    assert len(record["positions_um"]) == flight.n_frames == 7 * (7 + 2 * 3)
    commands = [m.command for m in messages]
    kickoff = commands.index("kickoff")
    before = [c for c in commands[:kickoff] if "checkpoint" in c]
    assert before[-1] == "clear_checkpoint"


def test_the_stage_settles_before_each_frame() -> None:
    station = FakePtychography(settle_s=0.03)
    messages = simulate(ptycho_points(station, [(0, 0), (1, 1)], exposure_s=0.01))
    commands = [m.command for m in messages]
    moved = [i for i, m in enumerate(messages) if m.obj is station.piezo_x]
    moves = [i for i in moved if commands[i] == "set"][:2]
    for move, next_frame in zip(moves, [9999, 9999], strict=True):
        after = commands[move : min(next_frame, len(commands))]
        assert after.index("sleep") < after.index("trigger")


def assert_safe(station: FakePtychography) -> None:
    assert station.shutter.state == "closed"
    assert station.camera.stops >= 1
    assert station.piezo_y.stops >= 1
    assert station.piezo_x.stops >= 1
    assert (station.piezo_y.position, station.piezo_x.position) == (1.5, 0.0)
    assert station.piezo_x.velocity.get() == 30.0
    assert station.camera.frame_type.get() == "Normal"


@pytest.mark.parametrize("plan", [ptycho_grid, ptycho_spiral])
def test_a_complete_scan(engine: RunEngine, documents: Documents, plan: Any) -> None:
    station = FakePtychography()
    engine(plan(station, 0.5, (1.0, 2.0), exposure_s=0.01, darks=2))
    assert_safe(station)
    start, stop = documents[0][1], documents[-1][1]
    planned = start[PTYCHOGRAPHY_KEY]["positions_um"]
    assert stop["exit_status"] == "success"
    assert stop["num_events"] == {"dark": 2, "primary": len(planned)}
    streams = {d["uid"]: d["name"] for n, d in documents if n == "descriptor"}
    taken = [
        (d["data"]["piezo_y"], d["data"]["piezo_x"])
        for n, d in documents
        if n == "event" and streams[d["descriptor"]] == "primary"
    ]
    np.testing.assert_allclose(taken, planned)


def test_a_broken_camera_leaves_the_station_safe(engine: RunEngine) -> None:
    station = FakePtychography()
    station.camera.fail_at = 5
    with pytest.raises(FailedStatus):
        engine(ptycho_grid(station, 0.5, 2.0, exposure_s=0.01, darks=1))
    assert_safe(station)


def test_an_aborted_scan_leaves_the_station_safe(
    engine: RunEngine, documents: Documents
) -> None:
    station = FakePtychography()

    def abort_at(frame: int) -> None:
        if frame == 6:
            threading.Thread(target=engine.abort).start()

    station.camera.on_trigger = abort_at
    with pytest.raises(RunEngineInterrupted):
        engine(ptycho_grid(station, 0.05, 2.0, exposure_s=0.01, darks=1))
    assert documents[-1][1]["exit_status"] == "abort"
    assert_safe(station)
