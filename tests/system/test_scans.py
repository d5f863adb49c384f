"""Scans on the simulated beamline, with the devices and plans of the profile."""

import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest
from bluesky import RunEngine
from bluesky.utils import RunEngineInterrupted

from daiss_bluesky.core.scan import START_KEY
from daiss_bluesky.plans.tomography import tomo_fly, tomo_scan
from daiss_devices.station import TomographyStation
from tests.conftest import Documents
from tests.system.twin_process import TwinProcess

pytestmark = pytest.mark.system
MakeTwin = Callable[..., TwinProcess]

ATTRIBUTES = "entry/instrument/NDAttributes"


def of(documents: Documents, name: str) -> list[dict[str, Any]]:
    return [doc for kind, doc in documents if kind == name]


def events(documents: Documents, stream: str) -> list[dict[str, Any]]:
    streams = {d["uid"]: d["name"] for d in of(documents, "descriptor")}
    return [e for e in of(documents, "event") if streams[e["descriptor"]] == stream]


def recorded(documents: Documents) -> Path:
    """The file that a step scan's resource names."""
    (resource,) = of(documents, "resource")
    return Path(str(resource["root"])) / str(resource["resource_path"])


def assert_safe(station: TomographyStation) -> None:
    assert station.shutter.position == "closed"
    assert station.camera.acquire.get(use_monitor=False) == 0
    assert not station.rotation.moving
    assert station.x.position == pytest.approx(0.0, abs=1e-3)
    assert station.rotation.velocity.get() == pytest.approx(360.0)


def test_a_step_scan_is_on_disk_frame_by_frame(
    station: TomographyStation, engine: RunEngine, documents: Documents
) -> None:
    engine(tomo_scan(station, 12, exposure_s=0.005, darks=3, flats=4, flats_after=2))
    stop = documents[-1][1]
    assert stop["exit_status"] == "success"
    assert stop["num_events"] == {"dark": 3, "flat": 6, "pair": 2, "primary": 12}
    taken = events(documents, "primary")
    angles = [event["data"]["rotation"] for event in taken]
    np.testing.assert_allclose(angles, np.arange(12) * 15.0, atol=0.01)
    numbers = {d["datum_id"]: d["datum_kwargs"]["point_number"]
               for d in of(documents, "datum")}  # fmt: skip
    points = [numbers[event["data"]["camera_image"]] for event in taken]
    with h5py.File(recorded(documents), "r") as file:
        assert file["entry/data/data"].shape == (23, 64, 96)
        kinds = file[f"{ATTRIBUTES}/FrameType"][()]
        theta = file[f"{ATTRIBUTES}/theta"][()]
    assert [int(k) for k in kinds] == [1] * 3 + [2] * 4 + [3] * 2 + [0] * 12 + [2] * 2
    np.testing.assert_allclose(theta[points], angles, atol=0.01)
    assert_safe(station)


def test_exposures_shorter_than_any_delay_are_not_lost(
    station: TomographyStation, engine: RunEngine, documents: Documents
) -> None:
    engine(tomo_scan(station, 2, exposure_s=0.001, darks=50, flats=1, pair=False))
    assert documents[-1][1]["num_events"]["dark"] == 50
    with h5py.File(recorded(documents), "r") as file:
        assert len(file["entry/data/data"]) == 53


