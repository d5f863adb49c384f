"""A ptychography station without EPICS."""

from dataclasses import dataclass, field
from typing import Any, Literal

from daiss_devices.raster_flight import RasterFlight
from tests.unit.plans.fake_station import (
    FakeCamera,
    FakeFlyer,
    FakeMotor,
    FakeShutter,
)


class FakePiezo(FakeMotor):
    limits = (-50.0, 50.0)


@dataclass
class FakePtychography:
    piezo_y: FakePiezo = field(default_factory=lambda: FakePiezo(name="piezo_y"))
    piezo_x: FakePiezo = field(default_factory=lambda: FakePiezo(name="piezo_x"))
    shutter: FakeShutter = field(default_factory=lambda: FakeShutter(name="shutter"))
    camera: FakeCamera = field(default_factory=lambda: FakeCamera(name="camera"))
    flyer: Any = field(default_factory=lambda: FakeFlyer("", name="raster"))
    detector_pixel_um: float | None = 75.0
    distance_mm: float | None = 2000.0
    energy_kev: float | None = 8.8
    pixel_size_um: float | None = None
    field: Literal["far", "near"] = "far"
    settle_s: float = 0.0
    readout_s: float = 0.0
    max_speed_um_s: float | None = 2000.0

    def __post_init__(self) -> None:
        self.piezo_y.set(1.5).wait(5)

    @property
    def measured(self) -> tuple[FakePiezo, FakePiezo]:
        return self.piezo_y, self.piezo_x

    def check_connected(self) -> None:
        pass

    def raster_flight(self, **asked: Any) -> RasterFlight:
        return RasterFlight(acceleration_s=0.01, **asked)
