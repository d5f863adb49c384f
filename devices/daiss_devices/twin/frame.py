"""One frame of the camera and what is recorded with it."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from daiss_devices.twin.clock import EPICS_EPOCH_S

FRAME_TYPES = ("Normal", "Background", "FlatField", "DblCorrelation")
"""Choices of `cam1:FrameType`: projection, dark, flat, 0/180 pair. Labels only."""


@dataclass(frozen=True, slots=True, eq=False)
class Frame:
    """Pixels (row, column) with the NDAttributes every consumer gets."""

    pixels: NDArray[Any]
    unique_id: int
    time_s: float
    """Unix seconds at mid-exposure."""
    theta_deg: float
    """Rotation readback at mid-exposure, in user units."""
    frame_type: int
    shutter_open: bool
    position_um: tuple[float, float] = (0.0, 0.0)
    """Readback of the piezo stage at mid-exposure: row and column of the probe."""

    @property
    def epics_time(self) -> tuple[int, int]:
        """Seconds and nanoseconds since the EPICS epoch."""
        seconds = int(self.time_s)
        return seconds - EPICS_EPOCH_S, int((self.time_s - seconds) * 1e9)

    def attributes(self) -> Mapping[str, float | int]:
        """Give the NDAttributes by name, as the file holds them."""
        seconds, nanoseconds = self.epics_time
        return {
            "NDArrayUniqueId": self.unique_id,
            "NDArrayTimeStamp": self.time_s,
            "NDArrayEpicsTSSec": seconds,
            "NDArrayEpicsTSnSec": nanoseconds,
            "theta": self.theta_deg,
            "piezo_y": self.position_um[0],
            "piezo_x": self.position_um[1],
            "FrameType": self.frame_type,
            "ShutterOpen": int(self.shutter_open),
        }


ATTRIBUTE_TYPES: Mapping[str, Any] = {
    "NDArrayUniqueId": np.int32,
    "NDArrayTimeStamp": np.float64,
    "NDArrayEpicsTSSec": np.uint32,
    "NDArrayEpicsTSnSec": np.uint32,
    "theta": np.float64,
    "piezo_y": np.float64,
    "piezo_x": np.float64,
    "FrameType": np.int32,
    "ShutterOpen": np.int32,
}
