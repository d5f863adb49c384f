"""Unmodified clients run the twin: pyepics, classic ophyd, ophyd-async, PVA."""

import queue
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import bluesky.plans as bp
import epics
import h5py
import numpy as np
import pytest
from bluesky import RunEngine
from epics.ca import CASeverityException
from ophyd import ADComponent, DetectorBase, EpicsMotor, SingleTrigger
from ophyd.areadetector.cam import SimDetectorCam
from ophyd.areadetector.filestore_mixins import FileStoreHDF5IterativeWrite
from ophyd.areadetector.plugins import HDF5Plugin_V34, ImagePlugin_V34, PvaPlugin_V34
from ophyd.signal import EpicsSignalBase
from ophyd.utils import LimitError
from p4p.client.thread import Context

from daiss_devices.stage import StageMotor
from tests.conftest import wait_until
from tests.system.twin_process import TwinProcess

pytestmark = pytest.mark.system


class HdfPlugin(HDF5Plugin_V34, FileStoreHDF5IterativeWrite):
    """As beamlines write it."""


class Detector(SingleTrigger, DetectorBase):
    """As beamlines write it."""

    cam = ADComponent(SimDetectorCam, "cam1:")
    hdf1 = ADComponent(HdfPlugin, "HDF1:", write_path_template="/", root="/")
    pva1 = ADComponent(PvaPlugin_V34, "Pva1:")
    image1 = ADComponent(ImagePlugin_V34, "image1:")


class Pvs:
    """Puts and gets on a twin."""

    def __init__(self, prefix: str) -> None:
        self.prefix = prefix

    def put(self, name: str, value: Any, *, wait: bool = True) -> None:
        assert epics.caput(self.prefix + name, value, wait=wait, timeout=60) == 1

    def get(self, name: str) -> Any:
        return epics.caget(self.prefix + name, use_monitor=False)

    def text(self, name: str) -> str:
        return str(epics.caget(self.prefix + name, as_string=True, use_monitor=False))

    def capture(self, root: Path) -> str:
        self.put("HDF1:CreateDirectory", -2)
        self.put("HDF1:FilePath", str(root))
        self.put("HDF1:EnableCallbacks", 1)
        self.put("HDF1:NumCapture", 0)
        self.put("HDF1:Capture", 1, wait=False)
        wait_until(lambda: self.get("HDF1:Capture_RBV") == 1, "the file to be open")
        return self.text("HDF1:FullFileName_RBV")

    def acquire(self, images: int, exposure_s: float = 0.005) -> None:
        self.put("cam1:ImageMode", "Multiple")
        self.put("cam1:NumImages", images)
        self.put("cam1:AcquireTime", exposure_s)
        self.put("cam1:AcquirePeriod", exposure_s)
        self.put("cam1:Acquire", 1)


@pytest.fixture
def pvs(twin: TwinProcess) -> Iterator[Pvs]:
    pvs = Pvs(twin.prefix)
    pvs.put("shutter", "Open")
    yield pvs
    pvs.put("HDF1:Capture", 0)
    for name in ("twin:DropFrames", "twin:DiskFull"):
        pvs.put(name, "" if "Drop" in name else "No")
    pvs.put("x", 0)


@pytest.fixture
def detector(twin: TwinProcess, monkeypatch: pytest.MonkeyPatch) -> Iterator[Detector]:
    detector = Detector(twin.prefix, name="det", read_attrs=["hdf1"])
    detector.hdf1.write_path_template = str(twin.data_root / "classic")
    detector.wait_for_connection(timeout=30)
    yield detector
    detector.destroy()


@pytest.fixture
def rotation(twin: TwinProcess) -> Iterator[EpicsMotor]:
    motor = EpicsMotor(f"{twin.prefix}rot", name="rot")
    motor.wait_for_connection(timeout=30)
    yield motor
    motor.destroy()


def test_every_signal_of_the_classic_classes_connects(detector: Detector) -> None:
    detector.wait_for_connection(all_signals=True, timeout=60)
    assert detector.hdf1.array_size.get() == (0, 64, 96)
    assert "NDFileHDF5" in detector.hdf1.plugin_type.get()


