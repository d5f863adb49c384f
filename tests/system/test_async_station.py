"""The beamline file gives ophyd-async devices too; tomography runs with them."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest
from bluesky import RunEngine
from bluesky import plan_stubs as bps
from bluesky import plans as bp
from bluesky import preprocessors as bpp
from bluesky.run_engine import call_in_bluesky_event_loop
from ophyd_async.core import FlyMotorInfo, TriggerInfo

from daiss_bluesky.core.resources import resource
from daiss_devices.async_station import AsyncStation, DayDirectory, load_async_station
from daiss_devices.beamline_file import CameraFile
from tests.conftest import Documents
from tests.system.twin_process import TwinProcess

pytestmark = pytest.mark.system


@pytest.fixture
def station(twin: TwinProcess, engine: RunEngine) -> AsyncStation:
    station = load_async_station(
        resource("profiles/twin.yml"), prefix=twin.prefix, data_root=str(twin.data_root)
    )
    call_in_bluesky_event_loop(station.connect(30.0))
    return station


def theta_deg(documents: Documents) -> Any:
    """Measured angles of the frames that were announced."""
    of = {name: [d for n, d in documents if n == name] for name, _ in documents}
    uri = of["stream_resource"][0]["uri"]
    announced = max(d["indices"]["stop"] for d in of["stream_datum"])
    with h5py.File(uri.removeprefix("file://localhost"), "r") as file:
        return file["entry/instrument/NDAttributes/theta"][:announced]


def test_steps(station: AsyncStation, engine: RunEngine, documents: Documents) -> None:
    engine(bp.scan([station.camera], station.rotation, 0, 40, 5))
    assert documents[-1][1]["exit_status"] == "success"
    np.testing.assert_allclose(theta_deg(documents), np.arange(5) * 10.0, atol=0.01)


def test_flight(station: AsyncStation, engine: RunEngine, documents: Documents) -> None:
    camera, rotation, n = station.camera, station.rotation, 30

    @bpp.stage_decorator([camera, rotation])
    @bpp.run_decorator()
    def fly() -> Iterator[Any]:
        trigger = TriggerInfo(number_of_events=n, livetime=0.02)
        yield from bps.prepare(camera, trigger, wait=True)
        turn = FlyMotorInfo(start_position=0, end_position=60, time_for_move=1.5)
        yield from bps.prepare(rotation, turn, wait=True)
        yield from bps.declare_stream(camera, name="primary", collect=True)
        yield from bps.kickoff_all(rotation, camera, wait=True)
        yield from bps.collect_while_completing(
            [rotation, camera], [camera], flush_period=0.1, stream_name="primary"
        )

    engine(fly())
    assert documents[-1][1]["exit_status"] == "success"
    angles = theta_deg(documents)
    assert len(angles) == n
    assert np.all(np.diff(angles) > 0)


def test_ioc_and_clients_may_name_a_directory_differently(tmp_path: Path) -> None:
    file = CameraFile(
        pv="BL7:",
        write_path_template="Z:\\data\\%Y",
        read_path_template="/mnt/data/%Y",
        path_semantics="windows",
    )
    info = DayDirectory(file)("camera")
    assert str(info.directory_path).startswith("Z:\\data\\2")
    assert info.directory_uri.startswith("file://localhost/mnt/data/2")
    assert DayDirectory(file)().filename != info.filename
