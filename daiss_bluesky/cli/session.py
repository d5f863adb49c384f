"""One RunEngine with a station, its plans, and documents that leave the process.

Imports EPICS: the variables of the fleet must be in the environment before it is.
"""

import inspect
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from functools import partial
from typing import Any, cast

import ophyd
from bluesky import RunEngine
from ophyd.signal import EpicsSignalBase
from rich.console import Console
from rich.table import Table

from daiss_bluesky.cli.fleet import STATION, Fleet
from daiss_bluesky.cli.progress_bar import ScanProgressBar
from daiss_bluesky.cli.run_metadata import RunMetadata
from daiss_bluesky.cli.told_to_end import Attentive
from daiss_bluesky.core.registry import load
from daiss_bluesky.plans.ptychography import (
    ptycho_fly,
    ptycho_grid,
    ptycho_points,
    ptycho_spiral,
)
from daiss_bluesky.plans.tomography import tomo_fly, tomo_scan
from daiss_bluesky.services.epics_environment import LOOPBACK
from daiss_bluesky.services.state import StateDirectory, read_json

PUBLISHER = "daiss_callbacks.document_publisher:DocumentPublisher"
CONNECT_TIMEOUT_S = 3.0
READ_TIMEOUT_S = 10.0
"""How long an IOC that is connected may stall; ophyd waits two seconds."""


@dataclass(frozen=True, slots=True, eq=False)
class Session:
    """What a user has at the prompt."""

    RE: Any
    station: Any
    plans: Mapping[str, Callable[..., Any]]
    """Bound to the station, by name."""
    missing: Sequence[Any]
    """PVs that do not answer: device, pv, reason."""


@contextmanager
def open_session(
    fleet: Fleet,
    console: Console,
    *,
    context_managers: Sequence[Any] | None = None,
    lag_s: Callable[[], float | None] = lambda: None,
) -> Iterator[Session]:
    """Make RunEngine, station and plans, and publish every document.

    PVs that do not answer are listed in `missing`; nothing is raised for them. The
    `context_managers` are the RunEngine's, which hold Ctrl-C while it runs.
    """
    ophyd.set_cl("pyepics")
    # Refused once there are signals: then they are the user's own, who has chosen.
    with suppress(RuntimeError):
        EpicsSignalBase.set_defaults(timeout=READ_TIMEOUT_S)
    directory = StateDirectory(fleet.state)
    run_engine = RunEngine(
        RunMetadata(fleet.state / "run_engine.json"),
        context_managers=context_managers,
        during_task=Attentive(),
        scan_id_source=RunMetadata.next_scan_id,
    )
    publisher = load(PUBLISHER)(directory.journal, f"{LOOPBACK}:{fleet.proxy_in}")
    bar = ScanProgressBar(console, lag_s)
    station = None
    try:
        run_engine.subscribe(publisher)
        run_engine.subscribe(bar)
        run_engine.state_hook = bar.engine_is
        station = load(STATION)(fleet.beamline, **_overrides(fleet))
        missing = station.missing(CONNECT_TIMEOUT_S)
        yield Session(run_engine, station, bind_plans(station), missing)
    finally:
        bar.close()
        if station is not None:
            station.close()
        publisher.close()


def _overrides(fleet: Fleet) -> dict[str, Any]:
    """Put the simulated beamline where this fleet has it; a real one stays itself."""
    if fleet.epics is None:
        return {}
    found = {"prefix": fleet.prefix, "data_root": str(fleet.data_root.resolve())}
    told = StateDirectory(fleet.state).ready / "twin.json"
    if told.exists():
        twin = read_json(told, "what the twin said of itself")
        found["pixel_size_um"] = twin["pixel_size_um"]
        section = twin.get("ptychography") or {}
        found |= {f"ptychography.{name}": value for name, value in section.items()}
    return found


def bind_plans(station: Any) -> dict[str, Callable[..., Any]]:
    """Give the plans for one station, with their names and documentation.

    Those of ptychography are there where the beamline file has a section for it.
    """
    found = {plan.__name__: _bind(plan, station) for plan in (tomo_scan, tomo_fly)}
    ptychography = station.ptychography
    if ptychography is not None:
        plans = (ptycho_grid, ptycho_spiral, ptycho_points, ptycho_fly)
        found |= {plan.__name__: _bind(plan, ptychography) for plan in plans}
    return found


def _bind(plan: Callable[..., Any], station: Any) -> Callable[..., Any]:
    bound: Any = partial(plan, station)
    signature = inspect.signature(plan)
    rest = list(signature.parameters.values())[1:]
    bound.__signature__ = signature.replace(parameters=rest)
    bound.__name__, bound.__doc__ = plan.__name__, plan.__doc__
    return cast("Callable[..., Any]", bound)


def missing_table(missing: Sequence[Any], shown: int = 12) -> Table:
    """Draw which PVs do not answer, and why."""
    table = Table("device", "PV", "reason", title="not connected")
    for one in missing[:shown]:
        table.add_row(one.device, one.pv, one.reason)
    if len(missing) > shown:
        table.add_row("", f"and {len(missing) - shown} more", "")
    return table