def test_classic_scan_records_a_frame_a_point(
    detector: Detector, rotation: EpicsMotor
) -> None:
    documents: list[tuple[str, Any]] = []
    detector.cam.num_images.put(1)
    detector.cam.acquire_time.put(0.05)
    detector.cam.acquire_period.put(0.05)
    engine = RunEngine({}, context_managers=[])
    engine(bp.scan([detector], rotation, 10, 20, 5), lambda *doc: documents.append(doc))
    resources = [doc for name, doc in documents if name == "resource"]
    assert [name for name, _ in documents].count("event") == 5
    path = Path(resources[0]["root"]) / resources[0]["resource_path"]
    with h5py.File(path, "r") as file:
        theta = file["entry/instrument/NDAttributes/theta"][:]
        assert file["entry/data/data"].shape == (5, 64, 96)
    np.testing.assert_allclose(theta, np.linspace(10, 20, 5), atol=1e-9)


def test_motor_keeps_its_limits_and_says_so(rotation: EpicsMotor) -> None:
    assert rotation.limits == (-3600, 3600)
    assert (rotation.egu, rotation.precision) == ("deg", 4)
    with pytest.raises(LimitError):
        rotation.move(9999)
    low = rotation.user_readback.get()
    assert epics.caput(f"{rotation.prefix}.VAL", 9999, wait=True) != 1 or (
        rotation.user_readback.get() == low
    )


def test_a_move_to_the_same_place_ends(rotation: EpicsMotor) -> None:
    rotation.move(33, timeout=60)
    rotation.move(33, timeout=60)
    assert rotation.position == 33


def test_stop_while_idle_spoils_nothing(rotation: EpicsMotor) -> None:
    rotation.stop()
    rotation.move(-40, timeout=60)
    assert rotation.position == pytest.approx(-40)


def test_stop_in_mid_move_rests_where_it_is(rotation: EpicsMotor) -> None:
    rotation.move(0, timeout=60)
    status = rotation.move(3000, wait=False)
    wait_until(lambda: rotation.user_readback.get() > 5, "the motor to move")
    rotation.stop()
    wait_until(lambda: rotation.motor_done_move.get() == 1, "the motor to stop")
    here = rotation.user_readback.get()
    assert 5 < here < 2900
    assert rotation.user_setpoint.get() == pytest.approx(here)
    wait_until(lambda: status.done, "the move's status")


def test_a_place_told_while_ophyd_subscribes_is_known(
    twin: TwinProcess, monkeypatch: pytest.MonkeyPatch
) -> None:
    subscribe = EpicsSignalBase._add_callback

    def told_at_once(signal: Any, *arguments: Any) -> None:
        subscribe(signal, *arguments)
        if threading.current_thread() is threading.main_thread():
            wait_until(lambda: signal._args_cache["value"], "the first value")

    monkeypatch.setattr(EpicsSignalBase, "_add_callback", told_at_once)
    motor = StageMotor(twin.prefix + "y", name="sample_y")
    motor.wait_for_connection(timeout=60)
    assert motor.position == motor.user_readback.get()
    motor.destroy()


def test_pyepics_motor(twin: TwinProcess) -> None:
    motor = epics.Motor(f"{twin.prefix}z")
    assert motor.get("RTYP") == "motor"
    assert motor.move(1.5, wait=True) == 0
    assert motor.get_position(readback=True) == pytest.approx(1.5)
    motor.set_position(0.5)
    assert motor.get_position(readback=True) == pytest.approx(0.5)
    motor.set_position(1.5)
    motor.move(0, wait=True)


def test_alias_and_put_completion(pvs: Pvs) -> None:
    pvs.put("x.VAL", 2.0)
    assert pvs.get("x.RBV") == pytest.approx(2.0)
    assert pvs.get("x") == pytest.approx(2.0)


def test_picture_depends_on_shutter_and_stage(pvs: Pvs, twin: TwinProcess) -> None:
    name = pvs.capture(twin.data_root)
    for frame_type in ("Normal", "FlatField", "Background"):
        pvs.put("cam1:FrameType", frame_type)
        pvs.put("x", twin.facts["out_position_mm"] if frame_type == "FlatField" else 0)
        pvs.put("shutter", "Closed" if frame_type == "Background" else "Open")
        pvs.acquire(2)
    pvs.put("HDF1:Capture", 0)
    with h5py.File(name, "r") as file:
        frames = np.median(file["entry/data/data"][:, 20:44, 40:56], axis=(1, 2))
        kinds = file["entry/instrument/NDAttributes/FrameType"][:]
    np.testing.assert_array_equal(kinds, [0, 0, 2, 2, 1, 1])
    assert (frames[4:] < 130).all()
    assert (frames[2:4] > 30000).all()
    assert (frames[:2] < 0.5 * frames[2]).all()
    assert (frames[:2] > 1000).all()


