"""`daiss look`, `recenter` and `update`: ask the reconstruction that is under way."""

import json
from pathlib import Path
from typing import Annotated, Any

import typer

from daiss_bluesky.cli.options import Json, State, check_picture
from daiss_bluesky.core.errors import InputError, UnavailableError
from daiss_bluesky.services.control_client import ControlClient
from daiss_bluesky.services.state import default_root


def look(
    z: Annotated[int | None, typer.Option(help="slice along the axis")] = None,
    y: Annotated[int | None, typer.Option(help="slice across it")] = None,
    x: Annotated[int | None, typer.Option(help="slice across it")] = None,
    stay: Annotated[
        bool, typer.Option("--stay", help="leave the live views where they are")
    ] = False,
    picture: Annotated[Path | None, typer.Option(help="PNG to write")] = None,
    state: State = None,
    json_output: Json = False,
) -> None:
    """Show slices anywhere in the scan under way, and move the live views there.

    Examples: daiss look --z 40; daiss look --x 100 --stay --picture slices.png
    """
    check_picture(picture)
    with client_of(state) as client:
        present = client.status().parameters.get("slices_zyx")
        if present is None:
            raise UnavailableError("no slice has been made yet of the newest run")
        wanted = (z, y, x)
        place = [b if a is None else a for a, b in zip(wanted, present, strict=True)]
        where: dict[str, Any] = dict(zip("zyx", place, strict=True))
        slices = client.slices(**where)
        if not stay:
            client.look(**where)
    if picture is not None:
        _save(picture, slices, where)
    report = {"slices_zyx": place, "picture": picture and str(picture)}
    tell(report, json_output)


def recenter(
    center_px: Annotated[
        float | None, typer.Argument(help="columns from the left edge")
    ] = None,
    state: State = None,
    json_output: Json = False,
) -> None:
    """Set the rotation center of the scan under way; without a number, find it again.

    The projections so far are read again; none is lost. Example: daiss recenter 65.2
    """
    with client_of(state) as client:
        client.center(center_px)
    found = "found again" if center_px is None else center_px
    tell({"center_px": center_px if json_output else found}, json_output)


def update(
    update_probe: Annotated[
        bool | None, typer.Option("--probe/--no-probe", help="improve the probe")
    ] = None,
    update_object: Annotated[
        bool | None, typer.Option("--object/--no-object", help="improve the object")
    ] = None,
    refine_positions: Annotated[
        bool | None,
        typer.Option(
            "--positions/--no-positions",
            help="refine positions in the passes at the end",
        ),
    ] = None,
    state: State = None,
    json_output: Json = False,
) -> None:
    """Switch what the ptychography under way improves from now on.

    Examples: daiss update --no-probe; daiss update --probe --no-positions
    """
    wanted = {
        "update_probe": update_probe,
        "update_object": update_object,
        "refine_positions": refine_positions,
    }
    given: dict[str, Any] = {
        name: value for name, value in wanted.items() if value is not None
    }
    if not given:
        raise InputError("say what to switch: --probe, --no-probe, --no-positions ...")
    with client_of(state) as client:
        client.update(**given)
    tell(given, json_output)


def client_of(state: Path | None) -> ControlClient:
    """Find the reconstructor of a state directory."""
    return ControlClient.of_state((state or default_root()).resolve())


def _save(path: Path, slices: dict[str, Any], where: dict[str, int]) -> None:
    from daiss_bluesky.cli.picture import save_picture  # noqa: PLC0415 - a second

    named = {"slice_xy": "z", "slice_xz": "y", "slice_yz": "x"}
    panels = {
        f"slice {axis} = {where[axis]}": slices[name] for name, axis in named.items()
    }
    save_picture(path, panels, "of the scan under way")


def tell(report: dict[str, Any], json_output: bool) -> None:
    """Say what was done, in lines or as one JSON object."""
    if json_output:
        typer.echo(json.dumps(report))
        return
    for key, value in report.items():
        if value is not None:
            typer.echo(f"{key}: {value}")
