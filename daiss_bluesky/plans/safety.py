"""However a scan ends, nothing keeps turning, exposing or being exposed."""

import logging
from collections.abc import Callable, Generator
from typing import Any

from bluesky import plan_stubs as bps
from bluesky import preprocessors as bpp
from bluesky.utils import FailedStatus, Msg

from daiss_bluesky.core.errors import DaissError, UnavailableError
from daiss_bluesky.plans.station import Station

logger = logging.getLogger(__name__)

Plan = Generator[Msg, Any, Any]

SET_TIMEOUT_S = 15.0
MOVE_TIMEOUT_S = 120.0
ATTEMPTS = 4
"""One for each status that may be pending: move, trigger, kickoff; and one to do it."""


def left_safe(plan: Plan, station: Station) -> Plan:
    """Run a plan; then close the shutter and bring everything back, come what may.

    Every step is tried, each in bounded time, also when the one before failed, as when
    the IOC is gone. Raises UnavailableError naming what could not be made safe.
    """
    x_mm = float(station.x.position)
    velocity = yield from bps.rd(station.rotation.velocity)
    ended_by: list[Exception] = []

    def noted() -> Plan:
        try:
            return (yield from plan)
        except Exception as error:  # it goes on; only its sentence is wanted here
            ended_by.append(error)
            raise

    def bring_back() -> Plan:
        failures = yield from make_safe(station, x_mm, float(velocity))
        if failures:
            why = [str(error) for error in ended_by if isinstance(error, DaissError)]
            unsafe = f"the station could not be made safe: {', '.join(failures)}"
            raise UnavailableError("; ".join([*why, unsafe]))

    return (yield from bpp.finalize_wrapper(noted(), bring_back))


def in_one_sentence(plan: Plan) -> Plan:
    """Run a plan; a device's own sentence takes the place of bluesky's FailedStatus."""
    try:
        return (yield from plan)
    except FailedStatus as error:
        if isinstance(error.__cause__, DaissError):
            raise error.__cause__ from None
        raise


def make_safe(
    station: Station, x_mm: float, velocity: float
) -> Generator[Msg, Any, list[str]]:
    """Stop camera and rotation, close the shutter, put x and the speed back.

    Returns what failed, with the reason.
    """
    failures: list[str] = []
    for what, step in _steps(station, x_mm, velocity).items():
        try:
            yield from _tried(step)
        except Exception as error:
            logger.info("%s could not be made safe", what, exc_info=True)
            failures.append(f"{what} ({_reason(error)})")
    return failures


def _tried(step: Callable[[], Plan]) -> Plan:
    """Do a step again when something else failed meanwhile.

    A motion that is stopped fails, and bluesky throws that into whatever plan runs.
    """
    for _ in range(ATTEMPTS - 1):
        try:
            return (yield from step())
        except FailedStatus:
            continue
    return (yield from step())


def _steps(
    station: Station, x_mm: float, velocity: float
) -> dict[str, Callable[[], Plan]]:
    camera, rotation, shutter = station.camera, station.rotation, station.shutter
    return {
        "flyer": lambda: bps.stop(station.flyer),
        "camera": lambda: bps.stop(camera),
        "rotation": lambda: bps.stop(rotation),
        "shutter": lambda: settle(shutter, "closed", SET_TIMEOUT_S),
        "sample x": lambda: _bring_back(station.x, x_mm),
        "speed": lambda: settle(rotation.velocity, velocity, SET_TIMEOUT_S),
        "frame type": lambda: settle(camera.frame_type, "Normal", SET_TIMEOUT_S),
    }


def _bring_back(motor: Any, position: float) -> Plan:
    if float(motor.position) != position:
        yield from settle(motor, position, MOVE_TIMEOUT_S)


def settle(device: Any, value: Any, timeout_s: float) -> Plan:
    """Set one device and wait a bounded time for it."""
    group = f"safe {device.name}"
    yield from bps.abs_set(device, value, group=group)
    yield from bps.wait(group=group, timeout=timeout_s)


def _reason(error: Exception) -> str:
    return str(error.__cause__ or error) or type(error).__name__
