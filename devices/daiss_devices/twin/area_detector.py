"""The areaDetector PVs: made from the frozen table, primed, readbacks that follow."""

from typing import Any

import numpy as np

from daiss_devices.twin.database import Database, PutHandler
from daiss_devices.twin.pv_table import PvSpec, area_detector_pvs

CAMERA_PORT = "TWIN"
PLUGINS = {
    "HDF1:": ("NDFileHDF5 ver1.11", "FILE1"),
    "Pva1:": ("NDPluginPva", "PVA1"),
    "image1:": ("NDPluginStdArrays", "IMAGE1"),
}
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
    initial = _initial_values(database.prefix, shape, dtype, primed)
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


def _initial_values(
    prefix: str, shape: tuple[int, int], dtype: np.dtype[Any], primed: bool
) -> dict[str, Any]:
    rows, columns = shape
    kind = {"uint8": "UInt8", "uint16": "UInt16", "float32": "Float32"}[dtype.name]
    values: dict[str, Any] = {}
    for base, value in {
        "PortName_RBV": CAMERA_PORT, "Manufacturer_RBV": "DAISS",
        "Model_RBV": "simulated beamline", "SerialNumber_RBV": "1",
        "FirmwareVersion_RBV": "1", "SDKVersion_RBV": "1",
        "MaxSizeX_RBV": columns, "MaxSizeY_RBV": rows,
        "SizeX": columns, "SizeX_RBV": columns, "SizeY": rows, "SizeY_RBV": rows,
        "BinX": 1, "BinX_RBV": 1, "BinY": 1, "BinY_RBV": 1,
        "AcquireTime": 0.01, "AcquireTime_RBV": 0.01,
        "AcquirePeriod": 0.02, "AcquirePeriod_RBV": 0.02,
        "NumImages": 1, "NumImages_RBV": 1, "NumExposures": 1, "NumExposures_RBV": 1,
        "Gain": 1.0, "Gain_RBV": 1.0, "WaitForPlugins": "Yes",
        "StatusMessage_RBV": "Idle", "NDimensions_RBV": 2, "NDimensions": 2,
    }.items():  # fmt: skip
        values[f"cam1:{base}"] = value
    for plugin, (kind_of_plugin, port) in PLUGINS.items():
        values |= {
            f"{plugin}PluginType_RBV": kind_of_plugin,
            f"{plugin}PortName_RBV": port,
            f"{plugin}NDArrayPort": CAMERA_PORT,
            f"{plugin}NDArrayPort_RBV": CAMERA_PORT,
            f"{plugin}QueueSize": 20,
            f"{plugin}QueueSize_RBV": 20,
            f"{plugin}BlockingCallbacks": "Yes",
            f"{plugin}BlockingCallbacks_RBV": "Yes",
            f"{plugin}NDimensions_RBV": 2,
        }
    for group in ("cam1:", *PLUGINS):
        values |= {
            f"{group}ADCoreVersion_RBV": "3.13.0",
            f"{group}DriverVersion_RBV": "1.0.0",
            f"{group}ArrayCallbacks": "Enable",
            f"{group}ArrayCallbacks_RBV": "Enable",
            f"{group}DataType": kind,
            f"{group}DataType_RBV": kind,
        }
        if primed or group == "cam1:":
            values |= {f"{group}{k}": v for k, v in _sizes(shape, dtype).items()}
    return (
        values
        | _file_values()
        | {
            "Pva1:EnableCallbacks": "Enable",
            "Pva1:EnableCallbacks_RBV": "Enable",
            "Pva1:PvName_RBV": f"{prefix}Pva1:Image",
        }
    )


def _sizes(shape: tuple[int, int], dtype: np.dtype[Any]) -> dict[str, int]:
    rows, columns = shape
    return {
        "ArraySizeX_RBV": columns,
        "ArraySizeY_RBV": rows,
        "ArraySize0_RBV": columns,
        "ArraySize1_RBV": rows,
        "ArraySize0": columns,
        "ArraySize1": rows,
        "ArraySize_RBV": rows * columns * dtype.itemsize,
    }


def _file_values() -> dict[str, Any]:
    values: dict[str, Any] = {}
    for base, value in {
        "FileTemplate": "%s%s_%6.6d.h5",
        "FileName": "frames",
        "FileWriteMode": "Stream",
        "NumFramesChunks": 1,
        "NumFramesFlush": 1,
        "NumCapture": 1,
        "AutoIncrement": "Yes",
        "AutoSave": "Yes",
        "SWMRMode": "On",
        "SWMRSupported": "Supported",
        "StoreAttr": "Yes",
        "LazyOpen": "Yes",
        "ChunkSizeAuto": "Yes",
        "FileNumber": 0,
    }.items():
        values[f"HDF1:{base}"] = values[f"HDF1:{base}_RBV"] = value
    return values
