"""An areaDetector camera that writes HDF5, triggered frame by frame."""

import time
from typing import Any

from ophyd import Component, DetectorBase, EpicsSignal, Staged
from ophyd.areadetector import cam
from ophyd.areadetector.base import ADComponent
from ophyd.areadetector.plugins import PvaPlugin_V34
from ophyd.status import StatusBase

from daiss_bluesky.core.errors import InputError, UnavailableError, unknown
from daiss_devices.beamline_file import CameraFile
from daiss_devices.frame_file import FrameFile
from daiss_devices.frames_written import FramesWritten
from daiss_devices.put import put_status, settle

MULTIPLE = 1


class SafeTrigger:
    """Triggers by put completion, which an exposure cannot be too short for.

    ophyd's SingleTrigger waits for the acquire signal to go down; an exposure of a few
    milliseconds is over before it begins to watch.
    """

    def trigger(self: Any) -> StatusBase:
        """Take one frame."""
        if self._staged != Staged.yes:
            raise InputError(f"{self.name} must be staged before it is triggered")
        timeout_s = self.exposure_s.get() * self.num_images.get() + self.timeout_s
        status = put_status(
            self, self.acquire, 1, timeout_s, f"{self.name} took no frame"
        )
        self.generate_datum(self.image_key, time.time(), {})
        self.triggered += 1
        self._running = status
        return status


class TomographyCamera(SafeTrigger, DetectorBase):
    """Camera with HDF5 and PVA plugins; `make_camera` puts the right cam in."""

    # ophyd's detectors read nothing unless told, whatever kind a component has.
    _default_read_attrs = ("hdf",)

    hdf = Component(
        FrameFile,
        "HDF1:",
        write_path_template="/",
        kind="normal",
    )
    pva = ADComponent(PvaPlugin_V34, "Pva1:", kind="omitted")

    acquire = Component(EpicsSignal, "cam1:Acquire", kind="omitted", auto_monitor=True)
    exposure_s = Component(
        EpicsSignal,
        "cam1:AcquireTime",
        put_complete=True,
        auto_monitor=True,
        kind="config",
    )
    period_s = Component(
        EpicsSignal, "cam1:AcquirePeriod", put_complete=True, kind="config"
    )
    num_images = Component(
        EpicsSignal,
        "cam1:NumImages",
        put_complete=True,
        auto_monitor=True,
        kind="omitted",
    )
    frame_type = Component(
        EpicsSignal, "cam1:FrameType", put_complete=True, string=True, kind="omitted"
    )

    def __init__(self, file: CameraFile, *, root: str, name: str) -> None:
        super().__init__(file.pv, name=name, labels={"detectors"})
        self.file = file
        self.timeout_s = file.timeout_s
        self.image_key = f"{name}_image"
        self.triggered = 0
        self.written = FramesWritten(self)
        self._running: StatusBase | None = None
        self.hdf.reg_root = root
        self.hdf.path_semantics = file.path_semantics
        self.hdf.read_path_template = file.read_path_template
        self.hdf.write_path_template = file.write_path_template
        self.hdf.timeout_s = file.timeout_s
        self.cam.configuration_attrs = []

    def stage(self) -> Any:
        """Open a file and arm."""
        self.triggered = 0
        self._running = None
        settle(self.cam.acquire, 0, self.timeout_s)
        settle(self.cam.image_mode, MULTIPLE, self.timeout_s)
        settle(self.cam.num_images, 1, self.timeout_s)
        return super().stage()

    def prime(self) -> None:
        """Take one frame so that plugins learn its shape and type."""
        settle(self.cam.array_callbacks, 1, self.timeout_s)
        settle(self.hdf.enable, 1, self.timeout_s)
        shot = put_status(
            self, self.acquire, 1, 60.0 + self.timeout_s, f"{self.name} took no frame"
        )
        shot.wait()
        deadline = time.monotonic() + self.timeout_s
        while not any(self.hdf.array_size.get()):
            if time.monotonic() > deadline:
                raise UnavailableError(
                    f"{self.name} took a frame but its HDF5 plugin did not see it:"
                    " is the plugin's array port the camera's?"
                )
            time.sleep(0.05)

    def stop(self, *, success: bool = False) -> None:
        """End acquisition now; without effect when idle."""
        del success
        self.acquire.put(0)

    def pause(self) -> None:
        """Let a started exposure end by itself: its frame is in the file anyway."""

    def resume(self) -> None:
        """Count on from the frames there are, whatever the pause cut short."""
        if self._staged != Staged.yes:
            return
        if self._running is not None:
            self._running.wait(self.exposure_s.get() + self.timeout_s)
        self.triggered = self.written.settle()
        self.hdf.count_from(self.triggered)


def make_camera(file: CameraFile, *, root: str, name: str) -> TomographyCamera:
    """Make a camera with the cam class that the beamline file names."""
    known = {
        key: value
        for key, value in vars(cam).items()
        if isinstance(value, type) and issubclass(value, cam.CamBase)
    }
    if file.cam_class not in known:
        raise unknown("cam_class", file.cam_class, known)
    parts = {"cam": Component(known[file.cam_class], "cam1:", kind="normal")}
    kind = type("TomographyCamera", (TomographyCamera,), parts)
    camera: TomographyCamera = kind(file, root=root, name=name)
    return camera
