"""`daiss center`: the rotation center of a stored scan, and how sure it is."""

import json
from pathlib import Path
from typing import Annotated

import typer

from daiss_bluesky.cli.options import Json, ScanFile, check_picture
from daiss_bluesky.core.errors import InputError


def center(
    file: ScanFile,
    fan: Annotated[
        int | None,
        typer.Option(help="candidate centers to reconstruct a slice at, 5 or more"),
    ] = None,
    row: Annotated[
        int | None, typer.Option(help="row of that slice; the middle if not given")
    ] = None,
    around_px: Annotated[
        float | None,
        typer.Option(help="middle of the candidates; the center found if not given"),
    ] = None,
    step_px: Annotated[
        float | None,
        typer.Option(help="between candidates; 1 about a sure center, else wide"),
    ] = None,
    picture: Annotated[
        Path | None, typer.Option(help="PNG of the candidates (default NAME-fan.png)")
    ] = None,
    json_output: Json = False,
) -> None:
    """Find the rotation center of a stored scan, its error, and the axis's tilt.

    Examples: daiss center scan.npz;
    daiss center scan.h5 --fan 21 --row 300 --step-px 0.5 --json
    """
    check_picture(picture)
    of_fan = {
        "--row": row, "--around-px": around_px, "--step-px": step_px,
        "--picture": picture,
    }  # fmt: skip
    given = [name for name, value in of_fan.items() if value is not None]
    if fan is None and given:
        raise InputError(f"{', '.join(given)}: only with --fan")
    from daiss_bluesky.cli.center_measure import (  # noqa: PLC0415 - takes a second
        FanRequest,
        measure,
    )

    request = None
    if fan is not None:
        target = picture or Path(f"{file.stem}-fan.png")
        request = FanRequest(fan, row, around_px, step_px, target)
    report = {"file": str(file), **measure(file, request, row)}
    if json_output:
        typer.echo(json.dumps(report))
        return
    for key, value in report.items():
        if isinstance(value, dict):
            for name, entry in value.items():
                typer.echo(f"{key + '.' + name:>18}  {entry}")
        else:
            typer.echo(f"{key:>18}  {value}")
