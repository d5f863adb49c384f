"""What the areaDetector PVs hold at the start: a camera that has taken a frame."""

from typing import Any

import numpy as np

CAMERA_PORT = "TWIN"
PLUGINS = {
    "HDF1:": ("NDFileHDF5 ver1.11", "FILE1"),
    "Pva1:": ("NDPluginPva", "PVA1"),
    "image1:": ("NDPluginStdArrays", "IMAGE1"),
}

_DATA_TYPES = {"uint8": "UInt8", "uint16": "UInt16", "float32": "Float32"}


def initial_values(
    prefix: str, shape: tuple[int, int], dtype: np.dtype[Any], primed: bool
) -> dict[str, Any]:
    """Give values by PV suffix; unprimed plugins have sizes of 0, as a fresh IOC."""
    values = _camera_values(shape) | _plugin_values() | _file_values()
    for group in ("cam1:", *PLUGINS):
        values |= _common_values(group, _DATA_TYPES[dtype.name])
        if primed or group == "cam1:":
            values |= {f"{group}{k}": v for k, v in _sizes(shape, dtype).items()}
    values |= {
        "Pva1:EnableCallbacks": "Enable",
        "Pva1:EnableCallbacks_RBV": "Enable",
        "Pva1:PvName_RBV": f"{prefix}Pva1:Image",
    }
    return values


def _camera_values(shape: tuple[int, int]) -> dict[str, Any]:
    rows, columns = shape
    both = {
        "SizeX": columns, "SizeY": rows, "BinX": 1, "BinY": 1, "NumImages": 1,
        "NumExposures": 1, "AcquireTime": 0.01, "AcquirePeriod": 0.02, "Gain": 1.0,
        "NDimensions": 2,
    }  # fmt: skip
    values: dict[str, Any] = {
        "PortName_RBV": CAMERA_PORT, "Manufacturer_RBV": "DAISS",
        "Model_RBV": "simulated beamline", "SerialNumber_RBV": "1",
        "FirmwareVersion_RBV": "1", "SDKVersion_RBV": "1",
        "MaxSizeX_RBV": columns, "MaxSizeY_RBV": rows,
        "WaitForPlugins": "Yes", "StatusMessage_RBV": "Idle",
    }  # fmt: skip
    return {f"cam1:{name}": value for name, value in (values | _with_rbv(both)).items()}


def _plugin_values() -> dict[str, Any]:
    values: dict[str, Any] = {}
    for plugin, (kind, port) in PLUGINS.items():
        both = {"NDArrayPort": CAMERA_PORT, "QueueSize": 20, "BlockingCallbacks": "Yes"}
        here = {"PluginType_RBV": kind, "PortName_RBV": port, "NDimensions_RBV": 2}
        values |= {f"{plugin}{k}": v for k, v in (here | _with_rbv(both)).items()}
    return values


def _common_values(group: str, data_type: str) -> dict[str, Any]:
    both = _with_rbv({"ArrayCallbacks": "Enable", "DataType": data_type})
    versions = {"ADCoreVersion_RBV": "3.13.0", "DriverVersion_RBV": "1.0.0"}
    return {f"{group}{k}": v for k, v in (versions | both).items()}


def _with_rbv(values: dict[str, Any]) -> dict[str, Any]:
    return values | {f"{name}_RBV": value for name, value in values.items()}


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
    both = _with_rbv({
        "FileTemplate": "%s%s_%6.6d.h5", "FileName": "frames", "FileNumber": 0,
        "FileWriteMode": "Stream", "NumFramesChunks": 1, "NumFramesFlush": 1,
        "NumCapture": 1, "AutoIncrement": "Yes", "AutoSave": "Yes", "SWMRMode": "On",
        "SWMRSupported": "Supported", "StoreAttr": "Yes", "LazyOpen": "Yes",
        "ChunkSizeAuto": "Yes",
    })  # fmt: skip
    return {f"HDF1:{name}": value for name, value in both.items()}
