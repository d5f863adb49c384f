"""The state directory: where one beamline's services keep files, keys and addresses."""

import json
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from daiss_bluesky.core.errors import InputError, UnavailableError

STATE_VARIABLE = "DAISS_STATE"


def default_root() -> Path:
    """DAISS_STATE, or the user's own state directory."""
    if named := os.environ.get(STATE_VARIABLE):
        return Path(named).expanduser().resolve()
    return Path.home() / ".local" / "state" / "daiss"


@dataclass(frozen=True, slots=True)
class StateDirectory:
    """Names of everything inside a state directory."""

    root: Path

    @property
    def journal(self) -> Path:
        """Documents, in order."""
        return self.root / "journal"

    @property
    def raw(self) -> Path:
        """Detector files of the simulated beamline."""
        return self.root / "raw"

    @property
    def results(self) -> Path:
        """Final arrays of reconstructions."""
        return self.root / "results"

    @property
    def logs(self) -> Path:
        """One log file a service."""
        return self.root / "logs"

    @property
    def ready(self) -> Path:
        """One file a service, written when it is ready."""
        return self.root / "ready"

    @property
    def probes(self) -> Path:
        """Probes of finished runs, for the next."""
        return self.root / "probes"

    @property
    def scratch(self) -> Path:
        """Files that may go at any time."""
        return self.root / "scratch"

    @property
    def profiles(self) -> Path:
        """Tiled profiles for `from_profile` and databroker."""
        return self.root / "profiles"

    @property
    def services(self) -> Path:
        """What runs, where."""
        return self.root / "services.json"

    @property
    def api_key(self) -> Path:
        """What opens the Tiled server of this directory."""
        return self.root / "api_key"

    @property
    def control_key(self) -> Path:
        """What allows to change a reconstruction."""
        return self.root / "control_key"

    @property
    def wishes(self) -> Path:
        """What somebody set for a run, one file each."""
        return self.root / "wishes"

    @property
    def reruns(self) -> Path:
        """Runs that are to be reconstructed once more, one file each."""
        return self.root / "reruns"

    def make(self) -> None:
        """Create the directories, readable by the user alone.

        Raises InputError where that cannot be done, or nothing can be written.
        """
        try:
            self.root.mkdir(mode=0o700, parents=True, exist_ok=True)
            for path in (
                self.journal, self.raw, self.results, self.logs, self.ready,
                self.scratch, self.profiles,
            ):  # fmt: skip
                path.mkdir(exist_ok=True)
            (self.root / ".writable").touch()
            (self.root / ".writable").unlink(missing_ok=True)
        except OSError as error:
            raise InputError(
                f"{self.root} cannot be the state directory: {error.strerror}"
            ) from None

    def read_services(self) -> Any:
        """Read what runs; UnavailableError if nothing was started here."""
        try:
            started = self.services.exists()
        except PermissionError:
            raise UnavailableError(
                f"{self.root} may not be read by this user"
            ) from None
        if not started:
            raise UnavailableError(
                f"no services were started in {self.root} (daiss up)"
            )
        return read_json(self.services, "the list of services")


def write_json(path: Path, value: Any) -> None:
    """Replace a JSON file in one step; a reader sees the old or the new one."""
    part = path.with_name(f".{path.name}.{os.getpid()}.part")
    part.write_text(json.dumps(value, indent=1))
    part.replace(path)


def write_private(path: Path, text: str) -> None:
    """Replace a file that its owner alone may read."""
    draft = path.with_name(path.name + ".new")
    draft.unlink(missing_ok=True)
    fd = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(fd, "w", encoding="ascii") as file:
        file.write(text)
    draft.replace(path)


def read_json(path: Path, what: str) -> Any:
    """Read a JSON file of ours."""
    try:
        return json.loads(path.read_text())
    except FileNotFoundError:
        raise UnavailableError(f"{what} is not there: {path}") from None
    except ValueError:
        raise InputError(f"{what} is damaged: {path}") from None
