"""What somebody set for a run while it was reconstructed, kept for a restart.

A reconstructor that is killed sees the run again from its beginning; what was set comes
into force before its first frame.
"""

import logging
import threading
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from daiss_bluesky.core.errors import DaissError, InputError
from daiss_bluesky.core.reconstruction import (
    AdjustableReconstruction,
    Reconstruction,
    SwitchableReconstruction,
    VolumeReconstruction,
)
from daiss_bluesky.services.state import read_json, write_json

logger = logging.getLogger(__name__)


def look(one: Reconstruction, z: int, y: int, x: int) -> None:
    """Let the views show these slices."""
    volume_of(one).look_at(z, y, x)


def center(one: Reconstruction, center_px: float | None) -> None:
    """Set the rotation center, or let it be found."""
    is_number = isinstance(center_px, int | float) and not isinstance(center_px, bool)
    if center_px is not None and not is_number:
        raise InputError(f"center_px is a number or null, not {center_px!r}")
    volume_of(one).set_center(center_px)


def update(one: Reconstruction, **switches: Any) -> None:
    """Switch what ptychography improves."""
    if not isinstance(one, SwitchableReconstruction):
        raise InputError(
            "the run that is being reconstructed has no probe and no positions to"
            " improve"
        )
    for name, value in switches.items():
        if value is not None and not isinstance(value, bool):
            raise InputError(f"{name} is true, false or null, not {value!r}")
    one.set_updates(**switches)


def parameters(one: Reconstruction, **changes: Any) -> None:
    """Change parameters that can change in mid-scan."""
    if not isinstance(one, AdjustableReconstruction):
        raise InputError("this algorithm has no parameters that change in mid-scan")
    one.set_parameters(changes)


WISHES: Mapping[str, Callable[..., None]] = {
    wish.__name__: wish for wish in (look, center, update, parameters)
}


def volume_of(one: Reconstruction) -> VolumeReconstruction:
    """Refuse a reconstruction that has no slices."""
    if isinstance(one, VolumeReconstruction):
        return one
    raise InputError("the run that is being reconstructed has no slices and no center")


class RunWishes:
    """The wishes for one result, in a file of their own."""

    def __init__(self, path: Path | None = None) -> None:
        """Read what was kept; without a path nothing outlives the process."""
        self._path = path
        self._lock = threading.Lock()
        self._kept: dict[str, dict[str, Any]] = {}
        if path is not None and path.exists():
            try:
                self._kept = dict(read_json(path, "what was set for a run"))
            except (DaissError, TypeError, ValueError) as error:
                logger.warning("what was set for a run is lost: %s", error)

    def fulfill(self, one: Reconstruction, name: str, by: str, **values: Any) -> None:
        """Do what is wished, and keep it; nothing is kept of what is refused."""
        WISHES[name](one, **values)
        given = {
            key: {"value": value, "by": by, "time_s": time.time()}
            for key, value in values.items()
            if value is not None or name == "center"
        }
        self._keep(name, given)

    def abort(self, by: str, message: str) -> None:
        """Keep that the reconstruction was aborted, and what its result says."""
        said = {"value": message, "by": by, "time_s": time.time()}
        self._keep("abort", {"message": said})

    @property
    def aborted(self) -> bool:
        """Tell whether nobody wants this reconstruction any more."""
        return "abort" in self._kept

    def apply(self, one: Reconstruction) -> None:
        """Bring a reconstruction that begins again to what was set before."""
        for name, values in self._snapshot().items():
            if name not in WISHES:
                continue
            try:
                WISHES[name](one, **{k: kept["value"] for k, kept in values.items()})
            except (DaissError, TypeError) as error:
                logger.warning("%s cannot be set again: %s", name, error)

    def parameters(self) -> dict[str, Any]:
        """Give what was set as parameters of a pipeline."""
        kept = self._snapshot()
        found: dict[str, Any] = {}
        for name in ("update", "parameters", "center"):
            for key, one in kept.get(name, {}).items():
                if one["value"] is not None:
                    found[key] = one["value"]
        return found

    def notes(self) -> dict[str, Any]:
        """Say who set what, and when, for the parameters in force of a result."""
        said = {
            key: None
            if one["value"] is None
            else {"by": one["by"], "time_s": one["time_s"]}
            for name, values in self._snapshot().items()
            if name in {"center", "update", "parameters"}
            for key, one in values.items()
        }
        return {"set_by": said} if said else {}

    def _snapshot(self) -> dict[str, dict[str, Any]]:
        with self._lock:
            return {name: dict(values) for name, values in self._kept.items()}

    def _keep(self, name: str, values: Mapping[str, Any]) -> None:
        with self._lock:
            self._kept.setdefault(name, {}).update(values)
            if self._path is not None:
                self._path.parent.mkdir(parents=True, exist_ok=True)
                write_json(self._path, self._kept)
