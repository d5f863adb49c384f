"""How a demo's scan ended."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Outcome:
    """How a demo's scan ended: the run, and its result's metadata in Tiled."""

    run_uid: str
    result: Mapping[str, Any]
    interrupted: bool