def test_a_fly_scan_covers_its_range_with_measured_angles(
    station: TomographyStation, engine: RunEngine, documents: Documents
) -> None:
    engine(tomo_fly(station, 90, exposure_s=0.02, darks=2, flats=2))
    stop = documents[-1][1]
    record = documents[0][1][START_KEY]
    asked = record["counts"]["projection"]
    assert stop["exit_status"] == "success"
    assert stop["num_events"]["primary"] == asked
    image = next(
        d for d in of(documents, "stream_resource") if d["data_key"] == "camera_image"
    )
    seen = [
        i
        for d in of(documents, "stream_datum")
        if d["stream_resource"] == image["uid"]
        for i in range(d["indices"]["start"], d["indices"]["stop"])
    ]
    assert seen == list(range(6, 6 + asked))
    with h5py.File(image["uri"].removeprefix("file://localhost"), "r") as file:
        theta = file[f"{ATTRIBUTES}/theta"][()][seen]
        kinds = file[f"{ATTRIBUTES}/FrameType"][()][seen]
    assert set(kinds) == {0}
    # A stall of the machine in mid-turn makes the twin's next frame late, as measured.
    steps_deg = np.diff(theta)
    assert np.median(steps_deg) == pytest.approx(2.0, abs=0.01)
    assert (steps_deg > 0).all()
    assert theta[-1] - theta[0] >= 180.0
    assert theta[-1] >= 180.0 - 2.0
    assert_safe(station)


def test_a_fly_scan_that_takes_flats_after_it(
    station: TomographyStation, engine: RunEngine, documents: Documents
) -> None:
    engine(tomo_fly(station, 30, exposure_s=0.02, darks=1, flats=1, flats_after=3))
    asked = documents[0][1][START_KEY]["counts"]["projection"]
    with h5py.File(recorded(documents), "r") as file:
        kinds = [int(k) for k in file[f"{ATTRIBUTES}/FrameType"][()]]
    assert kinds == [1, 2, 3, 3] + [0] * asked + [2] * 3
    points = [d["datum_kwargs"]["point_number"] for d in of(documents, "datum")]
    assert points == [0, 1, 2, 3, *range(4 + asked, 7 + asked)]


def when_taken(documents: Documents, engine: RunEngine, n: int, action: Any) -> None:
    """Do something, as from a keyboard, once n projections have been announced."""
    done = threading.Event()

    def watch(_name: str, _doc: Any) -> None:
        if len(events(documents, "primary")) >= n and not done.is_set():
            done.set()
            threading.Thread(target=action).start()

    engine.subscribe(watch)


def test_a_paused_scan_goes_on_without_losing_or_repeating_a_projection(
    station: TomographyStation, engine: RunEngine, documents: Documents
) -> None:
    when_taken(documents, engine, 5, engine.request_pause)
    with pytest.raises(RunEngineInterrupted):
        engine(tomo_scan(station, 20, exposure_s=0.05, darks=1, flats=1, pair=False))
    assert station.shutter.position == "closed"
    engine.resume()
    taken = events(documents, "primary")
    assert [e["seq_num"] for e in taken] == list(range(1, 21))
    numbers = {d["datum_id"]: d["datum_kwargs"]["point_number"]
               for d in of(documents, "datum")}  # fmt: skip
    points = [numbers[e["data"]["camera_image"]] for e in taken]
    with h5py.File(recorded(documents), "r") as file:
        theta = file[f"{ATTRIBUTES}/theta"][()]
        is_open = np.array([frame.mean() for frame in file["entry/data/data"][()]])
    np.testing.assert_allclose(theta[points], np.arange(20) * 9.0, atol=0.05)
    assert is_open[points].min() > 1000
    assert_safe(station)


@pytest.mark.parametrize(
    ("plan", "n"), [(tomo_scan, 20), (tomo_fly, 200)], ids=["step", "fly"]
)
def test_an_aborted_scan_leaves_the_station_safe(
    station: TomographyStation,
    engine: RunEngine,
    documents: Documents,
    plan: Any,
    n: int,
) -> None:
    def soon(name: str, _doc: Any) -> None:
        stream = "stream_datum" if plan is tomo_fly else "event"
        under_way = plan is tomo_fly or len(events(documents, "primary")) > 3
        if name == stream and under_way and not started.is_set():
            started.set()
            threading.Thread(target=engine.abort).start()

    started = threading.Event()
    engine.subscribe(soon)
    with pytest.raises(RunEngineInterrupted):
        engine(plan(station, n, exposure_s=0.02, darks=1, flats=1, pair=False))
    assert documents[-1][1]["exit_status"] == "abort"
    assert_safe(station)
