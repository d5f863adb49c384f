"""Where a reconstructor takes requests and tells status, and the key to change it."""

import secrets
from dataclasses import dataclass, field
from pathlib import Path
from typing import Self

from daiss_bluesky.core.errors import InputError
from daiss_bluesky.services.state import StateDirectory, write_private


@dataclass(frozen=True, slots=True)
class ControlAddress:
    """Two ports of loopback, and the key; reading needs no key."""

    requests: int
    status: int
    key: str = field(default="", repr=False)

    @classmethod
    def of_state(cls, root: Path) -> Self:
        """Find the reconstructor that `daiss up` started in a state directory.

        UnavailableError if nothing runs there. Without permission to read the key the
        address is good for reading.
        """
        directory = StateDirectory(root)
        values = directory.read_services()
        try:
            ports = int(values["control"]), int(values["control_status"])
        except (KeyError, TypeError, ValueError):
            raise InputError(
                f"{directory.services} names no control ports: start it again"
                " (daiss down, daiss up)"
            ) from None
        return cls(*ports, read_control_key(root) or "")


def read_control_key(root: Path) -> str | None:
    """Give the key; None where there is none that this user may read."""
    try:
        return StateDirectory(root).control_key.read_text(encoding="ascii").strip()
    except (FileNotFoundError, PermissionError):
        return None


def read_or_make_control_key(root: Path) -> str:
    """Give the key; generated once, readable by its owner only."""
    found = read_control_key(root)
    if found:
        return found
    path = StateDirectory(root).control_key
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    write_private(path, secrets.token_hex(32))
    return path.read_text(encoding="ascii").strip()
