"""The embedded Tiled server: its files, its key, its process.

Started with `python -m daiss_bluesky.services.tiled_server --state DIR --port N`.
Nothing of tiled is imported before the server itself runs: that takes seconds.
"""

import asyncio
import json
import os
import secrets
import socket
import sys
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path
from string import Template
from threading import Thread
from typing import Annotated, Any

import typer
import yaml

from daiss_bluesky.core.errors import InputError, UnavailableError
from daiss_bluesky.core.resources import resource
from daiss_bluesky.services.epics_environment import LOOPBACK
from daiss_bluesky.services.ready import announce
from daiss_bluesky.services.state import STATE_VARIABLE, write_private

API_KEY = "TILED_API_KEY"
"""The environment variable that clients take the key from."""

PROFILE = "daiss"
RESULTS = "results"
LOCK_TIMEOUT_MS = 20_000
_KEY_VARIABLE = "TILED_SINGLE_USER_API_KEY"


def server_uri(port: int) -> str:
    """Give the address of the embedded server."""
    return f"http://{LOOPBACK}:{port}"


def results_dir(state_dir: Path) -> Path:
    """Tell where finished volumes lie, which the server only reads."""
    return state_dir.absolute() / RESULTS


def read_or_make_key(state_dir: Path) -> str:
    """Give the server's API key; generated once, readable by its owner only."""
    path = state_dir / "api_key"
    try:
        return path.read_text(encoding="ascii").strip()
    except FileNotFoundError:
        state_dir.mkdir(parents=True, exist_ok=True)
    key = secrets.token_hex(32)
    write_private(path, key)
    return key


def write_config(state_dir: Path, port: int, readable_roots: Sequence[Path]) -> Path:
    """Fill in the embedded configuration; the roots are where raw files may lie."""
    state = state_dir.absolute()
    for root in readable_roots:
        if not root.is_absolute():
            raise InputError(f"data root {str(root)!r} must be an absolute path")
    for folder in (state / "data", results_dir(state)):
        folder.mkdir(parents=True, exist_ok=True)
    roots = dict.fromkeys([*readable_roots, results_dir(state)])
    template = resource("tiled_config/embedded.yml").read_text(encoding="utf-8")
    text = Template(template).safe_substitute(
        STATE=str(state),
        PORT=port,
        READABLE=json.dumps([f"file://localhost{root}" for root in roots]),
    )
    path = state / "tiled.yml"
    path.write_text(text, encoding="utf-8")
    return path


def write_profile(state_dir: Path, port: int) -> Path:
    """Write the client profile `daiss`; give the folder for TILED_PROFILES.

    A profile has no place for a key but its address, so the file is private.
    """
    folder = state_dir.absolute() / "profiles"
    folder.mkdir(parents=True, exist_ok=True)
    key = read_or_make_key(state_dir)
    uri = f"{server_uri(port)}/api/v1?api_key={key}"
    write_private(folder / "daiss.yml", yaml.safe_dump({PROFILE: {"uri": uri}}))
    return folder


def start_command(
    state_dir: Path, port: int, data_roots: Sequence[Path] = ()
) -> list[str]:
    """Give the command that runs the server; the key travels by the state directory."""
    command = [sys.executable, "-m", "daiss_bluesky.services.tiled_server"]
    command += ["--state", str(state_dir), "--port", str(port)]
    for root in data_roots:
        command += ["--data-root", str(root)]
    return command


def run_server(
    state_dir: Path,
    port: int,
    data_roots: Sequence[Path],
    ready_file: Path | None = None,
) -> None:
    """Serve until terminated; the ready file appears when answers come quickly."""
    config = write_config(state_dir, port, data_roots)
    write_profile(state_dir, port)
    _refuse_taken_port(port)
    os.environ[_KEY_VARIABLE] = read_or_make_key(state_dir)
    # Where the web viewer finds the reconstructor.
    os.environ[STATE_VARIABLE] = str(state_dir.absolute())

    import uvicorn  # noqa: PLC0415
    from tiled.config import parse_configs  # noqa: PLC0415 - takes seconds
    from tiled.server.app import build_app_from_config  # noqa: PLC0415

    parsed = parse_configs(config)
    _make_catalog(state_dir.absolute() / "catalog.db")
    _let_writers_wait(f"sqlite:///{state_dir.absolute()}/tables.db")
    app = build_app_from_config(parsed)
    Thread(target=_get_ready, args=(state_dir, port, ready_file), daemon=True).start()
    uvicorn.run(app, **parsed.uvicorn)


def _get_ready(state_dir: Path, port: int, ready_file: Path | None) -> None:
    from daiss_bluesky.services.tiled_warm_up import warm_up  # noqa: PLC0415

    warm_up(server_uri(port), read_or_make_key(state_dir), results_dir(state_dir))
    announce(ready_file, uri=server_uri(port))


def _let_writers_wait(tables_uri: str) -> None:
    """Make SQLite wait for another writer instead of failing with "is locked"."""
    from sqlalchemy import event  # noqa: PLC0415
    from tiled.storage import parse_storage  # noqa: PLC0415

    def wait(connection: Any, _record: object) -> None:
        with connection.cursor() as cursor:
            cursor.execute(f"PRAGMA busy_timeout = {LOCK_TIMEOUT_MS}")
            cursor.fetchall()

    # tiled has no setting for it. It gives one storage, and so one pool, for one URI:
    # the catalog will be given this one.
    pool = parse_storage(tables_uri)._connection_pool  # noqa: SLF001
    event.listen(pool, "connect", wait)


def _make_catalog(path: Path) -> None:
    """Make the database here rather than in the process tiled would start for it."""
    if path.exists():
        return
    from sqlalchemy.ext.asyncio import create_async_engine  # noqa: PLC0415
    from tiled.alembic_utils import stamp_head  # noqa: PLC0415
    from tiled.catalog.alembic_constants import (  # noqa: PLC0415
        ALEMBIC_DIR,
        ALEMBIC_INI_TEMPLATE_PATH,
    )
    from tiled.catalog.core import initialize_database  # noqa: PLC0415

    async def make(draft_uri: str) -> None:
        engine = create_async_engine(draft_uri)
        try:
            await initialize_database(engine)
        finally:
            await engine.dispose()

    # Under another name until it is whole: a start may be interrupted.
    draft = path.with_name("catalog.new")
    draft.unlink(missing_ok=True)
    draft_uri = f"sqlite+aiosqlite:///{draft}"
    asyncio.run(make(draft_uri))
    stamp_head(ALEMBIC_INI_TEMPLATE_PATH, ALEMBIC_DIR, draft_uri)
    draft.replace(path)


def _refuse_taken_port(port: int) -> None:
    with closing(socket.socket()) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((LOOPBACK, port))
        except OSError:
            raise UnavailableError(
                f"port {port} for Tiled is in use by another program"
            ) from None


def main(
    state: Annotated[Path, typer.Option(help="where catalog, tables and key lie")],
    port: Annotated[int, typer.Option(help="port on loopback")],
    data_root: Annotated[
        list[Path] | None, typer.Option(help="where raw files may lie; repeatable")
    ] = None,
    ready_file: Annotated[Path | None, typer.Option(help="written when ready")] = None,
) -> None:
    """Serve the catalog of runs and reconstructions."""
    try:
        run_server(state, port, data_root or [], ready_file)
    except (InputError, UnavailableError) as error:
        typer.echo(str(error), err=True)
        raise typer.Exit(2) from None


if __name__ == "__main__":
    typer.run(main)
