"""The commands of `daiss`; each imports what it needs when it runs."""

from importlib.metadata import version
from typing import Annotated

import typer

from daiss_bluesky.cli import (
    bench,
    center,
    doctor,
    export,
    look,
    reconstruct,
    rerun,
    restart,
    services,
    shell,
    twin,
    view,
    web,
)
from daiss_bluesky.cli.demo import command

app = typer.Typer(
    name="daiss",
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
)


def _tell_version(asked: bool) -> None:
    if asked:
        typer.echo(version("daiss-bluesky"))
        raise typer.Exit


@app.callback()
def daiss(
    _version: Annotated[
        bool,
        typer.Option(
            "--version",
            help="print the version",
            callback=_tell_version,
            is_eager=True,
        ),
    ] = False,
) -> None:
    """See the reconstruction while the scan is still running."""


app.command()(command.demo)
app.command()(services.up)
app.command()(restart.restart)
app.command()(services.down)
app.command()(services.status)
app.command()(shell.shell)
app.command()(view.view)
app.command()(web.web)
app.command()(look.look)
app.command()(look.recenter)
app.command()(look.update)
app.command()(rerun.rerun)
app.command()(rerun.abort)
app.command()(reconstruct.reconstruct)
app.command()(export.export)
app.command()(center.center)
app.command()(doctor.doctor)
app.command()(bench.bench)
app.command(
    context_settings={"allow_extra_args": True, "ignore_unknown_options": True},
    add_help_option=False,
)(twin.twin)
