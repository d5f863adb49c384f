"""The `daiss` command: parses, wires the rooms together, nothing else."""

import sys

import typer

from daiss_bluesky.cli import doctor, reconstruct, services, shell, twin
from daiss_bluesky.cli.demo import command
from daiss_bluesky.core.errors import DaissError

REFUSED = 2

app = typer.Typer(
    name="daiss",
    help="See the reconstruction while the scan is still running.",
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
)
app.command()(command.demo)
app.command()(services.up)
app.command()(services.down)
app.command()(services.status)
app.command()(shell.shell)
app.command()(reconstruct.reconstruct)
app.command()(doctor.doctor)
app.command(
    context_settings={"allow_extra_args": True, "ignore_unknown_options": True},
    add_help_option=False,
)(twin.twin)


def main() -> None:
    """Run the command line; a refusal is one sentence and exit code 2."""
    try:
        app()
    except DaissError as error:
        print(f"error: {error}", file=sys.stderr)  # noqa: T201 - it is for the user
        sys.exit(REFUSED)
