"""`daiss twin`: the simulated EPICS beamline by itself."""

import typer

from daiss_bluesky.core.registry import load


def twin(context: typer.Context) -> None:
    """Serve a simulated EPICS beamline until Ctrl-C; `daiss twin --help` lists all."""
    raise typer.Exit(load("daiss_devices.twin.main:main")(context.args))
