"""What a tomography plan is asked for, refused before anything moves."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from daiss_bluesky.core.errors import InputError
from daiss_bluesky.core.frames import SAMPLE_KINDS, FrameKind
from daiss_bluesky.core.geometry import Order, projection_angles_deg
from daiss_bluesky.core.scan import (
    DEFAULT_STREAMS,
    SampleMetadata,
    ScanRecord,
    TomographyRecord,
)
from daiss_bluesky.plans.station import ImagingStation, Station

LONGEST_EXPOSURE_S = 600.0


@dataclass(frozen=True, slots=True)
class Frames:
    """How many frames are taken of what is not a projection."""

    darks: int
    flats: int
    flats_after: int
    pair: bool

    def __post_init__(self) -> None:
        """Refuse numbers that no scan can be made of."""
        for name in ("darks", "flats", "flats_after"):
            check_count(name, getattr(self, name))
        if self.flats == 0:
            raise InputError(
                "flats = 0: projections cannot be normalized without flats; take at"
                " least 1"
            )

    def counts(self, projections: int) -> dict[FrameKind, int]:
        """Give what the start document says will come."""
        counts: dict[FrameKind, int] = {
            "projection": projections,
            "flat": self.flats + self.flats_after,
            "dark": self.darks,
        }
        if self.pair:
            counts["pair"] = 2
        return counts


def check_count(name: str, value: Any) -> None:
    """Refuse what is not a whole number, 0 or more."""
    if isinstance(value, bool) or not isinstance(value, int | np.integer) or value < 0:
        raise InputError(f"{name} = {value!r}: a whole number, 0 or more, is expected")


def check_exposure(exposure_s: Any) -> float:
    """Refuse an exposure that is not a positive, sensible number of seconds."""
    value = check_number("exposure_s", exposure_s)
    if not 0 < value <= LONGEST_EXPOSURE_S:
        raise InputError(
            f"exposure_s = {exposure_s!r}: more than 0 and at most"
            f" {LONGEST_EXPOSURE_S:g} seconds are expected"
        )
    return value


def check_period(period_s: Any, exposure_s: float, readout_s: float) -> float:
    """Give the time from frame to frame; refuse one the camera has no time for."""
    if period_s is None:
        return exposure_s + readout_s
    value = check_number("period_s", period_s)
    if value < exposure_s + readout_s:
        raise InputError(
            f"period_s = {period_s!r} is shorter than exposure and readout,"
            f" {exposure_s + readout_s:g} s"
        )
    return value


def check_number(name: str, value: Any) -> float:
    """Refuse what is not a finite number."""
    try:
        number = float(value)
    except (TypeError, ValueError):
        raise InputError(f"{name} = {value!r} is not a number") from None
    if not math.isfinite(number):
        raise InputError(f"{name} = {value!r}: a finite number is expected")
    return number


def plan_angles_deg(
    angles: Any,
    angles_deg: Sequence[float] | None,
    *,
    start_deg: float,
    range_deg: float,
    order: Order,
) -> list[float]:
    """List the angles in the order they are taken; a list given wins over a number."""
    if angles_deg is None:
        check_count("angles", angles)
        start, turn = (
            check_number("start_deg", start_deg),
            check_number("range_deg", range_deg),
        )
        planned = projection_angles_deg(
            int(angles), start_deg=start, range_deg=turn, order=order
        )
        return [float(angle) for angle in planned]
    listed = [check_number(f"angles_deg[{i}]", a) for i, a in enumerate(angles_deg)]
    if len(listed) < 2:  # noqa: PLR2004
        raise InputError(
            f"a tomography scan needs at least 2 angles, not {len(listed)}"
        )
    if np.ptp(listed) == 0:
        raise InputError(f"all {len(listed)} angles are {listed[0]:g} degrees")
    return listed


def check_travel(station: Station, lowest_deg: float, highest_deg: float) -> None:
    """Refuse a scan that leaves the travel of the rotation."""
    limits = station.rotation_limits_deg
    if limits is None or (limits[0] <= lowest_deg and highest_deg <= limits[1]):
        return
    raise InputError(
        f"the scan needs the rotation from {lowest_deg:.6g} to {highest_deg:.6g}"
        f" degrees, but its limits are {limits[0]:g} and {limits[1]:g}"
    )


def check_speed(station: Station, speed_deg_s: float) -> None:
    """Refuse a rotation faster than the motor turns."""
    fastest = station.max_speed_deg_s
    if fastest is not None and speed_deg_s > fastest:
        raise InputError(
            f"the scan needs {speed_deg_s:.4g} degrees/s, but the rotation turns at"
            f" most {fastest:g}: take more angles or a longer exposure"
        )


def given_metadata(
    sample: Mapping[str, Any], md: Mapping[str, Any] | None
) -> dict[str, Any]:
    """Put together what the user says of the sample; refuse what is not sensible."""
    given = {key: value for key, value in sample.items() if value is not None}
    given |= dict(md or {})
    SampleMetadata.parse(given, "the metadata of the plan")
    return given


def make_record(
    station: Station,
    frames: Frames,
    angles_deg: Sequence[float],
    *,
    exposure_s: float,
    center_px: float | None,
    sample: Mapping[str, Any],
    md: Mapping[str, Any] | None,
) -> TomographyRecord:
    """Check the metadata and make the record of the start document.

    Both the plan's own arguments and `md` may name the keys of SampleMetadata; a key
    it does not have is refused by name.
    """
    given = given_metadata(sample, md)
    given.setdefault("pixel_size_um", station.pixel_size_um)
    record = {
        "streams": dict(DEFAULT_STREAMS),
        "counts": frames.counts(len(angles_deg)),
        "angles_deg": list(angles_deg),
        "rotation_key": station.rotation.name,
        "image_key": station.camera.image_key,
        "center_px": center_px,
        "exposure_s": exposure_s,
    }
    return TomographyRecord.parse(given | record, "the plan's record")


def start_document(
    plan_name: str, station: ImagingStation, key: str, record: ScanRecord
) -> dict[str, Any]:
    """Give the metadata of the run: ours under `key`, and what all tools look for."""
    motors = [device.name for device in station.measured]
    return {
        "plan_name": plan_name,
        "sample_name": record.sample,
        "detectors": [station.camera.name],
        "motors": motors,
        "num_points": sum(
            n for kind, n in record.counts.items() if kind in SAMPLE_KINDS
        ),
        "hints": {"dimensions": [(motors, "primary")]},
        key: record.model_dump(mode="json", exclude_none=True),
    }
