"""Writes cli.md from the commands themselves: python docs/reference/generate_cli.py."""

import inspect
from pathlib import Path

import typer

from daiss_bluesky.cli.app import app
from daiss_devices.twin.settings import _parser

HEAD = """# Commands

Written by `python docs/reference/generate_cli.py`; `daiss COMMAND --help` says it too.

Exit codes: 0 done · 1 `doctor` found something wrong · 2 refused, with one sentence on
stderr · 130 Ctrl-C. With `--json` the last line of stdout is one JSON object.

Environment: `DAISS_STATE` the state directory (default `~/.local/state/daiss`) ·
`TILED_API_KEY` the key of a facility's Tiled server · `DAISS_LOG` level of the
services' logs (default WARNING) · `EPICS_*` with a beamline file.
"""
TWIN = """
## daiss twin

Serve a simulated EPICS beamline until Ctrl-C; what it serves: [the twin](twin.md).

"""
TABLE = ["| option | meaning | default |", "|---|---|---|"]


def option_row(parameter) -> str:
    """Give one row of a command's table."""
    if parameter.param_type_name == "argument":
        name = parameter.metavar or parameter.name.upper()
        return f"| `{name}` | {parameter.help} | |"
    names = [*parameter.opts, *parameter.secondary_opts]
    return row(names, parameter.help, parameter.default)


def row(names, meaning, default) -> str:
    """Give one row of a table; a switch that is off has no default worth a word."""
    shown = "" if default is None or default is False else f"`{default}`"
    return f"| `{', '.join(names)}` | {meaning} | {shown} |"


def twin_section() -> str:
    """Describe the twin, which parses its own command line."""
    actions = _parser()._actions  # noqa: SLF001 - argparse has no public list of them
    rows = [
        row(one.option_strings, one.help, one.default)
        for one in actions
        if one.dest != "help"
    ]
    return TWIN + "\n".join([*TABLE, *rows, ""])


def command_section(name: str, command) -> str:
    """Describe a command: what it does, and its options with their defaults."""
    text = inspect.cleandoc(command.help)
    rows = [option_row(one) for one in command.params if "--help" not in one.opts]
    return "\n".join(["", f"## daiss {name}", "", text, "", *TABLE, *rows, ""])


def page() -> str:
    """Give the whole page."""
    commands = typer.main.get_command(app).commands
    sections = [
        command_section(name, command)
        for name, command in commands.items()
        if name != "twin"
    ]
    return HEAD + "".join(sections) + twin_section()


if __name__ == "__main__":
    Path(__file__).with_name("cli.md").write_text(page(), encoding="utf-8")
