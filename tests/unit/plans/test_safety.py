"""However a scan ends: shutter closed, camera and rotation stopped, sample back."""

import threading
from typing import Any

import numpy as np
import pytest
from bluesky import RunEngine
from bluesky import plan_stubs as bps
from bluesky.utils import FailedStatus, RunEngineInterrupted
from ophyd.status import MoveStatus

from daiss_bluesky.core.errors import UnavailableError
from daiss_bluesky.plans.safety import Moving, Plan, one_run
from daiss_bluesky.plans.tomography import tomo_scan
from tests.conftest import Documents
from tests.unit.plans.fake_station import FakeMotor, FakeStation, angles_taken


@pytest.fixture
def station() -> FakeStation:
    return FakeStation()


def when(frame: int, action: Any) -> Any:
    """Call from a thread of its own, as Ctrl-C does, when a frame is triggered."""

    def on_trigger(number: int) -> None:
        if number == frame:
            threading.Thread(target=action).start()

    return on_trigger


def assert_safe(station: FakeStation) -> None:
    assert station.shutter.state == "closed"
    assert station.camera.stops >= 1
    assert station.rotation.stops >= 1
    assert station.x.position == 1.5
    assert station.rotation.velocity.get() == 30.0
    assert station.camera.frame_type.get() == "Normal"


def test_a_complete_scan(
    engine: RunEngine, station: FakeStation, documents: Documents
) -> None:
    engine(tomo_scan(station, 6, exposure_s=0.01, darks=1, flats=1))
    assert_safe(station)
    assert documents[-1][1]["exit_status"] == "success"
    assert documents[-1][1]["num_events"] == {
        "dark": 1,
        "flat": 1,
        "pair": 2,
        "primary": 6,
    }
    np.testing.assert_allclose(angles_taken(documents), np.arange(6) * 30.0)


@pytest.mark.parametrize(
    "frame", [pytest.param(2, id="flats"), pytest.param(7, id="projections")]
)
def test_a_broken_camera(
    engine: RunEngine, station: FakeStation, documents: Documents, frame: int
) -> None:
    station.camera.fail_at = frame
    with pytest.raises(FailedStatus):
        engine(tomo_scan(station, 6, exposure_s=0.01, darks=1, flats=2))
    assert_safe(station)
    assert documents[-1][1]["exit_status"] == "fail"


@pytest.mark.parametrize("ending", ["abort", "stop"])
def test_paused_then_ended(
    engine: RunEngine, station: FakeStation, documents: Documents, ending: str
) -> None:
    station.camera.on_trigger = when(3, engine.request_pause)
    with pytest.raises(RunEngineInterrupted):
        engine(tomo_scan(station, 6, exposure_s=0.01, darks=1, flats=60))
    getattr(engine, ending)()
    assert_safe(station)
    status = {"abort": "abort", "stop": "success"}[ending]
    assert documents[-1][1]["exit_status"] == status


def test_paused_then_resumed_takes_every_projection_once(
    engine: RunEngine, station: FakeStation, documents: Documents
) -> None:
    station.camera.on_trigger = when(6, engine.request_pause)
    with pytest.raises(RunEngineInterrupted):
        engine(tomo_scan(station, 90, exposure_s=0.01, darks=1, flats=1, pair=False))
    engine.resume()
    np.testing.assert_allclose(angles_taken(documents), np.arange(90) * 2.0)
    assert_safe(station)


def test_a_shutter_that_went_away_is_named_and_the_rest_is_made_safe(
    engine: RunEngine, station: FakeStation
) -> None:
    def lose_the_shutter(frame: int) -> None:
        station.shutter.gone = frame >= 4

    station.camera.on_trigger = lose_the_shutter
    station.camera.fail_at = 4
    with pytest.raises(UnavailableError, match=r"safe: shutter \(no IOC answers"):
        engine(tomo_scan(station, 6, exposure_s=0.01, darks=1, flats=60))
    assert station.x.position == 1.5
    assert station.rotation.stops >= 1


