"""`daiss web`: the live result in a browser."""

import html
import json
import os
import webbrowser
from pathlib import Path
from typing import Annotated

import typer

from daiss_bluesky.cli.fleet import Fleet
from daiss_bluesky.cli.options import Json, State
from daiss_bluesky.cli.results_table import connect
from daiss_bluesky.cli.view import find_server, find_uid
from daiss_bluesky.core.errors import UnavailableError
from daiss_bluesky.services.state import StateDirectory, default_root, write_private
from daiss_bluesky.services.tiled_server import API_KEY
from daiss_bluesky.viewers.web.address import page_uri

DOOR = "open_web.html"


def web(
    run: Annotated[
        str | None,
        typer.Option(help="show this one: uid of a result or a run, or a scan id"),
    ] = None,
    tiled_uri: Annotated[
        str | None,
        typer.Option(help="a facility's Tiled server (key in TILED_API_KEY)"),
    ] = None,
    open_it: Annotated[
        bool, typer.Option("--open", help="open the browser, logged in")
    ] = False,
    with_key: Annotated[
        bool, typer.Option("--with-key", help="print the address with the key inside")
    ] = False,
    state: State = None,
    json_output: Json = False,
) -> None:
    """Tell where a browser shows the live reconstruction, or open one.

    Examples: daiss web; daiss web --open; daiss web --run 12 --open;
    daiss web --with-key --tiled-uri https://tiled.example.org
    """
    uri, key, fleet = find_server(tiled_uri, state)
    place = key_place(fleet) if fleet else f"in {API_KEY}"
    result_uid = None if run is None else find_uid(connect(uri, key), run)
    page = page_uri(uri, result_uid)
    whole = page_uri(uri, result_uid, key)
    if open_it:
        open_browser(whole, (state or default_root()).resolve())
    if json_output:
        typer.echo(json.dumps({"page": whole if with_key else page, "key": place}))
    elif with_key:
        typer.echo(whole)
    else:
        typer.echo(f"{page}   its key: {place}")


def key_place(fleet: Fleet) -> str:
    """Tell where the key of a fleet's server is, not what it is."""
    if os.environ.get(API_KEY):
        return f"in {API_KEY}"
    return str(StateDirectory(fleet.state).api_key)


def open_browser(address: str, root: Path) -> None:
    """Open an address with a key in it, which must not stand in a list of processes."""
    StateDirectory(root).make()
    door = root / DOOR
    target = html.escape(address, quote=True)
    write_private(door, f'<meta http-equiv="refresh" content="0; url={target}">\n')
    if not webbrowser.open(door.as_uri()):
        raise UnavailableError("no browser can be opened here (daiss web --with-key)")
