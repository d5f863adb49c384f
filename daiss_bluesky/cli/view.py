"""`daiss view`: the desktop window on the live result."""

import json
import os
import socket
import sys
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path
from typing import Annotated, Any

import typer

from daiss_bluesky.cli.fleet import Fleet
from daiss_bluesky.cli.fleet_plan import refuse_server
from daiss_bluesky.cli.options import Json, State, check_picture
from daiss_bluesky.cli.results_table import connect, refuse_absent
from daiss_bluesky.core.errors import InputError, UnavailableError
from daiss_bluesky.core.results import RECON_PATH
from daiss_bluesky.services.epics_environment import client_environment
from daiss_bluesky.services.state import default_root
from daiss_bluesky.services.tiled_server import API_KEY
from daiss_bluesky.viewers.sources.pva import PvaPlace

X_SOCKETS = Path("/tmp/.X11-unix")
BINDINGS = ("PyQt5", "PySide2", "PyQt6", "PySide6")
"""In the order in which one is chosen where QT_API does not say."""
COUNTS_WELL = (3, 12)
"""Below, PySide6 from LEAKING on drops a reference to True with each signal."""
LEAKING = (6, 12)


def view(
    run: Annotated[
        str | None,
        typer.Option(help="show this one: uid of a result or a run, or a scan id"),
    ] = None,
    tiled_uri: Annotated[
        str | None,
        typer.Option(help="a facility's Tiled server (key in TILED_API_KEY)"),
    ] = None,
    dark: Annotated[bool, typer.Option("--dark", help="dark colors")] = False,
    light: Annotated[bool, typer.Option("--light", help="light colors")] = False,
    picture: Annotated[
        Path | None, typer.Option(help="PNG to write of the window when it is closed")
    ] = None,
    close_after_s: Annotated[
        float | None,
        typer.Option("--close-after", help="close it after so many seconds"),
    ] = None,
    state: State = None,
    json_output: Json = False,
) -> None:
    """Watch the live reconstruction in a window; press ? there for its keys.

    Examples: daiss view; daiss view --light; daiss view --run 12;
    daiss view --tiled-uri https://tiled.example.org
    """
    if dark and light:
        raise InputError("--dark and --light: choose one")
    check_picture(picture)
    if close_after_s is not None and not close_after_s > 0:
        raise InputError(f"--close-after {close_after_s}: seconds, above 0")
    refuse_blind()
    uri, key, fleet = find_server(tiled_uri, state)
    result_uid = None if run is None else find_uid(connect(uri, key), run)
    from daiss_bluesky.services.control_client import (  # noqa: PLC0415
        ControlClient,
    )
    from daiss_bluesky.viewers.qt.app import (  # noqa: PLC0415 - a second, and Qt
        ViewerOptions,
        run_viewer,
    )

    client = None if fleet is None else ControlClient(fleet.control_address())
    options = ViewerOptions(
        uri,
        key,
        result_uid,
        None if fleet is None else fast_lane(fleet),
        "dark" if dark else "light" if light else None,
        picture=picture,
        close_after_s=close_after_s,
    )
    try:
        report = run_viewer(options, client)
    finally:
        if client is not None:
            client.close()
    if json_output:
        typer.echo(json.dumps(report))


def find_server(
    tiled_uri: str | None, state: Path | None
) -> tuple[str, str, Fleet | None]:
    """Give address and key of the Tiled server, and what `daiss up` runs beside it."""
    if tiled_uri is not None:
        refuse_server(tiled_uri)
        return tiled_uri, os.environ[API_KEY], None
    fleet = Fleet.load((state or default_root()).resolve())
    refuse_absent(fleet.tiled_uri)
    return fleet.tiled_uri, fleet.api_key(), fleet


def fast_lane(fleet: Fleet) -> PvaPlace:
    """Say where the pictures are on the beamline network."""
    environment = client_environment(fleet.epics) if fleet.epics else os.environ
    named = {k: v for k, v in environment.items() if k.startswith("EPICS_PVA_")}
    return PvaPlace(fleet.prefix, named or None)


def _aborts(pyside: str) -> bool:
    found = tuple(int(part) for part in pyside.split(".")[:2])
    return sys.version_info < COUNTS_WELL and found >= LEAKING


def refuse_blind() -> None:
    """Refuse without a screen or without Qt, where Qt itself would abort."""
    binding = next((one for one in BINDINGS if find_spec(one)), None)
    if binding is None:
        raise UnavailableError(
            "the desktop window needs Qt: pip install 'daiss-bluesky[view]'"
        )
    chosen = os.environ.get("QT_API") or binding
    if chosen.lower() == "pyside6" and _aborts(version("PySide6-Essentials")):
        raise UnavailableError(
            "PySide6 6.12 aborts under Python 3.11 after some minutes: use PyQt5, an"
            " older PySide6, or Python 3.12 or newer"
        )
    platform = os.environ.get("QT_QPA_PLATFORM", "")
    if not sys.platform.startswith("linux") or platform not in {"", "xcb"}:
        return
    if os.environ.get("WAYLAND_DISPLAY"):
        return
    display = os.environ.get("DISPLAY")
    if not display:
        raise UnavailableError(
            "no screen: DISPLAY is not set; log in with ssh -X, or open the web page"
        )
    if not display_answers(display):
        raise UnavailableError(f"no screen answers at DISPLAY={display}")


def display_answers(display: str) -> bool:
    """Tell whether an X server listens; one on another machine is taken as it is."""
    host, _, number = display.rpartition(":")
    if host not in {"", "unix"}:
        return True
    number = number.partition(".")[0]
    with socket.socket(socket.AF_UNIX) as probe:
        for place in (str(X_SOCKETS / f"X{number}"), f"\0{X_SOCKETS}/X{number}"):
            if probe.connect_ex(place) == 0:
                return True
    return False


def find_uid(client: Any, wanted: str) -> str:
    """Find the result meant by a result's uid, a run's uid or a scan id."""
    from tiled.queries import Key  # noqa: PLC0415 - half a second

    if RECON_PATH not in client:
        raise InputError(f"--run {wanted}: the server has no reconstruction yet")
    results = client[RECON_PATH]
    if wanted in results:
        return wanted
    found = list(results.search(Key("raw_uid") == wanted))
    if not found and wanted.isdigit():
        found = list(results.search(Key("scan_id") == int(wanted)))
    if not found:
        raise InputError(
            f"--run {wanted}: no reconstruction has this uid, run or scan id"
            " (daiss status)"
        )
    return str(found[-1])
