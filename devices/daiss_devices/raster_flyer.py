"""The piezo stage flies row by row, the camera runs beside it."""

import contextlib
import time
from typing import Any

from ophyd import DeviceStatus

from daiss_bluesky.core.errors import DaissError, UnavailableError
from daiss_devices.camera import TomographyCamera
from daiss_devices.put import put_status
from daiss_devices.raster_flight import Leg, RasterFlight
from daiss_devices.stage import MARGIN_S, StageMotor
from daiss_devices.stream_flyer import FAILURES, Measured, StreamFlyer

POLL_S = 0.01


class RasterFlyer(StreamFlyer):
    """Rows at constant speed, each with a series of frames; every other one backwards.

    The positions that count are those that the camera's file has for each frame.
    """

    def __init__(
        self,
        piezo_y: StageMotor,
        piezo_x: StageMotor,
        camera: TomographyCamera,
        *,
        attributes: tuple[str, str],
        name: str,
    ) -> None:
        measured = [
            Measured(motor, attribute, "um")
            for motor, attribute in zip((piezo_y, piezo_x), attributes, strict=True)
        ]
        super().__init__(camera, measured, name=name)
        self.piezo_y = piezo_y
        self.piezo_x = piezo_x
        self._slew_um_s = 0.0
        self._flown: DeviceStatus | None = None

    def prepare(self, flight: RasterFlight) -> DeviceStatus:
        """Set the camera; the stage may be anywhere."""
        self._begin(flight, flight.images)
        self._slew_um_s = float(self.piezo_x.velocity.get())
        status = DeviceStatus(self)
        status.set_finished()
        return status

    def kickoff(self) -> DeviceStatus:
        """Start to fly; done at once."""
        self._expect_frames()
        self._flown = DeviceStatus(self)
        self._run(self._flown, self._fly, "flight")
        status = DeviceStatus(self)
        status.set_finished()
        return status

    def complete(self) -> DeviceStatus:
        """Finish when every frame is in the file and the stage is at rest."""
        if self._flown is None:
            raise UnavailableError(f"{self.name} was not started")
        return self._flown

    def _fly(self) -> None:
        flight: RasterFlight = self.flight
        for number, leg in enumerate(flight.legs, start=1):
            try:
                self._fly_row(flight, leg, number * flight.images)
            except (DaissError, *FAILURES):
                # Moves that are stopped fail.
                if not self._abandoned.is_set():
                    raise
            if self._abandoned.is_set():
                return  # asked for; whoever goes on finds frames missing

    def _fly_row(self, flight: RasterFlight, leg: Leg, frames: int) -> None:
        self._set_speed(self._slew_um_s)
        ways = [(self.piezo_y, leg.row_um), (self.piezo_x, leg.run_up_um)]
        for moving in [motor.set(place) for motor, place in ways]:
            moving.wait()
        self._set_speed(flight.speed_um_s)
        if self._abandoned.is_set():
            return
        moving = self.piezo_x.set(leg.run_out_um, timeout=2 * flight.row_s + MARGIN_S)
        if self._abandoned.wait(flight.start_s):
            return
        exposing = put_status(
            self,
            self.camera.acquire,
            1,
            flight.images * flight.period_s * 2 + self.camera.timeout_s,
            f"{self.camera.name} did not take {flight.images} frames",
        )
        self._await_frames(exposing, frames)
        moving.wait()

    def _set_speed(self, speed_um_s: float) -> None:
        put_status(
            self,
            self.piezo_x.velocity,
            speed_um_s,
            self.camera.timeout_s,
            f"{self.piezo_x.name} did not take its speed",
        ).wait()

    def _await_frames(self, exposing: Any, frames: int) -> None:
        """Wait until so many frames of the flight are in the file."""
        patience_s = self.camera.timeout_s + 5 * self.flight.period_s
        newest, since = -1, time.monotonic()
        while not self._abandoned.wait(POLL_S):
            written = self.get_index()
            if written != newest:
                newest, since = written, time.monotonic()
            if written >= frames:
                with contextlib.suppress(TimeoutError):
                    exposing.wait(self.camera.timeout_s)
                return
            self._check_written(
                written, exposing, time.monotonic() - since > patience_s
            )
