"""Which PVs do not answer: a table instead of a traceback."""

import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from ophyd import Device

POLL_S = 0.02

CAMERA_SIGNALS = (
    "cam.acquire", "cam.image_mode", "cam.num_images", "cam.array_callbacks",
    "cam.array_size.array_size_x", "cam.array_size.array_size_y", "cam.data_type",
    "cam.data_type_disabled", "cam.port_name",
    "hdf.enable", "hdf.blocking_callbacks", "hdf.capture", "hdf.file_path",
    "hdf.file_name", "hdf.file_template", "hdf.file_path_exists", "hdf.num_capture",
    "hdf.swmr_mode", "hdf.auto_increment", "hdf.auto_save", "hdf.file_write_mode",
    "hdf.lazy_open", "hdf.store_attr", "hdf.create_directory", "hdf.array_size.width",
    "hdf.array_size.height", "hdf.array_size.depth", "hdf.plugin_type",
    "hdf.port_name", "hdf.nd_array_port",
    "pva.enable", "pva.blocking_callbacks", "pva.plugin_type", "pva.port_name",
    "pva.nd_array_port",
)  # fmt: skip
"""What a scan needs of the hundreds of PVs an areaDetector has.

ophyd connects to them when they are first used, in the midst of the start of a scan,
and waits a second for each at most.
"""


@dataclass(frozen=True, slots=True)
class Missing:
    """One PV that does not answer."""

    device: str
    pv: str
    reason: str


def find_missing(devices: Mapping[str, Device], timeout_s: float) -> list[Missing]:
    """Wait for all devices together; list what did not connect in time."""
    waited = [(name, signal) for name, d in devices.items() for signal in _needed(d)]
    deadline = time.monotonic() + timeout_s
    while not all(signal.connected for _, signal in waited):
        if time.monotonic() > deadline:
            break
        time.sleep(POLL_S)
    answering = {name for name, signal in waited if signal.connected}
    return [
        Missing(
            name,
            pv,
            "no such PV, though the device answers"
            if name in answering
            else "no IOC answers",
        )
        for name, signal in waited
        if not signal.connected
        for pv in _pvs(signal)
    ]


def _needed(device: Device) -> Iterator[Any]:
    for item in device.walk_signals(include_lazy=False):
        if hasattr(item.item, "pvname"):
            yield item.item
    if hasattr(device, "hdf"):
        for path in CAMERA_SIGNALS:
            yield _lazily(device, path)


def _lazily(device: Device, path: str) -> Any:
    """Make a lazy signal without waiting for it."""
    first, _, rest = path.partition(".")
    before, device.lazy_wait_for_connection = device.lazy_wait_for_connection, False
    try:
        found = getattr(device, first)
    finally:
        device.lazy_wait_for_connection = before
    return _lazily(found, rest) if rest else found


def _pvs(signal: Any) -> list[str]:
    pairs = {signal.pvname: signal._read_pv}  # noqa: SLF001 - ophyd has no other way
    if hasattr(signal, "setpoint_pvname"):
        pairs[signal.setpoint_pvname] = signal._write_pv  # noqa: SLF001
    names = [name for name, pv in pairs.items() if not pv.connected]
    return names or list(pairs)
