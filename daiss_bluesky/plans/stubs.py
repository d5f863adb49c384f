"""The parts of a scan."""

from collections.abc import Sequence
from typing import Any

from bluesky import plan_stubs as bps

from daiss_bluesky.plans.safety import Plan
from daiss_bluesky.plans.station import ImagingStation, Station, Timing

FRAME_TYPES = {
    "primary": "Normal",
    "dark": "Background",
    "flat": "FlatField",
    "pair": "DblCorrelation",
}
"""areaDetector's words, recorded with each frame, for the frames of a stream."""

HALF_TURN_DEG = 180.0
FLUSH_PERIOD_S = 0.1


def take_frames(station: ImagingStation, stream: str, n: int) -> Plan:
    """Take n frames where everything is."""
    for _ in range(n):
        yield from bps.checkpoint()
        yield from take_frame(station, stream)


def take_frame(station: ImagingStation, stream: str) -> Plan:
    """Take one frame, as an event of a stream."""
    yield from bps.trigger_and_read([station.camera, *station.measured], name=stream)


def label_frames(station: ImagingStation, stream: str) -> Plan:
    """Say what the coming frames are, once the ones before are in the file."""
    yield from bps.trigger(station.camera.written, wait=True)
    yield from bps.mv(station.camera.frame_type, FRAME_TYPES[stream])


def take_darks(station: ImagingStation, n: int) -> Plan:
    """Take frames without beam."""
    if n:
        yield from bps.mv(station.shutter, "closed")
        yield from label_frames(station, "dark")
        yield from take_frames(station, "dark", n)


def take_flats(station: Station, n: int, x_mm: float) -> Plan:
    """Take frames with beam and without sample, and bring the sample back."""
    if n:
        yield from bps.mv(station.x, station.out_mm)
        yield from bps.mv(station.shutter, "open")
        yield from label_frames(station, "flat")
        yield from take_frames(station, "flat", n)
        yield from bps.mv(station.x, x_mm)


def take_pair(station: Station, start_deg: float) -> Plan:
    """Take two projections half a turn apart, to find the rotation center by."""
    yield from bps.mv(station.shutter, "open")
    yield from label_frames(station, "pair")
    for angle in (start_deg, start_deg + HALF_TURN_DEG):
        yield from bps.checkpoint()
        yield from bps.mv(station.rotation, angle)
        yield from take_frame(station, "pair")


def take_projections(station: Station, angles_deg: Sequence[float]) -> Plan:
    """Take a projection at each angle, in the order given."""
    yield from bps.mv(station.shutter, "open")
    yield from label_frames(station, "primary")
    for angle in angles_deg:
        yield from bps.checkpoint()
        yield from bps.mv(station.rotation, angle)
        yield from take_frame(station, "primary")


def fly_projections(station: Station, timing: Timing) -> Plan:
    """Take projections while the rotation turns."""
    yield from bps.mv(station.shutter, "open")
    yield from label_frames(station, "primary")
    yield from bps.mv(station.rotation, timing.run_up_deg)
    yield from fly(station, timing)


def fly(station: ImagingStation, flight: Any) -> Plan:
    """Let the flyer make a flight, and collect its frames into `primary`.

    There is nothing to go back to inside a flight, and bluesky takes no pause in a run
    any more once that was said: one asked for (Ctrl-C) ends the run as aborted, when
    the flight has ended; one that cannot wait (Ctrl-C twice) at once.
    """
    flyer: Any = station.flyer
    yield from bps.prepare(flyer, flight, wait=True)
    yield from bps.declare_stream(flyer, name="primary", collect=True)
    yield from bps.clear_checkpoint()
    yield from bps.kickoff(flyer, wait=True)
    yield from bps.collect_while_completing(
        [flyer], [flyer], flush_period=FLUSH_PERIOD_S, stream_name="primary"
    )
    yield from bps.checkpoint()
