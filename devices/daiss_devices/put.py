"""Puts that wait for what they started, and no longer than they should."""

import threading
from typing import Any

from ophyd import Device, DeviceStatus, EpicsSignal
from ophyd.utils import WaitTimeoutError

from daiss_bluesky.core.errors import UnavailableError


def put_status(
    device: Device, signal: EpicsSignal, value: Any, timeout_s: float, sentence: str
) -> DeviceStatus:
    """Put a value; the status ends with the IOC's put completion.

    It fails with UnavailableError, saying `sentence`, when none comes in time.
    """
    status = DeviceStatus(device)
    once = threading.Lock()

    def finish(error: Exception | None = None) -> None:
        if once.acquire(blocking=False):
            late.cancel()
            if error is None:
                status.set_finished()
            else:
                status.set_exception(error)

    def too_late() -> None:
        finish(UnavailableError(f"{sentence} within {timeout_s:g} s"))

    late = threading.Timer(timeout_s, too_late)
    late.daemon = True
    late.start()
    try:
        signal.put(value, use_complete=True, callback=lambda **_: finish())
    except TimeoutError:
        finish(UnavailableError(f"{signal.setpoint_pvname} does not answer"))
    return status


def settle(signal: EpicsSignal, value: Any, timeout_s: float) -> None:
    """Set a value and wait until the readback has it.

    Raises UnavailableError naming the PV when it does not come to that.
    """
    status = signal.set(value, timeout=timeout_s)
    try:
        status.wait(timeout_s + 1.0)
    except (TimeoutError, WaitTimeoutError):
        pv = getattr(signal, "setpoint_pvname", signal.name)
        raise UnavailableError(
            f"{pv} did not take {value!r} within {timeout_s:g} s"
        ) from None
