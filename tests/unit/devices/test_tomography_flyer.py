"""The start of the camera beside a rotation that is nowhere."""

import threading
from types import SimpleNamespace
from typing import Any

import pytest
from ophyd import DeviceStatus, Signal

from daiss_bluesky.core.errors import UnavailableError
from daiss_devices.fly_timing import FlyTiming
from daiss_devices.flyer import STARTS, TomographyFlyer
from tests.unit.devices.fake_camera import FakeSignal, fake_camera

TIMING = FlyTiming(
    start_deg=0.0,
    range_deg=180.0,
    n_angles=12,
    exposure_s=0.05,
    period_s=0.05,
    acceleration_s=0.1,
)
LEAD_S = 60.0
"""No busy machine takes longer from one line to the next."""
FAR_DEG = 2 * LEAD_S * TIMING.speed_deg_s


@pytest.fixture(autouse=True)
def _patient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("daiss_devices.flyer.LEAD_S", LEAD_S)


class FakeReadback(Signal):
    """Says where it is when asked, which may be further than it told last."""

    def get(self, *, use_monitor: bool = True, **_: Any) -> Any:
        return super().get() if use_monitor else self.asked()

    def asked(self) -> float:
        raise NotImplementedError


class FakeRotation:
    """Comes to the first exposure at once, and `late` times is past it when asked."""

    name = "rotation"

    def __init__(self, log: list[Any], late: int) -> None:
        self.log, self.late = log, late
        self.velocity = FakeSignal(name="velocity", value=30.0)
        self.user_readback = FakeReadback(name="readback", value=TIMING.run_up_deg)
        self.user_readback.asked = self._asked  # type: ignore[method-assign]
        self._turning: Any = None

    @property
    def position(self) -> float:
        return float(self.user_readback.get())

    def _asked(self) -> float:
        self.late -= 1
        return TIMING.first_exposure_deg + FAR_DEG * (self.late >= 0)

    def set(self, value: float, **_: Any) -> Any:
        self.log.append(("rotation", value))
        device: Any = SimpleNamespace(name=self.name)
        status = DeviceStatus(device)
        if value == TIMING.run_out_deg:
            self._turning = status
            passed = TIMING.first_exposure_deg
            threading.Timer(0.05, self.user_readback.put, [passed]).start()
        else:
            self.user_readback.put(value)
            status.set_finished()
        return status

    def stop(self, *, success: bool = False) -> None:
        self.log.append(("rotation", "stop"))
        if self._turning is not None and not self._turning.done:
            self._turning.set_exception(TimeoutError("stopped"))


def started(late: int) -> tuple[TomographyFlyer, list[Any]]:
    log: list[Any] = []
    rotation: Any = FakeRotation(log, late)
    camera = fake_camera(log)
    camera.file = SimpleNamespace(angle_attribute="angle")
    flyer = TomographyFlyer(rotation, camera, name="flyer")
    flyer.prepare(TIMING).wait(5)
    return flyer, log


ONE_TURN = ("rotation", TIMING.run_out_deg)
BACK = [("rotation", "stop"), ("rotation", TIMING.run_up_deg)]


@pytest.mark.parametrize("late", range(STARTS))
def test_a_camera_that_was_late_starts_from_the_start_again(late: int) -> None:
    flyer, log = started(late)
    flyer.kickoff().wait(10)
    assert log == [ONE_TURN, *[*BACK, ONE_TURN] * late, ("camera", TIMING.n_frames)]


def test_a_camera_that_is_always_late_says_so_and_takes_nothing() -> None:
    flyer, log = started(STARTS)
    with pytest.raises(UnavailableError, match=rf"{STARTS} times could not, the last"):
        flyer.kickoff().wait(10)
    assert ("camera", TIMING.n_frames) not in log
    assert log[: 3 * STARTS] == [ONE_TURN, *BACK] * STARTS


def test_a_flight_that_is_given_up_takes_nothing() -> None:
    flyer, log = started(0)
    rotation: Any = flyer.rotation

    def asked() -> float:
        flyer.stop()
        return TIMING.run_up_deg

    rotation.user_readback.asked = asked
    flyer.kickoff().wait(10)
    assert ("camera", TIMING.n_frames) not in log
    assert {("rotation", "stop"), ("camera", "stop")} <= set(log)
