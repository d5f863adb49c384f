"""However a scan ends, nothing keeps turning, exposing or being exposed."""

import logging
from collections.abc import Callable, Generator, Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

from bluesky import plan_stubs as bps
from bluesky import preprocessors as bpp
from bluesky.utils import FailedPause, FailedStatus, Msg, RequestAbort

from daiss_bluesky.core.errors import DaissError, UnavailableError
from daiss_bluesky.plans.station import ImagingStation

logger = logging.getLogger(__name__)

Plan = Generator[Msg, Any, Any]

SET_TIMEOUT_S = 15.0
MOVE_TIMEOUT_S = 120.0
ATTEMPTS = 4
"""One for each status that may be pending: move, trigger, kickoff; and one to do it."""


@dataclass(frozen=True, slots=True)
class Moving:
    """What of a station moves, by the name that a sentence has for it."""

    stopped: Mapping[str, Any]
    returned: Mapping[str, Any]
    """Motors that go back to where they were before the scan."""
    speeds: Mapping[str, Any]
    """Motors whose velocity is put back."""


def left_safe(plan: Plan, station: ImagingStation, moving: Moving) -> Plan:
    """Run a plan; then close the shutter and bring everything back, come what may.

    Every step is tried, each in bounded time, also when the one before failed, as when
    the IOC is gone. Raises UnavailableError naming what could not be made safe.
    """
    before: dict[str, tuple[Any, float]] = {
        what: (motor, float(motor.position)) for what, motor in moving.returned.items()
    }
    for what, motor in moving.speeds.items():
        velocity = yield from bps.rd(motor.velocity)
        before[what] = motor.velocity, float(velocity)
    ended_by: list[Exception] = []

    def noted() -> Plan:
        try:
            return (yield from plan)
        except Exception as error:  # it goes on; only its sentence is wanted here
            ended_by.append(error)
            raise

    def bring_back() -> Plan:
        failures = yield from make_safe(station, moving, before)
        if failures:
            why = [one for error in ended_by for one in _sentences(error)]
            unsafe = f"the station could not be made safe: {', '.join(failures)}"
            raise UnavailableError("; ".join([*why, unsafe]))

    return (yield from bpp.finalize_wrapper(noted(), bring_back))


def _sentences(error: BaseException) -> list[str]:
    """Give what was the matter, and before it what that came on top of."""
    chain = [error]
    while (earlier := _earlier(chain[-1])) is not None and earlier not in chain:
        chain.append(earlier)
    return [str(one) for one in reversed(chain) if isinstance(one, DaissError)]


def _earlier(error: BaseException) -> BaseException | None:
    hidden = error.__suppress_context__
    return error.__cause__ or (None if hidden else error.__context__)


def one_run(
    plan: Plan, station: ImagingStation, document: Mapping[str, Any], moving: Moving
) -> Plan:
    """Make one run of a plan, with its devices staged, that leaves everything safe."""
    inside = bpp.stage_wrapper(
        bpp.run_wrapper(in_one_sentence(plan), md=dict(document)),
        [station.camera, *station.measured],
    )
    # Inside for the reason that the run's end gives, and here for what staging does.
    return left_safe(in_one_sentence(inside), station, moving)


def in_one_sentence(plan: Plan) -> Plan:
    """Run a plan; a device's own sentence takes the place of a FailedStatus.

    What did not come in time, a move or an answer of an IOC, is an UnavailableError. A
    pause for which there is no place, as in a flight, aborts the run: it did not fail.
    """
    try:
        return (yield from plan)
    except FailedPause:
        raise RequestAbort from None
    except FailedStatus as error:
        if isinstance(error.__cause__, DaissError):
            raise error.__cause__ from None
        if isinstance(error.__cause__, TimeoutError):
            raise UnavailableError(_too_late(error.args[0])) from error
        raise
    except TimeoutError as error:
        raise UnavailableError(str(error)) from error


def _too_late(status: Any) -> str:
    """Say what of a device did not come to its end; `status` is ophyd's."""
    device = status.device
    if not hasattr(status, "target"):
        return f"{device.name} did not answer in time"
    try:
        where = f"it is at {device.position:g}"
    except Exception as error:  # noqa: BLE001 - each kind of device has its own
        where = str(error)
    return (
        f"{device.name} did not come to {status.target:g} within"
        f" {status.timeout:.3g} s: {where}"
    )


def make_safe(
    station: ImagingStation, moving: Moving, before: Mapping[str, tuple[Any, float]]
) -> Generator[Msg, Any, list[str]]:
    """Stop camera and motors, close the shutter, put back what was `before`.

    Returns what failed, with the reason.
    """
    failures: list[str] = []
    for what, step in _steps(station, moving, before):
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
    station: ImagingStation, moving: Moving, before: Mapping[str, tuple[Any, float]]
) -> Iterator[tuple[str, Callable[[], Plan]]]:
    camera, shutter = station.camera, station.shutter
    stopped = {"flyer": station.flyer, "camera": camera, **moving.stopped}
    for what, device in stopped.items():
        yield what, partial(bps.stop, device)
    yield "shutter", partial(settle, shutter, "closed", SET_TIMEOUT_S)
    for what, there in before.items():
        yield what, partial(_bring_back, *there)
    yield "frame type", partial(settle, camera.frame_type, "Normal", SET_TIMEOUT_S)


def _bring_back(device: Any, value: float) -> Plan:
    if not hasattr(device, "position"):
        yield from settle(device, value, SET_TIMEOUT_S)
    elif float(device.position) != value:
        yield from settle(device, value, MOVE_TIMEOUT_S)


def settle(device: Any, value: Any, timeout_s: float) -> Plan:
    """Set one device and wait a bounded time for it."""
    group = f"safe {device.name}"
    yield from bps.abs_set(device, value, group=group)
    yield from bps.wait(group=group, timeout=timeout_s)


def _reason(error: Exception) -> str:
    return str(error.__cause__ or error) or type(error).__name__
