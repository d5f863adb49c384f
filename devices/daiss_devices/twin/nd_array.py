"""Frames as NTNDArray values, as the areaDetector PVA plugin sends them.

Dimensions are in areaDetector's order: the first is the columns.
"""

from typing import Any

import numpy as np
from p4p import Value
from p4p.nt import NTNDArray

from daiss_devices.twin.frame import Frame

_TYPE = NTNDArray.buildType()
_UNION_MEMBERS = {
    "uint8": "ubyteValue",
    "uint16": "ushortValue",
    "int16": "shortValue",
    "int32": "intValue",
    "uint32": "uintValue",
    "float32": "floatValue",
    "float64": "doubleValue",
}


def nd_array(frame: Frame) -> Value:
    """Make the NTNDArray of a frame; pixels are copied by the server when posted."""
    pixels = np.ascontiguousarray(frame.pixels)
    rows, columns = pixels.shape
    stamp = {
        "secondsPastEpoch": int(frame.time_s),
        "nanoseconds": int((frame.time_s % 1) * 1e9),
    }
    return Value(
        _TYPE,
        {
            "value": (_UNION_MEMBERS[pixels.dtype.name], pixels.reshape(-1)),
            "uniqueId": frame.unique_id,
            "timeStamp": stamp,
            "dataTimeStamp": stamp,
            "compressedSize": pixels.nbytes,
            "uncompressedSize": pixels.nbytes,
            "dimension": [_dimension(columns), _dimension(rows)],
            "attribute": [
                _attribute("ColorMode", 0, "Color mode"),
                _attribute("theta", frame.theta_deg, "rotation readback, degrees"),
                _attribute("piezo_y", frame.position_um[0], "row, micrometers"),
                _attribute("piezo_x", frame.position_um[1], "column, micrometers"),
                _attribute("FrameType", frame.frame_type, "label of the frame"),
                _attribute("ShutterOpen", int(frame.shutter_open), "photon shutter"),
            ],
        },
    )


def _dimension(size: int) -> dict[str, Any]:
    return {"size": size, "offset": 0, "fullSize": size, "binning": 1, "reverse": False}


def _attribute(name: str, value: float | int, description: str) -> dict[str, Any]:
    return {
        "name": name,
        "value": value,
        "tags": [],
        "descriptor": description,
        "sourceType": 0,
        "source": "",
    }
