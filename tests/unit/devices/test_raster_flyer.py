"""A flight row by row, with a stage and a camera that are nowhere."""

from types import SimpleNamespace
from typing import Any

import pytest
from ophyd import Component
from ophyd.sim import SynAxis

from daiss_bluesky.core.errors import UnavailableError
from daiss_devices.raster_flight import RasterFlight
from daiss_devices.raster_flyer import RasterFlyer
from tests.unit.devices.fake_camera import FakeSignal, fake_camera

FLIGHT = RasterFlight([0.0, 1.0], [0.0, 1.0, 2.0], 0.01, 0.05, 0.0)
SLEW_UM_S = 500.0


class FakePiezo(SynAxis):
    velocity = Component(FakeSignal, value=SLEW_UM_S, kind="config")

    def __init__(self, *, name: str, told: list[Any]) -> None:
        self.told = told
        super().__init__(name=name)

    def set(self, value: float, **_: Any) -> Any:
        self.told.append((self.name, round(value, 6), self.velocity.get()))
        return super().set(value)

    def stop(self, *, success: bool = False) -> None:
        self.told.append((self.name, "stop"))


@pytest.fixture
def log() -> list[Any]:
    return []


@pytest.fixture
def flyer(log: list[Any]) -> RasterFlyer:
    y, x = (FakePiezo(name=name, told=log) for name in ("piezo_y", "piezo_x"))
    stage: tuple[Any, Any] = y, x
    camera = fake_camera(log)
    names = ("rows", "columns")
    return RasterFlyer(stage[0], stage[1], camera, attributes=names, name="raster")


def fly(flyer: RasterFlyer) -> None:
    flyer.prepare(FLIGHT).wait(5)
    flyer.kickoff().wait(5)
    flyer.complete().wait(30)


def test_rows_are_flown_at_speed_and_reached_in_a_hurry(
    flyer: RasterFlyer, log: list[Any]
) -> None:
    fly(flyer)
    there, back = FLIGHT.legs
    speed = FLIGHT.speed_um_s
    assert log == [
        ("piezo_y", 0.0, SLEW_UM_S),
        ("piezo_x", round(there.run_up_um, 6), SLEW_UM_S),
        ("piezo_x", round(there.run_out_um, 6), speed),
        ("camera", FLIGHT.images),
        ("piezo_y", 1.0, SLEW_UM_S),
        ("piezo_x", round(back.run_up_um, 6), SLEW_UM_S),
        ("piezo_x", round(back.run_out_um, 6), speed),
        ("camera", FLIGHT.images),
    ]
    camera: Any = flyer.camera
    assert camera.counted_from == [2 + FLIGHT.n_frames]
    assert camera.triggered == 2 + FLIGHT.n_frames


def test_documents_count_the_frames_of_the_file(flyer: RasterFlyer) -> None:
    fly(flyer)
    keys = flyer.describe_collect()
    assert list(keys) == ["camera_image", "piezo_y", "piezo_x"]
    assert keys["piezo_x"]["units"] == "um"
    documents = list(flyer.collect_asset_docs())
    files = [doc for name, doc in documents if name == "stream_resource"]
    assert [file["data_key"] for file in files] == list(keys)
    assert [file["parameters"]["dataset"] for file in files] == [
        "/entry/data/data",
        "/entry/instrument/NDAttributes/rows",
        "/entry/instrument/NDAttributes/columns",
    ]
    part = f"2:{2 + FLIGHT.n_frames}"
    assert {file["parameters"]["slice"] for file in files} == {part}
    indices = [doc["indices"] for name, doc in documents if name == "stream_datum"]
    assert indices == [{"start": 2, "stop": 2 + FLIGHT.n_frames}] * 3
    assert list(flyer.collect_asset_docs()) == []


def test_a_failed_write_ends_the_flight_with_its_reason(flyer: RasterFlyer) -> None:
    camera: Any = flyer.camera
    camera.hdf.why_failed = lambda: "No space left on device"
    camera.hdf.frames_written = SimpleNamespace(get=lambda: 4, put=lambda _: None)
    camera.hdf.frames_now = lambda: 5  # two of them before the flight
    flyer.prepare(FLIGHT).wait(5)
    flyer.kickoff().wait(5)
    with pytest.raises(UnavailableError, match=r"^3 of 10 .*No space left on device"):
        flyer.complete().wait(30)


def test_a_stopped_flight_ends_without_a_failure_of_its_own(
    flyer: RasterFlyer, log: list[Any]
) -> None:
    camera: Any = flyer.camera
    camera.hdf.frames_written = SimpleNamespace(get=lambda: 4, put=lambda _: None)
    flyer.prepare(FLIGHT).wait(5)
    flyer.kickoff().wait(5)
    flyer.stop()
    flyer.complete().wait(30)
    assert {("camera", "stop"), ("piezo_y", "stop"), ("piezo_x", "stop")} <= set(log)


def test_what_was_not_prepared_or_started_says_so(flyer: RasterFlyer) -> None:
    with pytest.raises(UnavailableError, match="raster was not started"):
        flyer.complete()
    with pytest.raises(UnavailableError, match="raster was not prepared"):
        flyer.get_index()
