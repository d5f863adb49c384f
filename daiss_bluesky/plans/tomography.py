"""Tomography scans: step by step, or while the rotation turns.

Ordinary functions that refuse bad input when called and return the plan, so that
`RE(tomo_scan(...))` ends in one sentence before a run is opened or a motor has moved.

Streams, in this order: `dark` (shutter closed), `flat` (sample out), `pair` (two
projections half a turn apart, for the rotation center), `primary` (projections); flats
after the scan are `flat` again.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from bluesky import plan_stubs as bps

from daiss_bluesky.core.geometry import Order
from daiss_bluesky.core.scan import START_KEY, TomographyRecord
from daiss_bluesky.plans.request import (
    Frames,
    check_exposure,
    check_period,
    check_speed,
    check_travel,
    make_record,
    plan_angles_deg,
    start_document,
)
from daiss_bluesky.plans.safety import Moving, Plan, one_run
from daiss_bluesky.plans.station import Station, Timing
from daiss_bluesky.plans.stubs import (
    HALF_TURN_DEG,
    fly_projections,
    take_darks,
    take_flats,
    take_pair,
    take_projections,
)


def tomo_scan(
    station: Station,
    angles: int = 181,
    *,
    exposure_s: float,
    angles_deg: Sequence[float] | None = None,
    range_deg: float = 180.0,
    start_deg: float = 0.0,
    order: Order = "sequential",
    darks: int = 10,
    flats: int = 10,
    flats_after: int = 0,
    pair: bool = True,
    center_px: float | None = None,
    sample: str = "unnamed",
    proposal: str | None = None,
    operator: str | None = None,
    comment: str | None = None,
    pixel_size_um: float | None = None,
    energy_kev: float | None = None,
    distance_mm: float | None = None,
    md: Mapping[str, Any] | None = None,
) -> Plan:
    """Step scan: N projections over a range, its end not repeated, or a list of angles.

    Raises InputError, in one sentence, for anything a scan cannot be made of.
    """
    frames = Frames(darks, flats, flats_after, pair)
    exposure_s = check_exposure(exposure_s)
    planned = plan_angles_deg(
        angles, angles_deg, start_deg=start_deg, range_deg=range_deg, order=order
    )
    first = min(planned) if angles_deg is not None else start_deg
    station.check_connected()
    turned = [*planned, first + HALF_TURN_DEG] if pair else planned
    check_travel(station, min(turned), max(turned))
    record = make_record(
        station,
        frames,
        planned,
        exposure_s=exposure_s,
        center_px=center_px,
        sample={
            "sample": sample,
            "proposal": proposal,
            "operator": operator,
            "comment": comment,
            "pixel_size_um": pixel_size_um,
            "energy_kev": energy_kev,
            "distance_mm": distance_mm,
        },
        md=md,
    )
    projections = take_projections(station, planned)
    return _scan("tomo_scan", station, frames, record, first, projections)


def tomo_fly(
    station: Station,
    angles: int = 181,
    *,
    exposure_s: float,
    period_s: float | None = None,
    range_deg: float = 180.0,
    start_deg: float = 0.0,
    darks: int = 10,
    flats: int = 10,
    flats_after: int = 0,
    pair: bool = True,
    center_px: float | None = None,
    sample: str = "unnamed",
    proposal: str | None = None,
    operator: str | None = None,
    comment: str | None = None,
    pixel_size_um: float | None = None,
    energy_kev: float | None = None,
    distance_mm: float | None = None,
    md: Mapping[str, Any] | None = None,
) -> Plan:
    """Continuous rotation: N projections over a range, and a few beyond both its ends.

    A frame comes every period_s (exposure and readout, if not given), which with N
    sets the speed. Camera and rotation are started by software: the angles that count
    are the ones measured with each frame. Raises InputError as `tomo_scan` does, and
    where the rotation cannot turn so fast or so far.
    """
    frames = Frames(darks, flats, flats_after, pair)
    exposure_s = check_exposure(exposure_s)
    timing = _plan_turn(
        station,
        angles,
        start_deg=start_deg,
        range_deg=range_deg,
        exposure_s=exposure_s,
        period_s=check_period(period_s, exposure_s, station.readout_s),
        pair=pair,
    )
    record = make_record(
        station,
        frames,
        timing.angles_deg,
        exposure_s=exposure_s,
        center_px=center_px,
        sample={
            "sample": sample,
            "proposal": proposal,
            "operator": operator,
            "comment": comment,
            "pixel_size_um": pixel_size_um,
            "energy_kev": energy_kev,
            "distance_mm": distance_mm,
        },
        md=md,
    )
    projections = fly_projections(station, timing)
    return _scan("tomo_fly", station, frames, record, start_deg, projections)


def _plan_turn(
    station: Station,
    angles: int,
    *,
    start_deg: float,
    range_deg: float,
    exposure_s: float,
    period_s: float,
    pair: bool,
) -> Timing:
    plan_angles_deg(
        angles, None, start_deg=start_deg, range_deg=range_deg, order="sequential"
    )
    station.check_connected()
    timing = station.fly_timing(
        start_deg=float(start_deg),
        range_deg=float(range_deg),
        n_angles=int(angles),
        exposure_s=exposure_s,
        period_s=period_s,
    )
    check_speed(station, timing.speed_deg_s)
    opposite = start_deg + HALF_TURN_DEG if pair else timing.run_out_deg
    check_travel(station, timing.run_up_deg, max(timing.run_out_deg, opposite))
    return timing


def _scan(
    name: str,
    station: Station,
    frames: Frames,
    record: TomographyRecord,
    first_deg: float,
    projections: Plan,
) -> Plan:
    """Put a scan around its projections."""

    def run() -> Plan:
        x_mm = float(station.x.position)
        camera = station.camera
        yield from bps.mv(camera.exposure_s, record.exposure_s, camera.period_s, 0.0)
        yield from take_darks(station, frames.darks)
        yield from take_flats(station, frames.flats, x_mm)
        if frames.pair:
            yield from take_pair(station, first_deg)
        yield from projections
        yield from bps.mv(camera.num_images, 1, camera.period_s, 0.0)
        yield from take_flats(station, frames.flats_after, x_mm)
        yield from bps.trigger(camera.written, wait=True)

    document = start_document(name, station, START_KEY, record)
    moving = Moving(
        stopped={"rotation": station.rotation},
        returned={"sample x": station.x},
        speeds={"speed": station.rotation},
    )
    return one_run(run(), station, document, moving)
