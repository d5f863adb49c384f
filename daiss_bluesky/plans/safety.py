"""However a scan ends, nothing keeps turning, exposing or being exposed."""

from collections.abc import Callable, Generator, Iterator
from typing import Any

from bluesky import plan_stubs as bps
from bluesky import preprocessors as bpp
from bluesky.utils import FailedStatus, Msg

from daiss_bluesky.core.errors import DaissError, UnavailableError
from daiss_bluesky.plans.station import Station

Plan = Generator[Msg, Any, Any]

SET_TIMEOUT_S = 15.0
MOVE_TIMEOUT_S = 120.0


def left_safe(plan: Plan, station: Station) -> Plan:
    """Run a plan; then close the shutter and bring everything back, come what may.

    Every step is tried, each in bounded time, also when the one before failed, as when
    the IOC is gone. Raises UnavailableError naming what could not be made safe.
    """
    x_mm = float(station.x.position)
    velocity = yield from bps.rd(station.rotation.velocity)
    return (
        yield from bpp.finalize_wrapper(
            plan, lambda: make_safe(station, x_mm, float(velocity))
        )
    )


def in_one_sentence(plan: Plan) -> Plan:
    """Run a plan; a device's own sentence takes the place of bluesky's FailedStatus."""
    try:
        return (yield from plan)
    except FailedStatus as error:
        if isinstance(error.__cause__, DaissError):
            raise error.__cause__ from None
        raise


def make_safe(station: Station, x_mm: float, velocity: float) -> Plan:
    """Stop camera and rotation, close the shutter, put x and the speed back."""
    failures: list[str] = []
    for what, step in _steps(station, x_mm, velocity):
        try:
            yield from step()
        except Exception as error:  # noqa: BLE001 - the other steps must still be tried
            failures.append(f"{what} ({_reason(error)})")
    if failures:
        raise UnavailableError(f"could not be made safe: {'; '.join(failures)}")


def _steps(
    station: Station, x_mm: float, velocity: float
) -> Iterator[tuple[str, Callable[[], Plan]]]:
    camera, rotation = station.camera, station.rotation
    yield "camera", lambda: bps.stop(camera)
    yield "rotation", lambda: bps.stop(rotation)
    yield "shutter", lambda: settle(station.shutter, "closed", SET_TIMEOUT_S)
    if abs(float(station.x.position) - x_mm) > 0:
        yield "sample x", lambda: settle(station.x, x_mm, MOVE_TIMEOUT_S)
    yield (
        "speed of the rotation",
        lambda: settle(rotation.velocity, velocity, SET_TIMEOUT_S),
    )
    yield "frame type", lambda: settle(camera.frame_type, "Normal", SET_TIMEOUT_S)


def settle(device: Any, value: Any, timeout_s: float) -> Plan:
    """Set one device and wait a bounded time for it."""
    group = f"safe {device.name}"
    yield from bps.abs_set(device, value, group=group)
    yield from bps.wait(group=group, timeout=timeout_s)


def _reason(error: Exception) -> str:
    return str(error.__cause__ or error) or type(error).__name__
