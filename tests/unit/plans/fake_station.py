"""A station without EPICS: positions are kept, triggers are counted."""

from dataclasses import dataclass, field
from typing import Any

import numpy as np
from ophyd import Component, Device, DeviceStatus, Signal
from ophyd.sim import SynAxis

from daiss_devices.fly_timing import FlyTiming


class FakeMotor(SynAxis):
    velocity = Component(Signal, value=30.0, kind="config")

    def __init__(self, **kwargs: Any) -> None:
        self.stops = 0
        self.stuck_at: float | None = None
        self.on_stuck: Any = lambda: None
        self.pending: DeviceStatus | None = None
        super().__init__(**kwargs)

    def set(self, value: float) -> Any:
        if value != self.stuck_at:
            return super().set(value)
        self.pending = DeviceStatus(self)
        self.on_stuck()
        return self.pending

    def stop(self, *, success: bool = False) -> None:
        self.stops += 1
        if self.pending is not None and not self.pending.done:
            self.pending.set_exception(RuntimeError("stopped"))


class FakeShutter(Device):
    def __init__(self, *, name: str) -> None:
        super().__init__("", name=name)
        self.state = "closed"
        self.gone = False

    def set(self, position: str) -> DeviceStatus:
        if self.gone:
            raise TimeoutError("no IOC answers")
        self.state = position
        status = DeviceStatus(self)
        status.set_finished()
        return status


class Written(Device):
    def trigger(self) -> DeviceStatus:
        status = DeviceStatus(self)
        status.set_finished()
        return status


class FakeCamera(Device):
    exposure_s = Component(Signal, value=0.1, kind="config")
    period_s = Component(Signal, value=0.0, kind="config")
    num_images = Component(Signal, value=1, kind="omitted")
    frame_type = Component(Signal, value="Normal", kind="omitted")
    image = Component(Signal, value=0.0, kind="normal")
    written = Component(Written, "", kind="omitted")
    image_key = "camera_image"

    def __init__(self, *, name: str) -> None:
        super().__init__("", name=name)
        self.frames = 0
        self.stops = 0
        self.fail_at: int | None = None
        self.on_trigger: Any = lambda frame: None

    def trigger(self) -> DeviceStatus:
        self.frames += 1
        self.on_trigger(self.frames)
        status = DeviceStatus(self)
        if self.frames == self.fail_at:
            status.set_exception(OSError("the camera broke"))
        else:
            status.set_finished()
        return status

    def stop(self, *, success: bool = False) -> None:
        self.stops += 1


class FakeFlyer(Device):
    def _done(self, *_: Any) -> DeviceStatus:
        status = DeviceStatus(self)
        status.set_finished()
        return status

    prepare = kickoff = complete = _done

    def describe_collect(self) -> dict[str, Any]:
        return {}

    def get_index(self) -> int:
        return 0

    def collect_asset_docs(self, index: int | None = None) -> list[Any]:
        return []


@dataclass
class FakeStation:
    rotation: FakeMotor = field(default_factory=lambda: FakeMotor(name="rotation"))
    x: FakeMotor = field(default_factory=lambda: FakeMotor(name="sample_x"))
    shutter: FakeShutter = field(default_factory=lambda: FakeShutter(name="shutter"))
    camera: FakeCamera = field(default_factory=lambda: FakeCamera(name="camera"))
    flyer: Any = None
    out_mm: float = 10.0
    pixel_size_um: float | None = 0.65
    readout_s: float = 0.0
    rotation_limits_deg: tuple[float, float] | None = (-90.0, 400.0)
    max_speed_deg_s: float | None = 90.0

    def __post_init__(self) -> None:
        self.x.set(1.5).wait(5)
        self.flyer = FakeFlyer("", name="flyer")

    @property
    def measured(self) -> tuple[FakeMotor, ...]:
        return (self.rotation,)

    def check_connected(self) -> None:
        pass

    def fly_timing(self, **asked: Any) -> FlyTiming:
        return FlyTiming(acceleration_s=0.2, **asked)


def angles_taken(documents: list[tuple[str, dict[str, Any]]]) -> np.ndarray[Any, Any]:
    """Angles of the events of the primary stream."""
    streams = {d["uid"]: d["name"] for n, d in documents if n == "descriptor"}
    return np.array(
        [
            d["data"]["rotation"]
            for n, d in documents
            if n == "event" and streams[d["descriptor"]] == "primary"
        ]
    )
