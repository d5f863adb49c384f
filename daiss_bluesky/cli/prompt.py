"""What is at the prompt of `daiss shell`."""

import atexit
import logging
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from bluesky import plan_stubs
from bluesky.magics import BlueskyMagics
from bluesky.utils import RunEngineInterrupted
from rich.console import Console
from rich.table import Table

from daiss_bluesky.cli.fleet import Fleet
from daiss_bluesky.cli.live_lag import LiveLag
from daiss_bluesky.cli.recon_magic import ReconMagics
from daiss_bluesky.cli.session import missing_table, open_session
from daiss_bluesky.cli.told_to_end import abort_when_told_to_end
from daiss_bluesky.core.errors import DaissError
from daiss_bluesky.services.control_client import ControlClient
from daiss_bluesky.services.ready import LOG_FORMAT
from daiss_bluesky.services.state import StateDirectory

HINT = (
    "RE(tomo_scan(181, exposure_s=0.05))   RE(tomo_fly(721, exposure_s=0.04))"
    "   %mov %wa %ct   %recon status"
)
PTYCHOGRAPHY_HINT = (
    "RE(ptycho_spiral(0.3, 3.0, exposure_s=0.02))"
    "   RE(ptycho_fly(0.3, 3.0, exposure_s=0.01))"
)
PAUSED = (
    "paused: RE.resume() goes on; RE.abort() or RE.stop() ends the run and leaves"
    " shutter and stage safe"
)
ENDED = "the run was ended; what was taken until then is there"


def fill(ip: Any, fleet: Fleet) -> None:
    """Put RunEngine, devices, plans and magics into IPython, and say what there is.

    PVs that do not answer are shown as a table; everything else works without them.
    """
    console = Console()
    keep_log(StateDirectory(fleet.state).logs / "shell.log")
    stack = ExitStack()
    atexit.register(stack.close)
    lag_s = LiveLag(fleet.tiled_uri, fleet.api_key())
    session = stack.enter_context(open_session(fleet, console, lag_s=lag_s))
    abort_when_told_to_end(session.RE, stack.close)
    station = session.station
    ip.push(
        {
            "RE": session.RE,
            "station": station,
            "bps": plan_stubs,
            **session.plans,
            **station.devices,
        }
    )
    ip.register_magics(BlueskyMagics)
    ip.register_magics(
        ReconMagics(
            ip,
            fleet.tiled_uri,
            fleet.api_key(),
            ControlClient(fleet.control_address()),
        )
    )
    ip.set_custom_exc((DaissError, RunEngineInterrupted), _show_sentence)
    console.print(device_table(station))
    if session.missing:
        console.print(missing_table(session.missing))
    if station.ptychography is not None:
        console.print(PTYCHOGRAPHY_HINT, highlight=False)
    console.print(f"{HINT}   Tiled: {fleet.tiled_uri}", highlight=False)


def keep_log(path: Path) -> None:
    """Let bluesky and ophyd log into a file what would bury a sentence at the prompt.

    They tell with a traceback, and more than once, of every run that does not succeed.
    """
    handler = logging.FileHandler(path, delay=True)
    handler.setFormatter(logging.Formatter(LOG_FORMAT))
    for name in ("bluesky", "ophyd"):
        logging.getLogger(name).addHandler(handler)


def _show_sentence(
    ip: Any, _kind: Any, error: BaseException, _trace: Any, tb_offset: Any = None
) -> None:
    """Show a refusal as its sentence; a traceback would say nothing more.

    Of a run that was interrupted: what can be done now. bluesky always says that it
    is paused.
    """
    del tb_offset
    if isinstance(error, RunEngineInterrupted):
        said = PAUSED if ip.user_ns["RE"].state == "paused" else ENDED
        Console().print(said, highlight=False)
        return
    Console().print(f"error: {error}", highlight=False, style="red")


def device_table(station: Any) -> Table:
    """Draw every device and where it is."""
    table = Table("device", "PV", "state", title=f"station {station.name}")
    for name, device in station.devices.items():
        table.add_row(name, station.pv(name), _state(device))
    return table


def _state(device: Any) -> str:
    if not device.connected:
        return "not connected"
    if hasattr(device, "image_key"):
        return "acquiring" if device.acquire.get() else "idle"
    position = device.position
    if isinstance(position, float | int):
        return f"{position:.6g} {device.egu}"
    return str(position)