def test_aborted_from_another_thread_while_it_runs(
    engine: RunEngine, station: FakeStation, documents: Documents
) -> None:
    station.camera.on_trigger = when(8, engine.abort)
    with pytest.raises(RunEngineInterrupted):
        engine(tomo_scan(station, 180, exposure_s=0.01, darks=1, flats=1))
    assert_safe(station)
    assert documents[-1][1]["exit_status"] == "abort"


def test_a_move_that_does_not_end_says_where_it_is(
    engine: RunEngine, station: FakeStation, documents: Documents
) -> None:
    sentence = r"^sample_x did not come to 10 within 0\.01 s: it is at 1\.5$"
    real = station.x.set

    def out(value: float) -> Any:
        return real(value) if value != 10.0 else MoveStatus(station.x, 10, timeout=0.01)

    station.x.set = out  # type: ignore[method-assign]
    with pytest.raises(UnavailableError, match=sentence):
        engine(tomo_scan(station, 6, exposure_s=0.01, darks=1, flats=1))
    assert_safe(station)
    assert documents[-1][1]["exit_status"] == "fail"
    assert documents[-1][1]["reason"].startswith("sample_x did not come")


@pytest.mark.parametrize("in_run", [True, False])
def test_an_ioc_that_does_not_answer_in_time_is_named(
    engine: RunEngine, station: FakeStation, in_run: bool
) -> None:
    sentence = "Failed to read X:cam1:ArraySizeX_RBV within 10 sec"

    def refuse(*_: Any) -> None:
        raise TimeoutError(sentence)

    if in_run:
        station.camera.on_trigger = refuse
    else:
        station.camera.stage = refuse
    with pytest.raises(UnavailableError, match=f"^{sentence}$"):
        engine(tomo_scan(station, 6, exposure_s=0.01, darks=1, flats=1))
    assert_safe(station)


def test_aborted_while_the_rotation_turns(
    engine: RunEngine, station: FakeStation, documents: Documents
) -> None:
    """The move that is stopped fails, and must not take the shutter's place."""
    station.rotation.stuck_at = 60.0
    station.rotation.on_stuck = lambda: threading.Thread(target=engine.abort).start()
    with pytest.raises(RunEngineInterrupted):
        engine(tomo_scan(station, 6, exposure_s=0.01, darks=1, flats=1, pair=False))
    assert_safe(station)
    assert documents[-1][1]["exit_status"] == "abort"


def test_a_pause_that_has_no_place_aborts_the_run(
    engine: RunEngine, station: FakeStation, documents: Documents
) -> None:
    def flight() -> Plan:
        yield from bps.clear_checkpoint()
        yield from bps.pause()

    x, rotation = station.x, station.rotation
    moving = Moving({"rotation": rotation}, {"x": x}, {"speed": rotation})
    with pytest.raises(RunEngineInterrupted):
        engine(one_run(flight(), station, {}, moving))
    assert_safe(station)
    assert documents[-1][1]["exit_status"] == "abort"


def test_an_ioc_that_went_away_in_a_move_is_named_before_what_came_of_it(
    engine: RunEngine, station: FakeStation, monkeypatch: pytest.MonkeyPatch
) -> None:
    def gone(device: Any) -> Any:
        raise TimeoutError(f"{device.name} is not connected")

    def out(value: float) -> Any:
        status = MoveStatus(station.x, value, timeout=60)
        monkeypatch.setattr(FakeMotor, "position", property(gone))
        monkeypatch.setattr(station.camera, "unstage", lambda: gone(station.camera))
        status.set_exception(TimeoutError())
        return status

    station.x.set = out  # type: ignore[method-assign]
    sentence = (
        r"^sample_x did not come to 10 within 60 s: sample_x is not connected;"
        r" camera is not connected; the station could not be made safe: sample x"
    )
    with pytest.raises(UnavailableError, match=sentence):
        engine(tomo_scan(station, 6, exposure_s=0.01, darks=1, flats=1))
