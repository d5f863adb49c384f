"""Frames of real scans on the twin, read while they are taken: each once, its own."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import bluesky.plan_stubs as bps
import bluesky.plans as bp
import bluesky.preprocessors as bpp
import h5py
import numpy as np
import ophyd
import pytest
from bluesky import RunEngine
from ophyd import Component, EpicsMotor, SimDetector, SingleTrigger
from ophyd.areadetector.filestore_mixins import FileStoreHDF5IterativeWrite
from ophyd.areadetector.plugins import HDF5Plugin_V34
from ophyd_async.core import (
    StaticPathProvider,
    TriggerInfo,
    UUIDFilenameProvider,
    init_devices,
)
from ophyd_async.epics import adcore, adsimdetector
from ophyd_async.epics.motor import FlyMotorInfo
from ophyd_async.epics.motor import Motor as AsyncMotor

from daiss_bluesky.core.frames import Batch, FrameRef
from daiss_bluesky.core.scan import Scan
from daiss_bluesky.plans.tomography import tomo_fly, tomo_scan
from daiss_callbacks.assembler import FrameAssembler
from daiss_callbacks.frame_store import FrameStore
from daiss_devices.station import TomographyStation
from tests.system.twin_process import LIMIT_S, TwinProcess

pytestmark = pytest.mark.system

DATA = "entry/data/data"
THETA = "entry/instrument/NDAttributes/theta"


class LiveFrames:
    """Reads every frame as soon as its documents are there."""

    def __init__(self, root: Path) -> None:
        self.store = FrameStore([root], timeout_s=LIMIT_S)
        self.assembler: FrameAssembler | None = None
        self.refs: list[FrameRef] = []
        self.batches: list[Batch] = []

    def __call__(self, name: str, doc: dict[str, Any]) -> None:
        if name == "start":
            scan = Scan.from_start(doc)
            self.assembler = FrameAssembler(scan, doc, self.store.keep)
        assert self.assembler
        refs = self.assembler(name, doc)
        self.refs += refs
        for stream in {ref.key.stream for ref in refs}:
            asked = [ref for ref in refs if ref.key.stream == stream]
            self.batches.append(self.store.load(asked))

    def check(self, counts: dict[str, int]) -> None:
        """Compare all frames with the finished file, by their measured angle."""
        assert self.assembler
        assert self.assembler.missing() == {}
        assert self.assembler.unresolved() == []
        assert self.assembler.duplicates == 0
        assert self.assembler.received == counts
        assert len({ref.key for ref in self.refs}) == sum(counts.values())
        assert set(self.store.axis_sources) <= {"file", "none"}
        self.store.close()
        rows = {ref.key: ref.location.image.row for ref in self.refs}  # type: ignore[attr-defined]
        assert sorted(rows.values()) == list(range(len(rows)))
        with h5py.File(self.file, "r") as file:
            for batch in self.batches:
                taken = [rows[key] for key in batch.keys]
                for pixels, row in zip(batch.pixels, taken, strict=True):
                    np.testing.assert_array_equal(pixels, file[DATA][row])
                if batch.kind in {"projection", "pair"}:
                    theta = np.deg2rad([file[THETA][row] for row in taken])
                    np.testing.assert_allclose(batch.angles_rad, theta)

    @property
    def file(self) -> Path:
        """The one file of the run."""
        uris = {ref.location.image.uri for ref in self.refs}  # type: ignore[attr-defined]
        (path,) = {Path(urlsplit(uri).path) for uri in uris}
        return path

    def angles_deg(self) -> Any:
        """Give the projections' angles, in the order they came."""
        return np.rad2deg(
            np.concatenate(
                [b.angles_rad for b in self.batches if b.kind == "projection"]
            )
        )


@pytest.fixture
def frames(twin: TwinProcess) -> Iterator[LiveFrames]:
    frames = LiveFrames(twin.data_root)
    yield frames
    frames.store.close()


@pytest.fixture
def engine(frames: LiveFrames) -> RunEngine:
    engine = RunEngine(context_managers=[])
    engine.subscribe(lambda name, doc: frames(str(name), doc))
    return engine


def test_our_step_scan(
    station: TomographyStation, engine: RunEngine, frames: LiveFrames
) -> None:
    engine(tomo_scan(station, 9, exposure_s=0.005, darks=2, flats=2, flats_after=1))
    frames.check({"dark": 2, "flat": 3, "pair": 2, "projection": 9})
    np.testing.assert_allclose(frames.angles_deg(), 20.0 * np.arange(9), atol=0.01)


