"""Which processes one beamline needs, with what arguments, at which addresses."""

import os
import socket
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any, Self

from daiss_bluesky.core.errors import InputError
from daiss_bluesky.core.pipeline import read_pipeline
from daiss_bluesky.core.registry import load
from daiss_bluesky.core.resources import resource
from daiss_bluesky.publishers.tiled_http import TiledHttp
from daiss_bluesky.services.control_address import (
    ControlAddress,
    read_control_key,
)
from daiss_bluesky.services.epics_environment import (
    LOOPBACK,
    EpicsPorts,
    client_environment,
    free_ports,
    results_environment,
    twin_environment,
)
from daiss_bluesky.services.journal import JournalWriter
from daiss_bluesky.services.launcher import Service, ServiceSpec
from daiss_bluesky.services.state import StateDirectory, write_json
from daiss_bluesky.services.tiled_server import API_KEY, read_or_make_key

PVA_INTERFACES = "EPICS_PVAS_INTF_ADDR_LIST"
LAST_PORT = 65535
PIPELINES = {
    "tomography": "profiles/tomography.yml",
    "ptychography": "profiles/ptychography.yml",
}
STATION = "daiss_devices.station:load_station"
READ_BEAMLINE = "daiss_devices.beamline_file:read_beamline"


@dataclass(frozen=True, slots=True)
class Fleet:
    """The services of one beamline; what `daiss up` leaves in the state directory."""

    state: Path
    prefix: str
    beamline: Path
    pipelines: Mapping[str, Path]
    """By technique."""
    tiled_uri: str
    proxy_in: int
    proxy_out: int
    control: int
    """Where the reconstructor takes requests."""
    control_status: int
    """Where it tells how far it is."""
    epics: EpicsPorts | None
    """None: the facility's own EPICS, found through the user's environment."""
    data_root: Path
    """Where the detector's files lie."""
    services: tuple[Service, ...] = field(default=())

    def save(self) -> None:
        """Store it for `daiss shell`, `status` and `down`."""
        values = asdict(self) | {
            "state": str(self.state),
            "beamline": str(self.beamline),
            "pipelines": {k: str(path) for k, path in self.pipelines.items()},
            "data_root": str(self.data_root),
            "control_key": str(self.control_key),
        }
        write_json(StateDirectory(self.state).services, values)

    @classmethod
    def load(cls, root: Path) -> Self:
        """Read what runs; UnavailableError if nothing was started here."""
        values: dict[str, Any] = StateDirectory(root).read_services()
        # For those who are no Python program of ours; here the state directory says it.
        values.pop("control_key", None)
        epics = values["epics"]
        return cls(
            **values
            | {
                "state": Path(values["state"]),
                "beamline": Path(values["beamline"]),
                "pipelines": {k: Path(path) for k, path in values["pipelines"].items()},
                "data_root": Path(values["data_root"]),
                "epics": EpicsPorts(**epics) if epics else None,
                "services": tuple(Service(**one) for one in values["services"]),
            }
        )

    def addresses(self) -> dict[str, Any]:
        """Say where clients find it: an URI, and ports of loopback."""
        return {
            "tiled_uri": self.tiled_uri,
            "proxy_in": self.proxy_in,
            "proxy_out": self.proxy_out,
            "control": self.control,
            "control_status": self.control_status,
            "control_key": str(self.control_key),
        }

    @property
    def control_key(self) -> Path:
        """Name the file with the key that changes a reconstruction."""
        return StateDirectory(self.state).control_key

    def control_address(self) -> ControlAddress:
        """Give where the reconstructor is asked, with the key where it may be read."""
        key = read_control_key(self.state) or ""
        return ControlAddress(self.control, self.control_status, key)

    def with_services(self, services: Sequence[Service]) -> "Fleet":
        """Give the same fleet with these processes."""
        return replace(self, services=tuple(services))

    def api_key(self) -> str:
        """Give the key of the Tiled server: the user's own, or this directory's."""
        return os.environ.get(API_KEY) or read_or_make_key(self.state)

    def client_environment(self) -> dict[str, str]:
        """Variables for a process that scans or follows; set before importing epics."""
        directory = StateDirectory(self.state)
        mine = {
            "DAISS_STATE": str(self.state),
            "TILED_PROFILES": str(directory.profiles),
            API_KEY: self.api_key(),
        }
        return mine | (client_environment(self.epics) if self.epics else {})


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
        beamline=beamline or resource("profiles/twin.yml"),
        pipelines=chosen,
        tiled_uri=tiled_uri or f"http://{LOOPBACK}:{tiled_port or free_port}",
        proxy_in=proxy_in,
        proxy_out=proxy_out,
        control=control,
        control_status=control_status,
        epics=None if twin_arguments is None else EpicsPorts.free(),
        data_root=state.raw if beamline is None else _data_root(beamline),
    )
    specs = [_proxy(fleet), _recorder(fleet), _reconstructor(fleet)]
    if tiled_uri is None:
        specs.insert(0, _tiled(fleet, tiled_port or free_port))
    if twin_arguments is not None:
        specs.insert(0, _twin(fleet, twin_arguments))
    return FleetPlan(fleet, specs)


def _by_technique(pipelines: Sequence[Path]) -> dict[str, Path]:
    chosen = {name: resource(path) for name, path in PIPELINES.items()}
    given: dict[str, Path] = {}
    for path in pipelines:
        technique = read_pipeline(path).technique
        if technique in given:
            raise InputError(
                f"{given[technique]} and {path} are both pipelines for {technique}"
            )
        given[technique] = path
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


def answers(port: int) -> bool:
    """Tell whether somebody accepts connections on a TCP port of loopback."""
    with socket.socket() as probe:
        probe.settimeout(1.0)
        return probe.connect_ex((LOOPBACK, port)) == 0


def _ready_file(fleet: Fleet, name: str) -> Path:
    path = StateDirectory(fleet.state).ready / f"{name}.json"
    path.unlink(missing_ok=True)
    return path


def _twin(fleet: Fleet, arguments: Sequence[str]) -> ServiceSpec:
    ports = fleet.epics
    assert ports is not None  # noqa: S101 - plan_fleet gave a twin its ports
    ready = _ready_file(fleet, "twin")
    return ServiceSpec(
        "twin",
        "daiss_devices.twin",
        [
            *("--prefix", fleet.prefix, "--data-root", str(fleet.data_root)),
            *("--state-file", str(ready), *arguments),
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


def _tiled(fleet: Fleet, port: int) -> ServiceSpec:
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
