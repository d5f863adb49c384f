"""A tomography station, put together from a beamline file."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ophyd import Device

from daiss_devices.beamline_file import BeamlineFile, MotorFile, read_beamline
from daiss_devices.camera import TomographyCamera, make_camera
from daiss_devices.connected import Connected
from daiss_devices.fly_timing import FlyTiming
from daiss_devices.flyer import TomographyFlyer
from daiss_devices.ptychography_station import PtychographyStation, make_ptychography
from daiss_devices.shutter import Shutter
from daiss_devices.stage import StageMotor


@dataclass(frozen=True, slots=True, eq=False)
class TomographyStation(Connected):
    """What tomography plans work with."""

    file: BeamlineFile
    rotation: StageMotor
    x: StageMotor
    y: StageMotor
    z: StageMotor
    shutter: Shutter
    camera: TomographyCamera
    flyer: TomographyFlyer
    ptychography: PtychographyStation | None = None
    """With the same shutter and camera; None where the file has no such section."""

    @property
    def name(self) -> str:
        """As the beamline file says."""
        return self.file.name

    @property
    def out_mm(self) -> float:
        """Where x takes the sample out of the beam."""
        return self.file.out_mm

    @property
    def pixel_size_um(self) -> float | None:
        """Of the detector, where nothing else is said."""
        return self.file.pixel_size_um

    @property
    def readout_s(self) -> float:
        """Dead time of the camera between two frames of a series."""
        return self.file.camera.readout_s

    @property
    def rotation_limits_deg(self) -> tuple[float, float] | None:
        """Travel of the rotation; None where it turns without end."""
        low, high = self.rotation.limits
        return (float(low), float(high)) if low < high else None

    @property
    def max_speed_deg_s(self) -> float | None:
        """Of the rotation; None where the record does not say."""
        speed = float(self.rotation.max_velocity.get())
        return speed or None

    @property
    def measured(self) -> Sequence[Any]:
        """What is read with each frame."""
        return (self.rotation,)

    @property
    def devices(self) -> dict[str, Device]:
        """Everything with PVs, by name."""
        parts = (self.rotation, self.x, self.y, self.z, self.shutter, self.camera)
        found: dict[str, Device] = {part.name: part for part in parts}
        if self.ptychography is not None:
            found |= self.ptychography.devices
        return found

    def pv(self, name: str) -> str:
        """Where a device of `devices` is found."""
        file = self.file
        mine = {
            "rotation": file.rotation.pv,
            "sample_x": file.x.pv,
            "sample_y": file.y.pv,
            "sample_z": file.z.pv,
            "shutter": file.shutter.pv,
            "camera": file.camera.pv,
        }
        if self.ptychography is not None and name not in mine:
            return self.ptychography.pv(name)
        return mine[name]

    def fly_timing(
        self,
        *,
        start_deg: float,
        range_deg: float,
        n_angles: int,
        exposure_s: float,
        period_s: float,
    ) -> FlyTiming:
        """Work out a continuous rotation with this station's acceleration."""
        ramp_s = float(self.rotation.acceleration.get())
        return FlyTiming(
            start_deg=start_deg,
            range_deg=range_deg,
            n_angles=n_angles,
            exposure_s=exposure_s,
            period_s=period_s,
            acceleration_s=ramp_s,
        )


def load_station(path: Path, **overrides: Any) -> TomographyStation:
    """Make the station of a beamline file; connects in the background.

    Overrides replace keys of the file, such as prefix and data_root. Raises
    InputError for what the file gets wrong; an absent IOC is no error here.
    """
    file = read_beamline(path, overrides)

    def motor(part: MotorFile, name: str) -> StageMotor:
        return StageMotor(part.pv, name=name, limits=part.limits, labels={"motors"})

    rotation = motor(file.rotation, "rotation")
    camera = make_camera(file.camera, root=file.data_root, name="camera")
    shutter = Shutter(file.shutter, name="shutter")
    more = file.ptychography
    return TomographyStation(
        file=file,
        rotation=rotation,
        x=motor(file.x, "sample_x"),
        y=motor(file.y, "sample_y"),
        z=motor(file.z, "sample_z"),
        shutter=shutter,
        camera=camera,
        flyer=TomographyFlyer(rotation, camera, name="flyer"),
        ptychography=None
        if more is None
        else make_ptychography(file, more, shutter, camera),
    )
