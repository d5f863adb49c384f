"""How each service of a fleet is started, for the first time and again."""

import os
import socket
from collections.abc import Callable
from pathlib import Path
from urllib.parse import urlsplit

from daiss_bluesky.cli.fleet import Fleet
from daiss_bluesky.services.epics_environment import (
    LOOPBACK,
    results_environment,
    twin_environment,
)
from daiss_bluesky.services.launcher import ServiceSpec
from daiss_bluesky.services.state import StateDirectory
from daiss_bluesky.services.tiled_server import API_KEY

PVA_INTERFACES = "EPICS_PVAS_INTF_ADDR_LIST"


def spec_of(fleet: Fleet, name: str) -> ServiceSpec:
    """Say how a service is started, with its address; it counts as not ready yet."""
    return _MAKERS[name](fleet)


def answers(port: int) -> bool:
    """Tell whether somebody accepts connections on a TCP port of loopback."""
    with socket.socket() as probe:
        probe.settimeout(1.0)
        return probe.connect_ex((LOOPBACK, port)) == 0


def _ready_file(fleet: Fleet, name: str) -> Path:
    path = StateDirectory(fleet.state).ready / f"{name}.json"
    path.unlink(missing_ok=True)
    return path


def _twin(fleet: Fleet) -> ServiceSpec:
    ports = fleet.epics
    assert ports is not None  # noqa: S101 - plan_fleet gave a twin its ports
    ready = _ready_file(fleet, "twin")
    return ServiceSpec(
        "twin",
        "daiss_devices.twin",
        [
            *("--prefix", fleet.prefix, "--data-root", str(fleet.data_root)),
            *("--state-file", str(ready), *fleet.twin_arguments),
        ],
        ready.exists,
        twin_environment(ports),
        f"EPICS {fleet.prefix} CA {ports.ca}, PVA {ports.pva}",
    )


def _proxy(fleet: Fleet) -> ServiceSpec:
    return ServiceSpec(
        "proxy",
        "daiss_bluesky.services.proxy",
        [*("--in-port", str(fleet.proxy_in)), *("--out-port", str(fleet.proxy_out))],
        lambda: answers(fleet.proxy_in) and answers(fleet.proxy_out),
        {},
        f"0MQ in {fleet.proxy_in}, out {fleet.proxy_out}",
    )


def _tiled(fleet: Fleet) -> ServiceSpec:
    port = urlsplit(fleet.tiled_uri).port
    ready = _ready_file(fleet, "tiled")
    return ServiceSpec(
        "tiled",
        "daiss_bluesky.services.tiled_server",
        [
            *("--state", str(fleet.state), "--port", str(port)),
            *("--data-root", str(fleet.data_root), "--ready-file", str(ready)),
        ],
        ready.exists,
        {},
        fleet.tiled_uri,
    )


def _follower(
    fleet: Fleet, name: str, *arguments: str, address: str = ""
) -> ServiceSpec:
    ready = _ready_file(fleet, name)
    # Compute threads that spin while they wait take the cores from the others.
    environment = {API_KEY: fleet.api_key(), "OMP_WAIT_POLICY": "passive"}
    if fleet.epics:
        environment |= results_environment(fleet.epics)
    else:
        listens = os.environ.get(PVA_INTERFACES, LOOPBACK)
        environment[PVA_INTERFACES] = listens
    return ServiceSpec(
        name,
        f"daiss_bluesky.services.{name}",
        [
            *("--state", str(fleet.state), "--tiled-uri", fleet.tiled_uri),
            *("--proxy-address", f"{LOOPBACK}:{fleet.proxy_out}"),
            *("--ready-file", str(ready), *arguments),
        ],
        ready.exists,
        environment,
        address,
    )


def _recorder(fleet: Fleet) -> ServiceSpec:
    return _follower(fleet, "recorder")


def _reconstructor(fleet: Fleet) -> ServiceSpec:
    arguments = ["--prefix", fleet.prefix]
    for path in fleet.pipelines.values():
        arguments += ["--pipeline", str(path)]
    arguments += ["--data-root", str(fleet.data_root)]
    arguments += ["--control-port", str(fleet.control)]
    arguments += ["--status-port", str(fleet.control_status)]
    address = f"0MQ requests {fleet.control}, status {fleet.control_status}"
    return _follower(fleet, "reconstructor", *arguments, address=address)


_MAKERS: dict[str, Callable[[Fleet], ServiceSpec]] = {
    "twin": _twin,
    "tiled": _tiled,
    "proxy": _proxy,
    "recorder": _recorder,
    "reconstructor": _reconstructor,
}
