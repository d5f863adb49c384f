"""A flyer whose camera runs while something moves: frames as documents."""

import threading
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from event_model import StreamRange, compose_stream_resource
from ophyd import Device, DeviceStatus
from ophyd.utils import OpException

from daiss_bluesky.core.errors import DaissError, UnavailableError
from daiss_devices.camera import TomographyCamera
from daiss_devices.frame_file import ATTRIBUTES, DATASET
from daiss_devices.stage import StageMotor

POLL_S = 0.02
FAILURES = (OpException, TimeoutError, ValueError)
"""What ophyd raises where a device does not do what it was told."""


class Flight(Protocol):
    """What is common to all flights."""

    @property
    def n_frames(self) -> int: ...  # noqa: D102
    @property
    def exposure_s(self) -> float: ...  # noqa: D102
    @property
    def period_s(self) -> float: ...  # noqa: D102


@dataclass(frozen=True, slots=True)
class Measured:
    """A motor, and the NDAttribute that has its readback for each frame."""

    motor: StageMotor
    attribute: str
    units: str


class StreamFlyer(Device):
    """Emits stream_resource and stream_datum for frames and what was measured.

    Frames go into the file that the staged camera has open, after those already in it:
    the indices of stream_datum count the frames of that file, and the `slice` parameter
    of its stream_resource holds the part that belongs to this stream.
    """

    def __init__(
        self, camera: TomographyCamera, measured: Sequence[Measured], *, name: str
    ) -> None:
        super().__init__("", name=name)
        self.camera = camera
        self.measured = tuple(measured)
        self._flight: Flight | None = None
        self._first = 0
        self._collected = 0
        self._announced: list[Any] = []
        self._abandoned = threading.Event()

    @property
    def flight(self) -> Any:
        """What was prepared."""
        if self._flight is None:
            raise UnavailableError(f"{self.name} was not prepared")
        return self._flight

    def _begin(self, flight: Flight, images: int) -> None:
        """Count from here, and set the camera to so many images at a time."""
        self._flight = flight
        self._collected = 0
        self._announced = []
        self._abandoned.clear()
        self._first = self.camera.triggered
        camera, wait_s = self.camera, self.camera.timeout_s
        camera.num_images.set(images).wait(wait_s)
        camera.exposure_s.set(flight.exposure_s).wait(wait_s)
        camera.period_s.set(flight.period_s).wait(wait_s)

    def _expect_frames(self) -> None:
        """Let whoever triggers the camera next count on from this flight."""
        camera = self.camera
        camera.triggered = self._first + self.flight.n_frames
        camera.hdf.count_from(camera.triggered)

    def _run(self, status: DeviceStatus, action: Callable[[], None], what: str) -> None:
        def run() -> None:
            # A fault of ours ends in this one: nobody may wait for it forever.
            failure: Exception | None = UnavailableError(f"{self.name} broke off")
            try:
                action()
                failure = None
            except DaissError as error:
                failure = error
            except FAILURES as error:
                failure = UnavailableError(f"{self.name}: {error}")
            finally:
                if failure is None:
                    status.set_finished()
                else:
                    status.set_exception(failure)

        name = f"{self.name} {what}"
        threading.Thread(target=run, daemon=True, name=name).start()

    def _check_written(self, written: int, exposing: Any, stalled: bool) -> None:
        """Raise what keeps the frames that are missing from coming."""
        camera, of = self.camera, f"of {self.flight.n_frames} frames were written"
        if why := camera.hdf.why_failed():
            # More may have been written since they were counted.
            counted = camera.hdf.frames_now() - self._first
            raise UnavailableError(
                f"{counted} {of}, then {camera.hdf.name} failed: {why}"
            )
        missing = f"{written} {of}"
        if exposing is not None and exposing.done and exposing.exception():
            raise UnavailableError(f"{exposing.exception()}: {missing}")
        if stalled:
            raise UnavailableError(f"{camera.name} stopped sending: {missing}")

    def get_index(self) -> int:
        """Count the frames of this flight that are in the file."""
        written = int(self.camera.hdf.frames_written.get()) - self._first
        wanted: int = self.flight.n_frames
        return max(0, min(written, wanted))

    def describe_collect(self) -> dict[str, Any]:
        """Give the data keys: frames, and what was measured with each."""
        image = self.camera.make_data_key()
        rows, columns = image["shape"][-2:]
        image |= {"shape": [1, rows, columns], "external": "STREAM:"}
        return {self.camera.image_key: image} | {
            one.motor.name: {
                "source": f"{self.camera.name} NDAttribute {one.attribute}",
                "dtype": "number",
                "dtype_numpy": "<f8",
                "shape": [1],
                "external": "STREAM:",
                "units": one.units,
            }
            for one in self.measured
        }

    def collect_asset_docs(
        self, index: int | None = None
    ) -> Iterator[tuple[str, dict[str, Any]]]:
        """Announce the file once, then the frames that came since the last time."""
        now = self.get_index() if index is None else min(index, self.get_index())
        if now <= self._collected:
            return
        if not self._announced:
            self._announced = self._compose()
            for bundle in self._announced:
                yield "stream_resource", bundle.stream_resource_doc
        indices = StreamRange(
            start=self._first + self._collected, stop=self._first + now
        )
        self._collected = now
        for bundle in self._announced:
            yield "stream_datum", bundle.compose_stream_datum(indices)

    def _compose(self) -> list[Any]:
        _, rows, columns = self.camera.make_data_key()["shape"]
        part = f"{self._first}:{self._first + self.flight.n_frames}"
        datasets: dict[str, dict[str, Any]] = {
            self.camera.image_key: {
                "dataset": DATASET,
                "chunk_shape": [1, rows, columns],
            }
        }
        for one in self.measured:
            datasets[one.motor.name] = {
                "dataset": f"{ATTRIBUTES}/{one.attribute}",
                "chunk_shape": [16384],
            }
        return [
            compose_stream_resource(
                mimetype="application/x-hdf5",
                uri=f"file://localhost{self.camera.hdf.path}",
                data_key=key,
                parameters=parameters | {"slice": part, "swmr": True},
            )
            for key, parameters in datasets.items()
        ]

    def read_configuration(self) -> dict[str, Any]:
        """Give the settings of the camera and of what moves."""
        found = dict(self.camera.read_configuration())
        for one in self.measured:
            found |= one.motor.read_configuration()
        return found

    def describe_configuration(self) -> dict[str, Any]:
        """Describe the settings of the camera and of what moves."""
        found = dict(self.camera.describe_configuration())
        for one in self.measured:
            found |= one.motor.describe_configuration()
        return found

    def stop(self, *, success: bool = False) -> None:
        """Stop camera and motors, and give up waiting for them."""
        self._abandoned.set()
        self.camera.stop(success=success)
        for one in self.measured:
            one.motor.stop(success=success)
