"""The frozen table of the twin's PVs: what each holds and who may write it."""

import json
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

PATH = Path(__file__).with_name("pv_table.json")


@dataclass(frozen=True, slots=True)
class PvSpec:
    """What one PV holds."""

    kind: str
    """double, long, enum, string (40 characters), text (256) or longs (array)."""
    choices: list[str]
    read_only: bool

    def as_list(self) -> list[Any]:
        """Write it as the table does."""
        return [self.kind, "ro" if self.read_only else "rw", self.choices]


@cache
def _document() -> dict[str, Any]:
    document: dict[str, Any] = json.loads(PATH.read_text(encoding="utf-8"))
    return document


def area_detector_pvs() -> dict[str, PvSpec]:
    """PVs of camera and plugins by suffix, such as `cam1:Acquire_RBV`."""
    return _read("area_detector")


def motor_fields() -> dict[str, PvSpec]:
    """Fields of a motor record by name, such as `DMOV`; VAL is the record itself."""
    return _read("motor")


def _read(section: str) -> dict[str, PvSpec]:
    return {
        name: PvSpec(kind, choices, access == "ro")
        for name, (kind, access, choices) in _document()[section].items()
    }