def test_our_fly_scan(
    station: TomographyStation, engine: RunEngine, frames: LiveFrames
) -> None:
    engine(tomo_fly(station, 45, exposure_s=0.02, darks=2, flats=2))
    assert frames.assembler
    n = frames.assembler.scan.n_frames
    assert n is not None
    frames.check({"dark": 2, "flat": 2, "pair": 2, "projection": n})
    np.testing.assert_allclose(np.diff(frames.angles_deg()), 4.0, atol=0.02)


class PlainHdf5(HDF5Plugin_V34, FileStoreHDF5IterativeWrite):
    """As a beamline writes it."""

    def get_frames_per_point(self) -> int:
        return int(self.parent.cam.num_images.get())


class PlainCamera(SingleTrigger, SimDetector):
    """As a beamline writes it; nothing of ours."""

    hdf = Component(PlainHdf5, "HDF1:", write_path_template="/", root="/")


@pytest.mark.parametrize("n_images", [1, 3])
def test_plain_areadetector_classes(
    twin: TwinProcess, engine: RunEngine, frames: LiveFrames, n_images: int
) -> None:
    ophyd.set_cl("pyepics")
    camera = PlainCamera(twin.prefix, name="camera", read_attrs=["hdf"])
    motor = EpicsMotor(f"{twin.prefix}rot", name="rotation")
    camera.wait_for_connection(timeout=LIMIT_S)
    motor.wait_for_connection(timeout=LIMIT_S)
    camera.hdf.write_path_template = camera.hdf.read_path_template = (
        f"{twin.data_root}/"
    )
    camera.hdf.stage_sigs["swmr_mode"] = 1
    camera.stage_sigs |= {
        "cam.num_images": n_images,
        "cam.image_mode": 1,
        "cam.acquire_time": 0.05,
        "cam.acquire_period": 0.06,
    }
    try:
        engine(bp.scan([camera], motor, 0, 40, 5))
    finally:
        camera.destroy()
        motor.destroy()
    frames.check({"projection": 5 * n_images})
    expected = np.repeat(10.0 * np.arange(5), n_images)
    np.testing.assert_allclose(frames.angles_deg(), expected, atol=0.01)


@pytest.fixture
def async_devices(twin: TwinProcess, engine: RunEngine) -> tuple[Any, Any]:
    provider = StaticPathProvider(UUIDFilenameProvider(), twin.data_root)
    with init_devices(timeout=LIMIT_S):
        camera = adsimdetector.SimDetector(
            twin.prefix, adcore.ADWriterFactory.hdf(provider), name="camera"
        )
        rotation = AsyncMotor(f"{twin.prefix}rot", name="rotation")
    return camera, rotation


def test_ophyd_async_step_scan(
    async_devices: tuple[Any, Any], engine: RunEngine, frames: LiveFrames
) -> None:
    camera, rotation = async_devices
    engine(bp.scan([camera], rotation, 0, 40, 5))
    frames.check({"projection": 5})
    np.testing.assert_allclose(frames.angles_deg(), 10.0 * np.arange(5), atol=0.01)


def test_ophyd_async_fly_scan(
    async_devices: tuple[Any, Any], engine: RunEngine, frames: LiveFrames
) -> None:
    camera, rotation = async_devices
    n, exposure_s = 30, 0.03

    @bpp.stage_decorator([camera])
    @bpp.run_decorator(md={"motors": ["rotation"], "num_points": n})
    def plan() -> Any:
        yield from bps.prepare(
            camera, TriggerInfo(number_of_events=n, livetime=exposure_s, deadtime=0.0)
        )
        turn = FlyMotorInfo(start_position=0, end_position=90, time_for_move=4.0)
        yield from bps.prepare(rotation, turn, wait=True)
        yield from bps.declare_stream(camera, name="primary", collect=True)
        yield from bps.monitor(rotation.user_readback, name="rotation_monitor")
        yield from bps.kickoff_all(rotation, camera, wait=True)
        yield from bps.collect_while_completing(
            [rotation, camera], [camera], flush_period=0.1, stream_name="primary"
        )
        yield from bps.unmonitor(rotation.user_readback)

    engine(plan())
    frames.check({"projection": n})
    assert np.all(np.diff(frames.angles_deg()) > 0)

    without_theta = FrameStore(
        [frames.file.parent], axis_attributes={"rotation": ["absent"]}
    )
    monitored = without_theta.load(frames.refs)
    without_theta.close()
    assert without_theta.axis_sources == {"monitor": n}
    measured = np.rad2deg(monitored.angles_rad)
    np.testing.assert_allclose(measured, frames.angles_deg(), atol=3.0)
