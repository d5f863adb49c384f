"""What a ptychography plan is asked for, refused before anything moves."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from daiss_bluesky.core.errors import InputError
from daiss_bluesky.core.ptychography import PtychographyRecord
from daiss_bluesky.plans.positions import Position
from daiss_bluesky.plans.request import check_count, check_number, given_metadata
from daiss_bluesky.plans.station import PtychographyStation, RasterFlight

PAIR = 2
BEAM = ("energy_kev", "distance_mm", "detector_pixel_um")


def check_step(step_um: Any) -> float:
    """Refuse a step that is not a positive length."""
    step = check_number("step_um", step_um)
    if step <= 0:
        raise InputError(f"step_um = {step_um!r}: more than 0 is expected")
    return step


def check_extent(extent_um: Any) -> Position:
    """Give height and width; one number stands for both."""
    extent = _pair("extent_um", extent_um)
    if min(extent) < 0:
        raise InputError(f"extent_um = {extent_um!r}: 0 or more is expected")
    return extent


def check_center(center_um: Any) -> Position:
    """Give row and column of the middle of the scan."""
    return _pair("center_um", center_um)


def check_jitter(jitter: Any) -> float:
    """Refuse a jitter that would put places in another order."""
    value = check_number("jitter", jitter)
    if not 0 <= value <= 0.5:  # noqa: PLR2004
        raise InputError(
            f"jitter = {jitter!r}: a part of the step, 0 to 0.5, is expected"
        )
    return value


def _pair(name: str, value: Any) -> Position:
    listed = list(value) if np.ndim(value) == 1 else [value, value]
    if len(listed) != PAIR:
        raise InputError(f"{name} = {value!r}: rows and columns are expected")
    return check_number(name, listed[0]), check_number(name, listed[1])


def check_reach(station: PtychographyStation, places_um: Sequence[Position]) -> None:
    """Refuse a scan that leaves the travel of the stage."""
    for motor, reached in zip(
        (station.piezo_y, station.piezo_x), zip(*places_um, strict=True), strict=True
    ):
        low, high = motor.limits
        if low < high and not (low <= min(reached) and max(reached) <= high):
            raise InputError(
                f"the scan needs {motor.name} from {min(reached):.6g} to"
                f" {max(reached):.6g} micrometers, but its limits are {low:g} and"
                f" {high:g}"
            )


def check_flight(station: PtychographyStation, flight: RasterFlight) -> None:
    """Refuse a flight that the stage is too slow or too short for."""
    fastest = station.max_speed_um_s
    if fastest is not None and flight.speed_um_s > fastest:
        raise InputError(
            f"the scan needs {flight.speed_um_s:.4g} micrometers/s, but"
            f" {station.piezo_x.name} moves at most {fastest:g}: take smaller steps or"
            " a longer period"
        )
    check_reach(station, flight.reach_um)


def make_ptychography_record(
    station: PtychographyStation,
    positions_um: Sequence[Position],
    *,
    exposure_s: float,
    darks: int,
    detector_pixel_um: float | None,
    sample: Mapping[str, Any],
    md: Mapping[str, Any] | None,
) -> PtychographyRecord:
    """Check the metadata and make the record of the start document.

    What the plan is not told of the beam is the station's. With pixel_size_um given,
    nothing else has to be known.
    """
    check_count("darks", darks)
    given = given_metadata(sample, md)
    if detector_pixel_um is not None:
        given["detector_pixel_um"] = detector_pixel_um
    for name in (*BEAM, "pixel_size_um"):
        given.setdefault(name, getattr(station, name))
    record = PtychographyRecord.parse(
        given
        | {
            "counts": {"diffraction": len(positions_um), "dark": darks},
            "positions_um": list(positions_um),
            "position_keys": (station.piezo_y.name, station.piezo_x.name),
            "image_key": station.camera.image_key,
            "exposure_s": exposure_s,
            "field": station.field,
        },
        "the plan's record",
    )
    missing = [name for name in BEAM if getattr(record, name) is None]
    if missing and record.pixel_size_um is None:
        raise InputError(
            f"the scan needs {' and '.join(missing)}, from the plan or from the"
            " beamline file, or pixel_size_um of the object"
        )
    return record
