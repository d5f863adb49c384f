"""The areaDetector PVs: made from the frozen table, primed, readbacks that follow."""

from typing import Any

import numpy as np

from daiss_devices.twin.database import Database, PutHandler
from daiss_devices.twin.initial_values import initial_values
from daiss_devices.twin.pv_table import PvSpec, area_detector_pvs

_FIXED = {
    "SizeX", "SizeY", "MinX", "MinY", "BinX", "BinY", "ReverseX", "ReverseY",
    "DataType", "ColorMode", "NumExposures", "NumFramesChunks", "Acquire", "Capture",
    "ArraySize0", "ArraySize1", "ArraySize2", "Compression",
}  # fmt: skip
"""A put to these leaves their readback alone: the twin cannot do otherwise."""


def add_area_detector(
    database: Database, shape: tuple[int, int], dtype: np.dtype[Any], primed: bool
) -> None:
    """Add camera and plugins; readbacks follow their setpoints unless connected."""
    table = area_detector_pvs()
    initial = initial_values(database.prefix, shape, dtype, primed)
    for name, spec in table.items():
        extra = {}
        if name == "image1:ArrayData":
            initial[name] = np.zeros(shape[0] * shape[1], np.int32)
            extra = {"max_length": shape[0] * shape[1]}
        precision = {"precision": 6} if spec.kind == "double" else {}
        database.add(name, spec, initial.get(name), **extra, **precision)
    for name in table:
        fixed = name.partition(":")[2] in _FIXED
        if f"{name}_RBV" in table and not fixed:
            database.on_put(name, _follow(database, f"{name}_RBV"))


def add_twin_pvs(
    database: Database, center_px: float | None, out_mm: float, full_after: int
) -> None:
    """Add what a real beamline has not: faults to switch on, and the truth."""
    number = PvSpec("double", [], True)
    truth = float("nan") if center_px is None else center_px
    database.add("twin:CenterTruth", number, truth, precision=4)
    database.add("twin:OutPosition", number, out_mm, precision=4, units="mm")
    database.add("twin:DiskFull", PvSpec("enum", ["No", "Yes"], False))
    database.add("twin:DiskFullAfter", PvSpec("long", [], False), full_after)
    database.add("twin:DropFrames", PvSpec("text", [], False))


def _follow(database: Database, readback: str) -> PutHandler:
    async def put(value: Any) -> Any:
        database.post({readback: value})
        await database.flush()
        return value

    return put
