"""Which services a beamline will have: addresses chosen, files and ports checked."""

import os
import socket
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from daiss_bluesky.cli.fleet import PIPELINES, Fleet
from daiss_bluesky.cli.service_specs import spec_of
from daiss_bluesky.core.errors import InputError
from daiss_bluesky.core.pipeline import read_pipeline
from daiss_bluesky.core.registry import load
from daiss_bluesky.core.resources import resource
from daiss_bluesky.publishers.tiled_http import TiledHttp
from daiss_bluesky.services.epics_environment import LOOPBACK, EpicsPorts, free_ports
from daiss_bluesky.services.journal import JournalWriter
from daiss_bluesky.services.launcher import ServiceSpec
from daiss_bluesky.services.state import StateDirectory
from daiss_bluesky.services.tiled_server import API_KEY

LAST_PORT = 65535
READ_BEAMLINE = "daiss_devices.beamline_file:read_beamline"


@dataclass(frozen=True, slots=True)
class FleetPlan:
    """A fleet that is not running yet, and how to start each of its services."""

    fleet: Fleet
    specs: Sequence[ServiceSpec]


def plan_fleet(
    root: Path,
    *,
    prefix: str,
    beamline: Path | None,
    pipelines: Sequence[Path] = (),
    twin_arguments: Sequence[str] | None,
    tiled_uri: str | None = None,
    tiled_port: int | None = None,
) -> FleetPlan:
    """Choose addresses, check files and ports, make the state directory.

    A technique that `pipelines` leave out has the one that is shipped.
    """
    chosen = _by_technique(pipelines)
    if tiled_port is not None:
        _check_port(tiled_port)
    if tiled_uri is not None:
        refuse_server(tiled_uri)
    state = StateDirectory(root)
    state.make()
    # Consumers remember their place in one journal, so there must be one.
    JournalWriter(state.journal).close()
    proxy_in, proxy_out, control, control_status, free_port = free_ports(5)
    fleet = Fleet(
        state=root,
        prefix=prefix,
        beamline=(beamline or resource("profiles/twin.yml")).resolve(),
        pipelines=chosen,
        tiled_uri=tiled_uri or f"http://{LOOPBACK}:{tiled_port or free_port}",
        proxy_in=proxy_in,
        proxy_out=proxy_out,
        control=control,
        control_status=control_status,
        epics=None if twin_arguments is None else EpicsPorts.free(),
        data_root=state.raw if beamline is None else _data_root(beamline),
        twin_arguments=tuple(twin_arguments or ()),
    )
    names = ["proxy", "recorder", "reconstructor"]
    if tiled_uri is None:
        names.insert(0, "tiled")
    if twin_arguments is not None:
        names.insert(0, "twin")
    return FleetPlan(fleet, [spec_of(fleet, name) for name in names])


def _by_technique(pipelines: Sequence[Path]) -> dict[str, Path]:
    chosen = {name: resource(path) for name, path in PIPELINES.items()}
    given: dict[str, Path] = {}
    for path in pipelines:
        technique = read_pipeline(path).technique
        if technique in given:
            raise InputError(
                f"{given[technique]} and {path} are both pipelines for {technique}"
            )
        # Those who come later have other working directories.
        given[technique] = path.resolve()
    return chosen | given


def _data_root(beamline: Path) -> Path:
    """Read from a beamline file where its detector's files lie, as clients see it."""
    return Path(load(READ_BEAMLINE)(beamline, {}).data_root).expanduser().resolve()


def _check_port(port: int) -> None:
    if not 0 < port <= LAST_PORT:
        raise InputError(f"--tiled-port {port}: a port is 1 to {LAST_PORT}")
    if not is_free(port):
        raise InputError(f"port {port} is in use; name another --tiled-port")


def refuse_server(tiled_uri: str) -> None:
    """Refuse a Tiled server that is away or does not take the user's key."""
    if not tiled_uri.startswith(("http://", "https://")):
        raise InputError(f"--tiled-uri {tiled_uri!r}: http://... is expected")
    key = os.environ.get(API_KEY)
    if not key:
        raise InputError(f"--tiled-uri {tiled_uri} needs its API key in {API_KEY}")
    server = TiledHttp(tiled_uri, key)
    try:
        server.get("")
    finally:
        server.close()


def is_free(port: int) -> bool:
    """Tell whether nobody listens on a TCP port of loopback."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((LOOPBACK, port))
        except OSError:
            return False
    return True
