"""Probes of finished runs, one file for each kind of optics, in the state directory."""

import hashlib
import logging
import os
from pathlib import Path
from typing import Any
from zipfile import BadZipFile

import numpy as np
from numpy.typing import NDArray

logger = logging.getLogger(__name__)


class ProbeFiles:
    """A ProbeStore; what cannot be read or written costs a guess, not a run."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def load(self, optics: str) -> NDArray[np.complex64] | None:
        """Give the last probe of these optics; None where there is none."""
        path = self._path(optics)
        try:
            with path.open("rb") as file, np.load(file, allow_pickle=False) as held:
                return np.asarray(held["probe"], np.complex64)
        except FileNotFoundError:
            return None
        except (OSError, ValueError, KeyError, EOFError, BadZipFile) as error:
            logger.warning("the last probe cannot be read: %s", error)
            return None

    def keep(self, optics: str, probe: NDArray[Any]) -> None:
        """Replace the file in one step."""
        path = self._path(optics)
        part = path.with_name(f".{path.name}.{os.getpid()}.part")
        try:
            self._folder.mkdir(parents=True, exist_ok=True)
            with part.open("wb") as file:
                np.savez(file, probe=probe, optics=np.array(optics))
            part.replace(path)
        except OSError as error:
            logger.warning("the probe is not kept for the next run: %s", error)

    def _path(self, optics: str) -> Path:
        digest = hashlib.sha256(optics.encode()).hexdigest()[:16]
        return self._folder / f"{digest}.npz"
