"""Which processes one beamline needs, with what arguments, at which addresses."""

import os
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any, Self

from daiss_bluesky.core.errors import UnavailableError
from daiss_bluesky.services.epics_environment import (
    EpicsPorts,
    client_environment,
)
from daiss_bluesky.services.launcher import Service
from daiss_bluesky.services.state import StateDirectory, read_json, write_json

API_KEY = "TILED_API_KEY"


@dataclass(frozen=True, slots=True)
class Fleet:
    """The services of one beamline; what `daiss up` leaves in the state directory."""

    state: Path
    prefix: str
    beamline: Path
    pipeline: Path
    tiled_uri: str
    proxy_in: int
    proxy_out: int
    epics: EpicsPorts | None
    """None: the facility's own EPICS, found through the user's environment."""
    services: tuple[Service, ...] = field(default=())

    def save(self) -> None:
        """Store it for `daiss shell`, `status` and `down`."""
        values = asdict(self) | {
            "state": str(self.state),
            "beamline": str(self.beamline),
            "pipeline": str(self.pipeline),
        }
        write_json(StateDirectory(self.state).services, values)

    @classmethod
    def load(cls, root: Path) -> Self:
        """Read what runs; UnavailableError if nothing was started here."""
        path = StateDirectory(root).services
        if not path.exists():
            raise UnavailableError(f"no services were started in {root} (daiss up)")
        values: dict[str, Any] = read_json(path, "the list of services")
        epics = values["epics"]
        return cls(
            **values
            | {
                "state": Path(values["state"]),
                "beamline": Path(values["beamline"]),
                "pipeline": Path(values["pipeline"]),
                "epics": EpicsPorts(**epics) if epics else None,
                "services": tuple(Service(**one) for one in values["services"]),
            }
        )

    def with_services(self, services: Sequence[Service]) -> "Fleet":
        """Give the same fleet with these processes."""
        return replace(self, services=tuple(services))

    def client_environment(self) -> dict[str, str]:
        """Variables for a process that scans or follows; set before importing epics."""
        directory = StateDirectory(self.state)
        mine = {
            "DAISS_STATE": str(self.state),
            "TILED_PROFILES": str(directory.profiles),
            API_KEY: os.environ.get(API_KEY) or directory.api_key(),
        }
        return mine | (client_environment(self.epics) if self.epics else {})