def test_pva_frames_have_no_gaps_and_match_the_file(
    pvs: Pvs, twin: TwinProcess
) -> None:
    arrived: queue.Queue[Any] = queue.Queue()
    with Context("pva", nt=False) as context:
        monitor = context.monitor(
            f"{twin.prefix}Pva1:Image",
            arrived.put,
            request="record[queueSize=100]field()",
        )
        arrived.get(timeout=60)
        name = pvs.capture(twin.data_root)
        pvs.acquire(30)
        values = [arrived.get(timeout=60) for _ in range(30)]
        monitor.close()
    pvs.put("HDF1:Capture", 0)
    with h5py.File(name, "r") as file:
        images = file["entry/data/data"][:]
        unique = file["entry/instrument/NDAttributes/NDArrayUniqueId"][:]
        times = file["entry/instrument/NDAttributes/NDArrayTimeStamp"][:]
    ids = np.array([value.uniqueId for value in values])
    np.testing.assert_array_equal(ids, unique)
    np.testing.assert_array_equal(np.diff(ids), 1)
    np.testing.assert_allclose(np.diff(times), 0.005, atol=1e-6)
    sizes = [dimension.size for dimension in values[0].dimension]
    assert sizes == [96, 64]
    for value, image in zip(values, images, strict=True):
        np.testing.assert_array_equal(value.value.reshape(64, 96), image)
    attributes = {a.name: a.value for a in values[0].attribute}
    assert attributes["theta"] == pytest.approx(pvs.get("rot.RBV"))
    assert values[0].dataTimeStamp.secondsPastEpoch == int(times[0])


def test_dropped_frames_leave_a_gap_in_file_and_monitor(
    pvs: Pvs, twin: TwinProcess
) -> None:
    pvs.put("twin:DropFrames", "1, 3")
    name = pvs.capture(twin.data_root)
    pvs.acquire(6)
    pvs.put("HDF1:Capture", 0)
    with h5py.File(name, "r") as file:
        unique = file["entry/instrument/NDAttributes/NDArrayUniqueId"][:]
    np.testing.assert_array_equal(unique - unique[0], [0, 2, 4, 5])


def test_full_disk_ends_the_capture_and_says_why(pvs: Pvs, twin: TwinProcess) -> None:
    pvs.capture(twin.data_root)
    pvs.put("twin:DiskFull", "Yes")
    pvs.acquire(2)
    assert pvs.get("HDF1:Capture_RBV") == 0
    assert pvs.text("HDF1:WriteStatus") == "Write error"
    assert "No space left" in pvs.text("HDF1:WriteMessage")


@pytest.mark.parametrize("path", ["/etc", "/", "relative", "{root}/../elsewhere"])
def test_files_outside_the_data_root_are_refused(
    pvs: Pvs, twin: TwinProcess, path: str
) -> None:
    pvs.put("HDF1:CreateDirectory", -5)
    pvs.put("HDF1:FilePath", path.format(root=twin.data_root))
    assert pvs.get("HDF1:FilePathExists_RBV") == 0
    pvs.put("HDF1:Capture", 1)
    assert pvs.get("HDF1:Capture_RBV") == 0
    assert pvs.text("HDF1:WriteStatus") == "Write error"


def test_continuous_rotation_is_equally_spaced(pvs: Pvs, twin: TwinProcess) -> None:
    pvs.put("rot", 0)
    pvs.put("rot.VELO", 60)
    name = pvs.capture(twin.data_root)
    pvs.put("rot", 90, wait=False)
    wait_until(lambda: pvs.get("rot.RBV") > 10, "the rotation to be at speed")
    pvs.acquire(20, 0.02)
    pvs.put("HDF1:Capture", 0)
    pvs.put("rot", 0)
    pvs.put("rot.VELO", 360)
    with h5py.File(name, "r") as file:
        theta = file["entry/instrument/NDAttributes/theta"][:]
    np.testing.assert_allclose(np.diff(theta), 1.2, atol=1e-4)


def test_truth_is_served(pvs: Pvs, twin: TwinProcess) -> None:
    assert pvs.get("twin:CenterTruth") == pytest.approx(twin.facts["center_true_px"])
    with pytest.raises(CASeverityException):
        epics.caput(f"{twin.prefix}twin:CenterTruth", 3.0)


def test_image_over_channel_access(pvs: Pvs) -> None:
    pvs.put("image1:EnableCallbacks", "Enable")
    pvs.acquire(1)
    pvs.put("image1:EnableCallbacks", "Disable")
    image = np.asarray(pvs.get("image1:ArrayData"))
    assert image.size == 64 * 96
    assert image.max() > 1000
