"""`daiss demo`: what is printed at its end, and on Ctrl-C."""

import json
import sys

import typer
from rich.console import Console

from daiss_bluesky.cli.demo.options import DemoOptions
from daiss_bluesky.cli.options import check_picture, with_options
from daiss_bluesky.services.exit_codes import INTERRUPTED
from daiss_bluesky.services.interrupts import interrupts_held

WATCH = (
    "watch it live: daiss demo --view; or daiss up, daiss shell, and in another"
    " terminal daiss view, or daiss web --open for a browser"
)


@with_options(DemoOptions)
def demo(options: DemoOptions) -> None:
    """Run a live tomography scan on the simulated beamline, and report on it.

    Everything is started for it and stopped after it. Examples: daiss demo;
    daiss demo --size 512 --angles 721 --fly; daiss demo --view;
    daiss demo --scan scan.npz --json
    """
    check_picture(options.picture, makes_folder=True)
    console = Console(stderr=True, quiet=options.json_output)
    try:
        # Some of what is imported swallows whatever is raised meanwhile.
        with interrupts_held():
            from daiss_bluesky.cli.demo.run import run_demo  # noqa: PLC0415 - 2 s

        report = run_demo(options, console)
    except KeyboardInterrupt:
        print("interrupted: everything was stopped", file=sys.stderr)  # noqa: T201
        raise typer.Exit(INTERRUPTED) from None
    if options.json_output:
        typer.echo(json.dumps(report.as_dict()))
    else:
        report.show(Console())
        typer.echo(WATCH)
    if report.interrupted:
        raise typer.Exit(INTERRUPTED)
