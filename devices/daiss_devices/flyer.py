"""The rotation turns, the camera runs beside it, documents say which frames exist."""

import contextlib
import threading
import time
from typing import Any

from ophyd import DeviceStatus

from daiss_bluesky.core.errors import UnavailableError
from daiss_devices.camera import TomographyCamera
from daiss_devices.fly_timing import LEAD_S, FlyTiming
from daiss_devices.put import put_status
from daiss_devices.stage import MARGIN_S, StageMotor
from daiss_devices.stream_flyer import FAILURES, POLL_S, Measured, StreamFlyer

SOON_S = 0.2
"""A start further ahead than this waits for a fresher position."""
CLOCK_S = 0.5
"""An IOC's time stamp older than this is from a clock that is not ours."""
STARTS = 3
"""Starts of the camera that may come too late, until a flight fails."""


class TomographyFlyer(StreamFlyer):
    """Continuous rotation."""

    def __init__(
        self, rotation: StageMotor, camera: TomographyCamera, *, name: str
    ) -> None:
        angle = Measured(rotation, camera.file.angle_attribute, "deg")
        super().__init__(camera, [angle], name=name)
        self.rotation = rotation
        self._exposing: DeviceStatus | None = None
        self._turning: Any = None

    @property
    def timing(self) -> FlyTiming:
        """What was prepared."""
        timing: FlyTiming = self.flight
        return timing

    def prepare(self, timing: FlyTiming) -> DeviceStatus:
        """Set camera and speed; the rotation must be at rest at `run_up_deg`."""
        self._exposing = self._turning = None
        self._begin(timing, timing.n_frames)
        return put_status(
            self,
            self.rotation.velocity,
            timing.speed_deg_s,
            self.camera.timeout_s,
            f"{self.rotation.name} did not take its speed",
        )

    def kickoff(self) -> DeviceStatus:
        """Start to turn; done when the camera has been started."""
        status = DeviceStatus(self)
        self._run(status, self._start_camera, "start")
        return status

    def complete(self) -> DeviceStatus:
        """Finish when every frame is in the file; the rotation is stopped then."""
        status = DeviceStatus(self)
        self._run(status, self._watch, "watch")
        return status

    def _start_camera(self) -> None:
        """Turn and start the camera; from the start again if that came too late.

        Nothing is lost by it, since there are no frames yet.
        """
        timing, late_s = self.timing, 0.0
        for _ in range(STARTS):
            late_s = self._turn()
            if self._abandoned.is_set():
                return
            if late_s <= LEAD_S:
                self._exposing = put_status(
                    self,
                    self.camera.acquire,
                    1,
                    timing.duration_s * 2 + self.camera.timeout_s,
                    f"{self.camera.name} did not take {timing.n_frames} frames",
                )
                return
            self._turn_back()
        raise UnavailableError(
            f"{self.camera.name} was to start at {timing.first_exposure_deg:g} degrees"
            f" and {STARTS} times could not, the last time {late_s:.2g} s too late"
        )

    def _turn(self) -> float:
        """Start to turn and wait for the first exposure; gives how late that is.

        Positions that waited in a queue may be seconds old, by a clock that need not
        be ours: so how late it is follows from where the rotation says it is when
        asked, and from our own clock.
        """
        timing, readback = self.timing, self.rotation.user_readback
        self._turning = self.rotation.set(
            timing.run_out_deg, timeout=timing.duration_s * 2 + 2 * MARGIN_S
        )
        start = self._await_start()
        if start is None:
            return 0.0
        here_deg = readback.get(use_monitor=False)
        in_time = time.monotonic() + timing.start_in_s(here_deg)
        self._abandoned.wait(max(0.0, start - time.monotonic()))
        return time.monotonic() - in_time

    def _await_start(self) -> float | None:
        """Give when to start, on the monotonic clock; None when it is given up."""
        timing, passed = self.timing, threading.Event()
        starts: list[float] = []

        def moved(*, value: float, timestamp: float, **_: Any) -> None:
            age_s = time.time() - timestamp
            if value < timing.constant_from_deg or starts:
                return
            ahead_s = timing.start_in_s(value) - (age_s if age_s < CLOCK_S else 0.0)
            if ahead_s <= SOON_S:
                starts.append(time.monotonic() + ahead_s)
                passed.set()

        limit_s = timing.acceleration_s + MARGIN_S
        deadline = time.monotonic() + limit_s
        self.rotation.user_readback.subscribe(moved)
        try:
            while not passed.wait(POLL_S) and not self._abandoned.is_set():
                if time.monotonic() < deadline:
                    continue
                raise UnavailableError(
                    f"{self.rotation.name} did not come to"
                    f" {timing.first_exposure_deg:g} degrees within {limit_s:.3g} s:"
                    f" it is at {self.rotation.position:g} degrees"
                )
        finally:
            self.rotation.user_readback.clear_sub(moved)
        return starts[0] if starts else None

    def _turn_back(self) -> None:
        """Bring the rotation to rest where it started from."""
        try:
            self.rotation.stop()
            with contextlib.suppress(*FAILURES):  # a motion that is stopped fails
                self._turning.wait(self.camera.timeout_s)
            self.rotation.set(self.timing.run_up_deg).wait()
        except FAILURES:
            if not self._abandoned.is_set():
                raise

    def _watch(self) -> None:
        """Follow frames and rotation to their end; raises the first thing wrong."""
        timing, camera = self.timing, self.camera
        self._expect_frames()
        patience_s = camera.timeout_s + 5 * timing.period_s
        newest, since = -1, time.monotonic()
        while not self._abandoned.wait(POLL_S):
            written = self.get_index()
            if written != newest:
                newest, since = written, time.monotonic()
            if written >= timing.n_frames:
                break
            self._check(written, time.monotonic() - since > patience_s)
        if self._abandoned.is_set():
            return  # asked for; whoever goes on finds frames missing
        turned_deg = self.rotation.position
        self.rotation.stop()
        if turned_deg < timing.start_deg + timing.range_deg - timing.step_deg:
            raise UnavailableError(
                f"{self.camera.name} took its {timing.n_frames} frames while"
                f" {self.rotation.name} came only to {turned_deg:g} degrees of"
                f" {timing.start_deg + timing.range_deg:g}: it turned too slowly"
            )

    def _check(self, written: int, stalled: bool) -> None:
        exposing = self._exposing
        stopped = self._turning.done and (exposing is None or not exposing.done)
        if stopped and self.camera.hdf.why_failed() is None:
            raise UnavailableError(
                f"{self.rotation.name} stopped at {self.rotation.position:g} degrees"
                f" before {self.camera.name} was done: {written} of"
                f" {self.timing.n_frames} frames were written"
            )
        self._check_written(written, exposing, stalled)
