"""`daiss up`, `down` and `status`: the services of a beamline."""

import json
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from daiss_bluesky.cli.fleet import Fleet
from daiss_bluesky.cli.fleet_plan import FleetPlan, plan_fleet
from daiss_bluesky.cli.options import Json, State
from daiss_bluesky.cli.results_table import newest_results, results_table
from daiss_bluesky.core.errors import DaissError, InputError, UnavailableError
from daiss_bluesky.services import launcher
from daiss_bluesky.services.interrupts import interrupts_held
from daiss_bluesky.services.state import StateDirectory, default_root
from daiss_bluesky.viewers.web.address import page_uri

COMPILES = ", which compiles its kernels where it starts for the first time"


def up(
    state: State = None,
    beamline: Annotated[
        Path | None,
        typer.Option(help="beamline file; the simulated beamline when not given"),
    ] = None,
    prefix: Annotated[str, typer.Option(help="EPICS prefix of twin and results")] = (
        "DAISS:"
    ),
    ptychography: Annotated[
        bool, typer.Option("--ptychography", help="the twin shows diffraction patterns")
    ] = False,
    size: Annotated[
        int | None,
        typer.Option(help="the twin's rows and columns: 256, or 128 for ptychography"),
    ] = None,
    sample: Annotated[str, typer.Option(help="the twin's sample")] = "porous-grain",
    scan: Annotated[
        Path | None, typer.Option(help="measured scan the twin replays")
    ] = None,
    pipeline: Annotated[
        list[Path] | None, typer.Option(help="pipeline file, one for each technique")
    ] = None,
    tiled_uri: Annotated[
        str | None,
        typer.Option(help="the facility's Tiled server (key in TILED_API_KEY)"),
    ] = None,
    tiled_port: Annotated[
        int | None, typer.Option(help="port of our own Tiled server; free if not given")
    ] = None,
    json_output: Json = False,
) -> None:
    """Start the services; follow with `daiss shell`, end with `daiss down`.

    Examples: daiss up; daiss up --size 512; daiss up --beamline beamline.yml
    """
    root = (state or default_root()).resolve()
    _refuse_if_running(root)
    if sample.endswith(".json"):
        sample = str(Path(sample).resolve())
    twin = ["--sample", sample, "--size", str(256 if size is None else size)]
    if ptychography:
        twin = ["--ptychography", "--size", str(128 if size is None else size)]
    if scan is not None:
        twin = ["--ptychography"] if ptychography else []
        twin += ["--scan", str(scan.resolve())]
    plan = plan_fleet(
        root,
        prefix=prefix,
        beamline=beamline,
        pipelines=pipeline or (),
        twin_arguments=None if beamline else twin,
        tiled_uri=tiled_uri,
        tiled_port=tiled_port,
    )
    fleet = start_fleet(plan, Console(stderr=True, quiet=json_output))
    if json_output:
        typer.echo(json.dumps(fleet.addresses() | {"state": str(root)}))
        return
    Console().print(services_table(fleet))
    typer.echo(f"in a browser: {page_uri(fleet.tiled_uri)} (daiss web --open)")
    typer.echo(f"Tiled: {fleet.tiled_uri}   next: daiss shell")


def _refuse_if_running(root: Path) -> None:
    try:
        fleet = Fleet.load(root)
    except (UnavailableError, InputError):
        return
    alive = [one.name for one in fleet.services if one.process()]
    if alive:
        raise InputError(
            f"{', '.join(alive)} run already in {root}: daiss status, daiss down, or"
            " daiss restart for what has ended"
        )


def start_fleet(plan: FleetPlan, console: Console) -> Fleet:
    """Start every service of a plan and wait for all; none is left if one refuses."""
    try:
        return start_services(plan.fleet, plan.specs, console)
    except BaseException:
        with suppress(DaissError):
            stop_fleet(Fleet.load(plan.fleet.state))
        raise


def start_services(
    fleet: Fleet, specs: Sequence[launcher.ServiceSpec], console: Console
) -> Fleet:
    """Start services of a fleet, in place of those of the same name, and wait for all.

    Raises UnavailableError with what the first one said that did not start.
    """
    started: list[launcher.Service] = []
    with console.status("starting the beamline's services") as status:
        for spec in specs:
            # Saved at once: what a kill -9 leaves behind can be found and ended.
            with interrupts_held():
                started.append(launcher.start(spec, StateDirectory(fleet.state).logs))
                fleet = fleet.with_service(started[-1])
                fleet.save()
        waiting = {one.name for one in started}

        def ready(service: launcher.Service) -> None:
            waiting.discard(service.name)
            why = COMPILES if waiting == {"reconstructor"} else ""
            status.update(f"waiting for {', '.join(sorted(waiting))}{why}")

        launcher.wait_ready(specs, started, on_ready=ready)
    return fleet


def stop_fleet(fleet: Fleet) -> list[str]:
    """End every service of a fleet; gives the names that had to be killed."""
    with interrupts_held():
        killed = launcher.stop(fleet.services)
        StateDirectory(fleet.state).services.unlink(missing_ok=True)
    return killed


def down(state: State = None, json_output: Json = False) -> None:
    """Stop the services that `daiss up` started.

    Example: daiss down
    """
    fleet = Fleet.load((state or default_root()).resolve())
    killed = stop_fleet(fleet)
    if json_output:
        names = [one.name for one in fleet.services]
        typer.echo(json.dumps({"stopped": names, "killed": killed}))
        return
    typer.echo("stopped" + (f" (killed: {', '.join(killed)})" if killed else ""))


def status(
    state: State = None,
    watch: Annotated[
        bool,
        typer.Option(
            "--watch",
            help="go on showing how far the reconstructions are; end with Ctrl-C."
            " With --json one line for each change",
        ),
    ] = False,
    json_output: Json = False,
) -> None:
    """Show what runs where, and the newest reconstructions.

    Examples: daiss status; daiss status --json; daiss status --watch
    """
    fleet = Fleet.load((state or default_root()).resolve())
    if watch:
        from daiss_bluesky.cli.status_watch import watch as follow  # noqa: PLC0415

        follow(fleet.control_address(), Console(), json_lines=json_output)
        return
    if not json_output:
        Console().print(services_table(fleet))
        if gone := [one.name for one in fleet.services if not one.process()]:
            typer.echo(f"ended: {', '.join(gone)} (daiss restart)")
    results = newest_results(fleet.tiled_uri, fleet.api_key())
    if json_output:
        rows = [
            one.as_dict() | {"running": one.process() is not None}
            for one in fleet.services
        ]
        more = {"services": rows, "results": results}
        typer.echo(json.dumps(fleet.addresses() | more))
        return
    Console().print(results_table(results))


def services_table(fleet: Fleet) -> Table:
    """Draw what runs where."""
    table = Table("service", "pid", "state")
    for wide in ("where", "log"):
        table.add_column(wide, overflow="fold")
    for one in fleet.services:
        running = "running" if one.process() else "gone"
        table.add_row(one.name, str(one.pid), running, one.address, one.log)
    return table
