"""The services of one beamline, at which addresses."""

import os
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any, Self

from daiss_bluesky.services.control_address import (
    ControlAddress,
    read_control_key,
)
from daiss_bluesky.services.epics_environment import EpicsPorts, client_environment
from daiss_bluesky.services.launcher import Service
from daiss_bluesky.services.state import StateDirectory, write_json
from daiss_bluesky.services.tiled_server import API_KEY, read_or_make_key

PIPELINES = {
    "tomography": "profiles/tomography.yml",
    "ptychography": "profiles/ptychography.yml",
}
STATION = "daiss_devices.station:load_station"


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
    twin_arguments: tuple[str, ...] = ()
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
                "twin_arguments": tuple(values.get("twin_arguments", ())),
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

    def with_service(self, one: Service) -> "Fleet":
        """Give the same fleet with this process, in place of one of the same name."""
        services = {known.name: known for known in self.services} | {one.name: one}
        return replace(self, services=tuple(services.values()))

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
