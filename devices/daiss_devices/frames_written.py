"""Checks that every triggered frame is in the file."""

import threading
import time
from typing import Any, Protocol

from ophyd import DeviceStatus
from ophyd.ophydobj import OphydObject

from daiss_bluesky.core.errors import UnavailableError

POLL_S = 0.01


class Camera(Protocol):
    """What is asked of a camera here."""

    name: str
    triggered: int
    timeout_s: float
    hdf: Any


class FramesWritten(OphydObject):
    """Triggerable: done once the file has a frame for each trigger.

    Fails, in the plugin's own words, when a write failed, or when frames are missing
    after the camera's timeout.
    """

    def __init__(self, camera: Camera) -> None:
        super().__init__(name=f"{camera.name}_written")
        self._camera = camera

    def trigger(self) -> DeviceStatus:
        """Start to wait for the frames."""
        status = DeviceStatus(self)

        def wait() -> None:
            try:
                self.wait()
            except UnavailableError as error:
                status.set_exception(error)
            except Exception as error:  # noqa: BLE001 - the plan waits without end
                name = self._camera.name
                status.set_exception(UnavailableError(f"{name}: {error}"))
            else:
                status.set_finished()

        threading.Thread(target=wait, daemon=True, name=self.name).start()
        return status

    def wait(self) -> None:
        """Wait for a frame for each trigger."""
        camera = self._camera
        deadline = time.monotonic() + camera.timeout_s
        while camera.hdf.frames_now() < camera.triggered:
            if why := camera.hdf.why_failed():
                raise UnavailableError(f"{camera.name} could not write a frame: {why}")
            if time.monotonic() > deadline:
                raise UnavailableError(
                    f"{camera.name} was triggered {camera.triggered} times but wrote"
                    f" {camera.hdf.frames_now()} frames"
                )
            time.sleep(POLL_S)

    def settle(self) -> int:
        """Wait until the file stops growing; returns how many frames it has."""
        before, now = -1, self._camera.hdf.frames_now()
        while now != before:
            time.sleep(0.1)
            before, now = now, self._camera.hdf.frames_now()
        return int(now)
