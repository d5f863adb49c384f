"""Pictures as NTNDArray values, so that areaDetector viewers show them.

Dimensions are in areaDetector's order: the first is the columns.
"""

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray
from p4p import Value
from p4p.nt import NTNDArray

_TYPE = NTNDArray.buildType()
_FIELDS: dict[str, tuple[str, Any]] = {"u2": ("ushortValue", np.uint16)}
_LARGEST_ID = 2**31 - 1
DESCRIPTIONS = {
    "ColorMode": "0: mono",
    "scan_id": "scan number",
    "angle_deg": "newest angle inside the picture",
    "center_px": "rotation center, columns",
    "frames_used": "projections inside the picture",
    "raw_uid": "bluesky run",
    "result_uid": "reconstruction of it",
    "place": "which slice it is",
    "update": "publication of the result, from 1",
}


def time_stamp(time_s: float) -> dict[str, int]:
    """Split seconds since the Unix epoch the way EPICS 7 does."""
    seconds = int(time_s)
    return {"secondsPastEpoch": seconds, "nanoseconds": int((time_s - seconds) * 1e9)}


def nt_image(
    picture: NDArray[Any],
    *,
    unique_id: int,
    time_s: float,
    data_time_s: float,
    attributes: Mapping[str, Any],
) -> Value:
    """Make the value of a (row, column) picture: uint16 as it is, else float32.

    `time_s` is when it was published, `data_time_s` when its newest frame was taken.
    """
    field, dtype = _FIELDS.get(picture.dtype.str[1:], ("floatValue", np.float32))
    pixels = np.ascontiguousarray(picture, dtype=dtype)
    rows, columns = pixels.shape
    return Value(
        _TYPE,
        {
            "value": (field, pixels.reshape(-1)),
            "uniqueId": unique_id & _LARGEST_ID,
            "timeStamp": time_stamp(time_s),
            "dataTimeStamp": time_stamp(data_time_s),
            "compressedSize": pixels.nbytes,
            "uncompressedSize": pixels.nbytes,
            "dimension": [_dimension(columns), _dimension(rows)],
            "attribute": [
                _attribute(name, value)
                for name, value in {"ColorMode": 0, **attributes}.items()
            ],
        },
    )


def _dimension(size: int) -> dict[str, Any]:
    return {"size": size, "offset": 0, "fullSize": size, "binning": 1, "reverse": False}


def _attribute(name: str, value: float | str) -> dict[str, Any]:
    return {
        "name": name,
        "value": value,
        "tags": [],
        "descriptor": DESCRIPTIONS.get(name, ""),
        "sourceType": 0,
        "source": "",
    }
