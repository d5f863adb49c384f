"""Ptychography scans: step by step over a grid, spiral or list; in flight, by rows.

Ordinary functions that refuse bad input when called and return the plan, so that
`RE(ptycho_grid(...))` ends in one sentence before a run is opened or a motor has moved.

Streams: `dark` (shutter closed), `primary` (diffraction). Positions are (row, column)
of the probe on the sample, in micrometers; those that count are measured ones.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from bluesky import plan_stubs as bps

from daiss_bluesky.core.ptychography import PTYCHOGRAPHY_KEY, PtychographyRecord
from daiss_bluesky.plans.positions import (
    Position,
    grid_um,
    listed_um,
    raster_axes_um,
    spiral_um,
)
from daiss_bluesky.plans.ptychography_request import (
    check_center,
    check_extent,
    check_flight,
    check_jitter,
    check_reach,
    check_step,
    make_ptychography_record,
)
from daiss_bluesky.plans.request import check_exposure, check_period, start_document
from daiss_bluesky.plans.safety import Moving, Plan, one_run
from daiss_bluesky.plans.station import PtychographyStation, RasterFlight
from daiss_bluesky.plans.stubs import fly, label_frames, take_darks, take_frame


def ptycho_grid(
    station: PtychographyStation,
    step_um: float,
    extent_um: float | Position,
    *,
    exposure_s: float,
    center_um: Position = (0.0, 0.0),
    jitter: float = 0.0,
    seed: int = 0,
    darks: int = 5,
    sample: str = "unnamed",
    proposal: str | None = None,
    operator: str | None = None,
    comment: str | None = None,
    energy_kev: float | None = None,
    distance_mm: float | None = None,
    detector_pixel_um: float | None = None,
    pixel_size_um: float | None = None,
    md: Mapping[str, Any] | None = None,
) -> Plan:
    """Step scan over a raster of extent_um (rows, columns), every other row backwards.

    With jitter, each place is off by up to this part of a step, which breaks the
    raster's symmetry. Raises InputError, in one sentence, for anything a scan cannot be
    made of.
    """
    places = grid_um(
        check_step(step_um),
        check_extent(extent_um),
        check_center(center_um),
        jitter=check_jitter(jitter),
        seed=seed,
    )
    beam = _beam(energy_kev, distance_mm, pixel_size_um)
    return _step_scan(
        "ptycho_grid",
        station,
        places,
        exposure_s=exposure_s,
        darks=darks,
        detector_pixel_um=detector_pixel_um,
        sample=_sample(sample, proposal, operator, comment) | beam,
        md=md,
    )


def ptycho_fly(
    station: PtychographyStation,
    step_um: float,
    extent_um: float | Position,
    *,
    exposure_s: float,
    period_s: float | None = None,
    center_um: Position = (0.0, 0.0),
    darks: int = 5,
    sample: str = "unnamed",
    proposal: str | None = None,
    operator: str | None = None,
    comment: str | None = None,
    energy_kev: float | None = None,
    distance_mm: float | None = None,
    detector_pixel_um: float | None = None,
    pixel_size_um: float | None = None,
    md: Mapping[str, Any] | None = None,
) -> Plan:
    """Fly through a raster of extent_um row by row, every other one backwards.

    A frame comes every period_s (exposure and readout, if not given), which with the
    step sets the speed; a few come beyond both ends of each row. Stage and camera are
    started by software: the positions that count are those measured with each frame.
    Raises InputError as `ptycho_grid` does, and where the stage cannot move so fast or
    so far.
    """
    rows_um, columns_um = raster_axes_um(
        check_step(step_um), check_extent(extent_um), check_center(center_um)
    )
    exposure_s = check_exposure(exposure_s)
    period_s = check_period(period_s, exposure_s, station.readout_s)
    station.check_connected()
    flight = station.raster_flight(
        rows_um=rows_um.tolist(),
        columns_um=columns_um.tolist(),
        exposure_s=exposure_s,
        period_s=period_s,
    )
    check_flight(station, flight)
    record = make_ptychography_record(
        station,
        flight.positions_um,
        exposure_s=exposure_s,
        darks=darks,
        detector_pixel_um=detector_pixel_um,
        sample=_sample(sample, proposal, operator, comment)
        | _beam(energy_kev, distance_mm, pixel_size_um),
        md=md,
    )
    return _scan("ptycho_fly", station, record, fly_diffraction(station, flight))


def fly_diffraction(station: PtychographyStation, flight: RasterFlight) -> Plan:
    """Take frames while the stage flies."""
    yield from bps.mv(station.shutter, "open")
    yield from label_frames(station, "primary")
    yield from fly(station, flight)


def ptycho_spiral(
    station: PtychographyStation,
    step_um: float,
    extent_um: float | Position,
    *,
    exposure_s: float,
    center_um: Position = (0.0, 0.0),
    darks: int = 5,
    sample: str = "unnamed",
    proposal: str | None = None,
    operator: str | None = None,
    comment: str | None = None,
    energy_kev: float | None = None,
    distance_mm: float | None = None,
    detector_pixel_um: float | None = None,
    pixel_size_um: float | None = None,
    md: Mapping[str, Any] | None = None,
) -> Plan:
    """Step scan along a Fermat spiral inside extent_um (rows, columns), outwards.

    A position has as much area to itself as in a grid of the same step. Raises
    InputError as `ptycho_grid` does.
    """
    places = spiral_um(
        check_step(step_um), check_extent(extent_um), check_center(center_um)
    )
    beam = _beam(energy_kev, distance_mm, pixel_size_um)
    return _step_scan(
        "ptycho_spiral",
        station,
        places,
        exposure_s=exposure_s,
        darks=darks,
        detector_pixel_um=detector_pixel_um,
        sample=_sample(sample, proposal, operator, comment) | beam,
        md=md,
    )


def ptycho_points(
    station: PtychographyStation,
    positions_um: Sequence[Position],
    *,
    exposure_s: float,
    darks: int = 5,
    sample: str = "unnamed",
    proposal: str | None = None,
    operator: str | None = None,
    comment: str | None = None,
    energy_kev: float | None = None,
    distance_mm: float | None = None,
    detector_pixel_um: float | None = None,
    pixel_size_um: float | None = None,
    md: Mapping[str, Any] | None = None,
) -> Plan:
    """Step scan through a list of positions (row, column), in the order given.

    Raises InputError as `ptycho_grid` does.
    """
    beam = _beam(energy_kev, distance_mm, pixel_size_um)
    return _step_scan(
        "ptycho_points",
        station,
        listed_um(positions_um),
        exposure_s=exposure_s,
        darks=darks,
        detector_pixel_um=detector_pixel_um,
        sample=_sample(sample, proposal, operator, comment) | beam,
        md=md,
    )


def _sample(
    sample: str, proposal: str | None, operator: str | None, comment: str | None
) -> dict[str, Any]:
    return {
        "sample": sample,
        "proposal": proposal,
        "operator": operator,
        "comment": comment,
    }


def _beam(
    energy_kev: float | None, distance_mm: float | None, pixel_size_um: float | None
) -> dict[str, Any]:
    return {
        "energy_kev": energy_kev,
        "distance_mm": distance_mm,
        "pixel_size_um": pixel_size_um,
    }


def _step_scan(
    name: str,
    station: PtychographyStation,
    places_um: Sequence[Position],
    *,
    exposure_s: float,
    **of_record: Any,
) -> Plan:
    exposure_s = check_exposure(exposure_s)
    station.check_connected()
    check_reach(station, places_um)
    record = make_ptychography_record(
        station, places_um, exposure_s=exposure_s, **of_record
    )
    return _scan(name, station, record, take_diffraction(station, places_um))


def take_diffraction(
    station: PtychographyStation, places_um: Sequence[Position]
) -> Plan:
    """Take a frame at each place, in the order given."""
    yield from bps.mv(station.shutter, "open")
    yield from label_frames(station, "primary")
    for y, x in places_um:
        yield from bps.checkpoint()
        yield from bps.mv(station.piezo_y, y, station.piezo_x, x)
        if station.settle_s:
            yield from bps.sleep(station.settle_s)
        yield from take_frame(station, "primary")


def _scan(
    name: str, station: PtychographyStation, record: PtychographyRecord, frames: Plan
) -> Plan:
    """Put a scan around its frames."""

    def run() -> Plan:
        camera = station.camera
        yield from bps.mv(camera.exposure_s, record.exposure_s, camera.period_s, 0.0)
        yield from take_darks(station, record.counts["dark"])
        yield from frames
        yield from bps.mv(camera.num_images, 1, camera.period_s, 0.0)
        yield from bps.trigger(camera.written, wait=True)

    motors = {"piezo y": station.piezo_y, "piezo x": station.piezo_x}
    speeds = {"speed of piezo y": station.piezo_y, "speed of piezo x": station.piezo_x}
    moving = Moving(stopped=motors, returned=motors, speeds=speeds)
    document = start_document(name, station, PTYCHOGRAPHY_KEY, record)
    return one_run(run(), station, document, moving)
