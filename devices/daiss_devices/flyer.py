"""The rotation turns, the camera runs beside it, documents say which frames exist."""

import threading
import time
from collections.abc import Iterator
from typing import Any

from event_model import StreamRange, compose_stream_resource
from ophyd import Device, DeviceStatus
from ophyd.utils import OpException

from daiss_bluesky.core.errors import DaissError, UnavailableError
from daiss_devices.camera import TomographyCamera
from daiss_devices.fly_timing import FlyTiming
from daiss_devices.frame_file import ATTRIBUTES, DATASET
from daiss_devices.put import put_status
from daiss_devices.stage import MARGIN_S, StageMotor

POLL_S = 0.02
SOON_S = 0.2
"""A start further ahead than this waits for a fresher position."""
CLOCK_S = 0.5
"""An IOC's time stamp older than this is from a clock that is not ours."""


class TomographyFlyer(Device):
    """Continuous rotation; emits stream_resource and stream_datum.

    Frames go into the file that the staged camera has open, after those already in it:
    the indices of stream_datum count the frames of that file, and the `slice` parameter
    of its stream_resource holds the part that belongs to this stream.
    """

    def __init__(
        self, rotation: StageMotor, camera: TomographyCamera, *, name: str
    ) -> None:
        super().__init__("", name=name)
        self.rotation = rotation
        self.camera = camera
        self._timing: FlyTiming | None = None
        self._first = 0
        self._collected = 0
        self._announced: list[Any] = []
        self._abandoned = threading.Event()
        self._exposing: DeviceStatus | None = None
        self._turning: Any = None

    @property
    def timing(self) -> FlyTiming:
        """What was prepared."""
        if self._timing is None:
            raise UnavailableError(f"{self.name} was not prepared")
        return self._timing

    def prepare(self, timing: FlyTiming) -> DeviceStatus:
        """Set camera and speed; the rotation must be at rest at `run_up_deg`."""
        self._timing = timing
        self._collected = 0
        self._announced = []
        self._abandoned.clear()
        self._exposing = self._turning = None
        self._first = self.camera.triggered
        camera, wait_s = self.camera, self.camera.timeout_s
        camera.num_images.set(timing.n_frames).wait(wait_s)
        camera.exposure_s.set(timing.exposure_s).wait(wait_s)
        camera.period_s.set(timing.period_s).wait(wait_s)
        sentence = f"{self.rotation.name} did not take its speed"
        return put_status(
            self, self.rotation.velocity, timing.speed_deg_s, wait_s, sentence
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

    def _run(self, status: DeviceStatus, action: Any, what: str) -> None:
        def run() -> None:
            try:
                action()
            except DaissError as error:
                status.set_exception(error)
            except (OpException, TimeoutError, ValueError) as error:
                status.set_exception(UnavailableError(f"{self.name}: {error}"))
            else:
                status.set_finished()

        name = f"{self.name} {what}"
        threading.Thread(target=run, daemon=True, name=name).start()

    def _start_camera(self) -> None:
        timing, passed = self.timing, threading.Event()
        wait_s: list[float] = []

        def moved(*, value: float, timestamp: float, **_: Any) -> None:
            age_s = time.time() - timestamp
            if value < timing.constant_from_deg or wait_s:
                return
            ahead_s = timing.start_in_s(value) - (age_s if age_s < CLOCK_S else 0.0)
            if ahead_s <= SOON_S:
                wait_s.append(ahead_s)
                passed.set()

        self._turning = self.rotation.set(
            timing.run_out_deg, timeout=timing.duration_s * 2 + 2 * MARGIN_S
        )
        self.rotation.user_readback.subscribe(moved, run=False)
        try:
            self._await_start(passed)
        finally:
            self.rotation.user_readback.clear_sub(moved)
        if wait_s and not self._abandoned.wait(max(0.0, wait_s[0])):
            self._exposing = put_status(
                self,
                self.camera.acquire,
                1,
                timing.duration_s * 2 + self.camera.timeout_s,
                f"{self.camera.name} did not take {timing.n_frames} frames",
            )

    def _await_start(self, passed: threading.Event) -> None:
        timing = self.timing
        limit_s = timing.acceleration_s + MARGIN_S
        deadline = time.monotonic() + limit_s
        while not passed.wait(POLL_S) and not self._abandoned.is_set():
            if time.monotonic() < deadline:
                continue
            raise UnavailableError(
                f"{self.rotation.name} did not come to {timing.first_exposure_deg:g}"
                f" degrees within {limit_s:.3g} s: it is at"
                f" {self.rotation.position:g} degrees"
            )

    def _watch(self) -> None:
        """Follow frames and rotation to their end; raises the first thing wrong."""
        timing, camera = self.timing, self.camera
        camera.triggered = self._first + timing.n_frames
        camera.hdf.count_from(camera.triggered)
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
        timing, camera = self.timing, self.camera
        missing = f"{written} of {timing.n_frames} frames were written"
        if why := camera.hdf.why_failed():
            raise UnavailableError(f"{missing}, then {camera.hdf.name} failed: {why}")
        exposing = self._exposing
        if self._turning.done and (exposing is None or not exposing.done):
            raise UnavailableError(
                f"{self.rotation.name} stopped at {self.rotation.position:g} degrees"
                f" before {camera.name} was done: {missing}"
            )
        if exposing is not None and exposing.done and exposing.exception():
            raise UnavailableError(f"{exposing.exception()}: {missing}")
        if stalled:
            raise UnavailableError(f"{camera.name} stopped sending: {missing}")

    def get_index(self) -> int:
        """Count the frames of this flight that are in the file."""
        written = int(self.camera.hdf.frames_written.get()) - self._first
        return max(0, min(written, self.timing.n_frames))

    def describe_collect(self) -> dict[str, Any]:
        """Give the data keys: frames, and the measured angle of each."""
        image = self.camera.make_data_key()
        rows, columns = image["shape"][-2:]
        image |= {"shape": [1, rows, columns], "external": "STREAM:"}
        angle = {
            "source": f"{self.camera.name} NDAttribute {self._angle}",
            "dtype": "number",
            "dtype_numpy": "<f8",
            "shape": [1],
            "external": "STREAM:",
            "units": "deg",
        }
        return {self.camera.image_key: image, self.rotation.name: angle}

    @property
    def _angle(self) -> str:
        return self.camera.file.angle_attribute

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
        part = f"{self._first}:{self._first + self.timing.n_frames}"
        datasets: dict[str, dict[str, Any]] = {
            self.camera.image_key: {
                "dataset": DATASET,
                "chunk_shape": [1, rows, columns],
            },
            self.rotation.name: {
                "dataset": f"{ATTRIBUTES}/{self._angle}",
                "chunk_shape": [16384],
            },
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
        """Give the camera's and the rotation's settings."""
        return {
            **self.camera.read_configuration(),
            **self.rotation.read_configuration(),
        }

    def describe_configuration(self) -> dict[str, Any]:
        """Describe the camera's and the rotation's settings."""
        return {
            **self.camera.describe_configuration(),
            **self.rotation.describe_configuration(),
        }

    def stop(self, *, success: bool = False) -> None:
        """Stop camera and rotation, and give up waiting for them."""
        self._abandoned.set()
        self.camera.stop(success=success)
        self.rotation.stop(success=success)
