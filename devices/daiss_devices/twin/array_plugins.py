"""`Pva1:` and `image1:`: frames as NTNDArrays and as a Channel Access waveform."""

import time
from typing import Any

import numpy as np
from p4p.server.thread import SharedPV

from daiss_devices.twin.database import Database
from daiss_devices.twin.frame import Frame
from daiss_devices.twin.nd_array import nd_array


class PvaPlugin:
    """Posts every frame to `Pva1:Image`."""

    def __init__(self, database: Database, first: Frame) -> None:
        self._database = database
        # Without nt=: with it, post() would wrap, and lose id, time and attributes.
        self.image = SharedPV(initial=nd_array(first))

    def take(self, frame: Frame) -> None:
        """Post a frame if enabled."""
        if self._database.value("Pva1:EnableCallbacks") != "Enable":
            return
        self.image.post(nd_array(frame))
        self._database.post(
            {
                "Pva1:ArrayCounter_RBV": frame.unique_id,
                "Pva1:UniqueId_RBV": frame.unique_id,
            }
        )


class ImagePlugin:
    """Shows a frame now and then in `image1:ArrayData`, at most every MinCallbackTime.

    Channel Access knows no unsigned 16 bit integers: pixels travel as 32 bit.
    """

    def __init__(self, database: Database) -> None:
        self._database = database
        self._last_s = 0.0

    def take(self, frame: Frame) -> None:
        """Publish a frame if enabled and due."""
        now = time.monotonic()
        wait_s = max(0.1, float(self._database.value("image1:MinCallbackTime")))
        if self._database.value("image1:EnableCallbacks") != "Enable":
            return
        if now - self._last_s < wait_s:
            return
        self._last_s = now
        pixels: Any = frame.pixels.astype(np.int32).reshape(-1)
        self._database.post(
            {
                "image1:ArrayData": pixels,
                "image1:UniqueId_RBV": frame.unique_id,
                "image1:ArrayCounter_RBV": frame.unique_id,
            }
        )
