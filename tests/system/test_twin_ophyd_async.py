"""Unmodified ophyd-async devices run the twin, step by step and in flight."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import bluesky.plan_stubs as bps
import bluesky.plans as bp
import epics
import h5py
import numpy as np
import pytest
from bluesky import RunEngine
from bluesky import preprocessors as bpp
from ophyd_async.core import (
    FlyMotorInfo,
    StaticFilenameProvider,
    StaticPathProvider,
    TriggerInfo,
    init_devices,
)
from ophyd_async.epics import adcore
from ophyd_async.epics.adsimdetector import SimDetector
from ophyd_async.epics.motor import Motor

from tests.system.twin_process import TwinProcess

pytestmark = pytest.mark.system

PERIOD_S = 0.02


@pytest.fixture
def engine() -> RunEngine:
    return RunEngine({}, context_managers=[], call_returns_result=False)


@pytest.fixture
def devices(
    twin: TwinProcess, engine: RunEngine, request: pytest.FixtureRequest
) -> Iterator[tuple[SimDetector, Motor]]:
    assert epics.caput(f"{twin.prefix}shutter", "Open", wait=True) == 1
    # The twin is shared, and ophyd-async leaves the period as it finds it.
    assert epics.caput(f"{twin.prefix}cam1:AcquirePeriod", PERIOD_S, wait=True) == 1
    where = StaticPathProvider(
        StaticFilenameProvider(request.node.name), Path(twin.data_root)
    )
    with init_devices(timeout=30):
        det = SimDetector(twin.prefix, adcore.ADWriterFactory.hdf(where))
        rot = Motor(f"{twin.prefix}rot")
    yield det, rot
    epics.caput(f"{twin.prefix}HDF1:Capture", 0, wait=True)


def test_step_scan(
    engine: RunEngine, devices: tuple[SimDetector, Motor], twin: TwinProcess
) -> None:
    det, rot = devices
    documents: list[tuple[str, Any]] = []
    engine(bp.scan([det], rot, 0, 8, 5), lambda *doc: documents.append(doc))
    names = [name for name, _ in documents]
    assert names.count("event") == 5
    assert _frames_announced(documents) == 5
    with h5py.File(twin.data_root / "test_step_scan.h5", "r") as file:
        theta = file["entry/instrument/NDAttributes/theta"][:]
    np.testing.assert_allclose(theta, [0, 2, 4, 6, 8], atol=1e-9)


def test_fly_scan(
    engine: RunEngine, devices: tuple[SimDetector, Motor], twin: TwinProcess
) -> None:
    det, rot = devices
    n = 30

    @bpp.stage_decorator([det, rot])
    @bpp.run_decorator()
    def plan() -> Iterator[Any]:
        yield from bps.prepare(
            det, TriggerInfo(number_of_events=n, livetime=PERIOD_S), wait=True
        )
        fly = FlyMotorInfo(start_position=0, end_position=60, time_for_move=1.0)
        yield from bps.prepare(rot, fly, wait=True)
        yield from bps.declare_stream(det, name="primary", collect=True)
        yield from bps.kickoff_all(rot, det, wait=True)
        yield from bps.collect_while_completing(
            [rot, det], [det], flush_period=0.1, stream_name="primary"
        )

    documents: list[tuple[str, Any]] = []
    engine(plan(), lambda *doc: documents.append(doc))
    assert _frames_announced(documents) == n
    with h5py.File(twin.data_root / "test_fly_scan.h5", "r") as file:
        theta = file["entry/instrument/NDAttributes/theta"][:]
        assert file["entry/data/data"].shape == (n, 64, 96)
    at_speed = theta[(theta > 1) & (theta < 59)]
    assert len(at_speed) > n / 2
    np.testing.assert_allclose(np.diff(at_speed), 60 * PERIOD_S, atol=1e-3)


def _frames_announced(documents: list[tuple[str, Any]]) -> int:
    spans = [doc["indices"] for name, doc in documents if name == "stream_datum"]
    return sum(span["stop"] - span["start"] for span in spans)
