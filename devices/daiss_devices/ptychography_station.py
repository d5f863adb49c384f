"""A ptychography station: a piezo stage beside a beamline's shutter and camera."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from ophyd import Device

from daiss_devices.beamline_file import (
    BeamlineFile,
    MotorFile,
    PtychographyFile,
)
from daiss_devices.camera import TomographyCamera
from daiss_devices.connected import Connected
from daiss_devices.raster_flight import RasterFlight
from daiss_devices.raster_flyer import RasterFlyer
from daiss_devices.shutter import Shutter
from daiss_devices.stage import StageMotor


@dataclass(frozen=True, slots=True, eq=False)
class PtychographyStation(Connected):
    """What ptychography plans work with."""

    file: PtychographyFile
    beamline: BeamlineFile
    piezo_y: StageMotor
    piezo_x: StageMotor
    shutter: Shutter
    camera: TomographyCamera
    flyer: RasterFlyer

    @property
    def name(self) -> str:
        """As the beamline file says."""
        return self.beamline.name

    @property
    def detector_pixel_um(self) -> float | None:
        """Of the camera, where nothing else is said."""
        return self.file.detector_pixel_um

    @property
    def distance_mm(self) -> float | None:
        """Sample to detector, where nothing else is said."""
        return self.file.distance_mm

    @property
    def energy_kev(self) -> float | None:
        """Of the photons, where nothing else is said."""
        return self.file.energy_kev

    @property
    def field(self) -> Literal["far", "near"]:
        """Where the detector stands."""
        return self.file.field

    @property
    def pixel_size_um(self) -> float | None:
        """Of the object, where it is not to follow from the three above."""
        return self.file.pixel_size_um

    @property
    def settle_s(self) -> float:
        """After a move, until a frame is taken."""
        return self.file.settle_s

    @property
    def readout_s(self) -> float:
        """Dead time of the camera between two frames of a series."""
        return self.beamline.camera.readout_s

    @property
    def measured(self) -> Sequence[Any]:
        """What is read with each frame."""
        return self.piezo_y, self.piezo_x

    @property
    def devices(self) -> Mapping[str, Device]:
        """Everything with PVs, by name."""
        parts = (self.piezo_y, self.piezo_x, self.shutter, self.camera)
        return {part.name: part for part in parts}

    def raster_flight(
        self,
        *,
        rows_um: Sequence[float],
        columns_um: Sequence[float],
        exposure_s: float,
        period_s: float,
    ) -> RasterFlight:
        """Work out a flight with this stage's acceleration."""
        return RasterFlight(
            rows_um=rows_um,
            columns_um=columns_um,
            exposure_s=exposure_s,
            period_s=period_s,
            acceleration_s=float(self.piezo_x.acceleration.get()),
        )

    @property
    def max_speed_um_s(self) -> float | None:
        """Of the columns; None where the record does not say."""
        return float(self.piezo_x.max_velocity.get()) or None

    def pv(self, name: str) -> str:
        """Where a device of `devices` is found."""
        return {
            "piezo_y": self.file.piezo_y.pv,
            "piezo_x": self.file.piezo_x.pv,
            "shutter": self.beamline.shutter.pv,
            "camera": self.beamline.camera.pv,
        }[name]


def make_ptychography(
    beamline: BeamlineFile, file: PtychographyFile, shutter: Shutter, camera: Any
) -> PtychographyStation:
    """Make the station around devices that there are already."""

    def piezo(part: MotorFile, name: str) -> StageMotor:
        return StageMotor(part.pv, name=name, limits=part.limits, labels={"motors"})

    y, x = piezo(file.piezo_y, "piezo_y"), piezo(file.piezo_x, "piezo_x")
    names = file.position_attributes
    return PtychographyStation(
        file=file,
        beamline=beamline,
        piezo_y=y,
        piezo_x=x,
        shutter=shutter,
        camera=camera,
        flyer=RasterFlyer(y, x, camera, attributes=names, name="raster"),
    )
