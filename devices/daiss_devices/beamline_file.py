"""The beamline file: which PVs a tomography station is made of, as YAML says."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal

import yaml
from pydantic import Field

from daiss_bluesky.core.errors import InputError
from daiss_bluesky.core.scan import Model


class MotorFile(Model):
    """One motor record."""

    pv: str = Field(min_length=1)
    limits: tuple[float, float] | None = None
    """Narrower than the record's own, where the beamline wants it so."""


class ShutterFile(Model):
    """A two-state shutter with a readback of its own."""

    pv: str = Field(min_length=1)
    readback: str = Field(min_length=1)
    open: str = "Open"
    closed: str = "Closed"
    delay_s: float = Field(0.0, ge=0)
    """After the readback says so, until the beam is what it should be."""
    timeout_s: float = Field(10.0, gt=0)


class CameraFile(Model):
    """An areaDetector camera with its HDF5 and PVA plugins."""

    pv: str = Field(min_length=1)
    """The part before `cam1:` and `HDF1:`."""
    cam_class: str = "SimDetectorCam"
    """A class of ophyd.areadetector.cam."""
    write_path_template: str
    """Directory as the IOC names it; strftime fields for the date."""
    read_path_template: str | None = None
    """The same directory as clients name it, where that differs."""
    path_semantics: Literal["posix", "windows"] = "posix"
    """Of the IOC."""
    angle_attribute: str = "theta"
    """NDAttribute that holds the measured angle of each frame, in degrees."""
    readout_s: float = Field(0.0, ge=0)
    """Dead time after each exposure of a series."""
    timeout_s: float = Field(10.0, gt=0)
    """Beyond the exposure, until a frame must have come."""


class PtychographyFile(Model):
    """What ptychography has beside the beamline's shutter and camera."""

    piezo_y: MotorFile
    """Rows of the object, in micrometers; more is further down."""
    piezo_x: MotorFile
    """Columns of the object; more is further right."""
    position_attributes: tuple[str, str] = ("piezo_y", "piezo_x")
    """NDAttributes that hold both measured positions of each frame, in micrometers."""
    detector_pixel_um: float | None = Field(None, gt=0)
    distance_mm: float | None = Field(None, gt=0)
    energy_kev: float | None = Field(None, gt=0)
    field: Literal["far", "near"] = "far"
    pixel_size_um: float | None = Field(None, gt=0)
    """Of the object, where it is not to follow from the three above."""
    settle_s: float = Field(0.0, ge=0)
    """After the stage says that it is there, until a frame is taken."""


class BeamlineFile(Model):
    """A station for tomography, and for ptychography if it says so, named PV by PV."""

    name: str = "station"
    prefix: str = ""
    """Put for `{prefix}` in every PV."""
    data_root: str
    """Top of the data as clients see it; put for `{data_root}` in path templates."""
    rotation: MotorFile
    x: MotorFile
    y: MotorFile
    z: MotorFile
    shutter: ShutterFile
    camera: CameraFile
    out_mm: float
    """Where x takes the sample out of the beam."""
    pixel_size_um: float | None = Field(None, gt=0)
    ptychography: PtychographyFile | None = None


def read_beamline(path: Path, overrides: Mapping[str, Any]) -> BeamlineFile:
    """Read a beamline file; an override replaces a key of it.

    A dotted one, such as `ptychography.energy_kev`, replaces a key of a section that
    the file has.

    Raises InputError for a file that is absent, not YAML, or has an unknown key.
    """
    try:
        values = yaml.safe_load(path.read_text())
    except FileNotFoundError:
        raise InputError(f"there is no beamline file {path}") from None
    except OSError as error:
        raise InputError(
            f"beamline file {path} cannot be read: {error.strerror}"
        ) from None
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        reason = " ".join(str(error).split())
        raise InputError(f"{path} is not YAML: {reason}") from None
    if not isinstance(values, dict):
        raise InputError(f"{path} is not a beamline file: it has no keys")
    beamline = BeamlineFile.parse(_overridden(values, overrides), str(path))
    return _filled(beamline, path)


def _overridden(
    values: Mapping[str, Any], overrides: Mapping[str, Any]
) -> dict[str, Any]:
    found = dict(values)
    for name, value in overrides.items():
        section, dot, key = name.partition(".")
        if not dot:
            found[name] = value
        elif isinstance(found.get(section), Mapping):
            found[section] = {**found[section], key: value}
    return found


def _filled(beamline: BeamlineFile, path: Path) -> BeamlineFile:
    places = {"prefix": beamline.prefix, "data_root": beamline.data_root}

    def fill(value: Any, key: str) -> Any:
        if isinstance(value, dict):
            return {name: fill(part, name) for name, part in value.items()}
        if not isinstance(value, str):
            return value
        try:
            return value.format_map(places)
        except (KeyError, ValueError, IndexError):
            raise InputError(
                f"{key} = {value!r} in {path} has a place in braces that is not one"
                f" of: {', '.join(places)}"
            ) from None

    return BeamlineFile.parse(fill(beamline.model_dump(), ""), str(path))
