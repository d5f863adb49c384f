"""`daiss restart`: services that have ended start again, under a scan that goes on."""

import json
from collections.abc import Sequence
from typing import Annotated

import typer
from rich.console import Console

from daiss_bluesky.cli.fleet import Fleet
from daiss_bluesky.cli.fleet_plan import refuse_server
from daiss_bluesky.cli.options import Json, State
from daiss_bluesky.cli.service_specs import spec_of
from daiss_bluesky.cli.services import start_services
from daiss_bluesky.core.errors import unknown
from daiss_bluesky.services import launcher
from daiss_bluesky.services.launcher import Service
from daiss_bluesky.services.state import default_root


def restart(
    names: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="SERVICE",
            help="such as reconstructor; what has ended when none is named",
        ),
    ] = None,
    state: State = None,
    json_output: Json = False,
) -> None:
    """Start again what has ended, or the services named, at the same addresses.

    A scan goes on meanwhile, windows follow again by themselves, and nothing is lost;
    only the end of the twin ends a scan. Named, a service that runs is ended first:
    the reconstructor then reads its pipeline files anew.

    Examples: daiss restart; daiss restart reconstructor
    """
    fleet = Fleet.load((state or default_root()).resolve())
    chosen = _chosen(fleet, names or ())
    if chosen and "tiled" not in {one.name for one in fleet.services}:
        refuse_server(fleet.tiled_uri)
    killed = launcher.stop(chosen)
    started = [one.name for one in chosen]
    specs = [spec_of(fleet, name) for name in started]
    start_services(fleet, specs, Console(stderr=True, quiet=json_output))
    if json_output:
        typer.echo(json.dumps({"started": started, "killed": killed}))
    elif started:
        typer.echo(f"started again: {', '.join(started)}")
    else:
        typer.echo("all services run; name one to start it anew")


def _chosen(fleet: Fleet, names: Sequence[str]) -> list[Service]:
    """Give the services meant, in the order in which they are started."""
    known = [one.name for one in fleet.services]
    for name in names:
        if name not in known:
            raise unknown("service", name, known)
    return [
        one
        for one in fleet.services
        if (one.name in names if names else one.process() is None)
    ]
