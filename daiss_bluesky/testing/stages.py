"""Stages of composed scans: their axes, and where each event finds them."""

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from daiss_bluesky.core.frames import FrameKind
from daiss_bluesky.core.ptychography import PTYCHOGRAPHY_KEY
from daiss_bluesky.core.scan import START_KEY

ROTATION_KEY = "rotation"
POSITION_KEYS = ("stage_y", "stage_x")
FLY_ANGLE = "encoder"
"""A name that only the documents of the style `fly` tell."""
STEP_DEG = 10.0
READBACK_DEG = 0.25
"""Measured angles are this far from the planned ones."""

_UM = {"m": 1e6, "mm": 1e3, "um": 1.0, "nm": 1e-3}
_RASTER_COLUMNS = 4


@dataclass(frozen=True, slots=True)
class StageAxis:
    """One axis, as documents and file name it."""

    key: str
    units: str
    factor: float
    """To radians or micrometers."""
    attribute: str
    """NDAttribute that a reader knows by name."""
    encoder: str
    """A name that only the documents of the style `fly` tell."""


class Stage(ABC):
    """What a composed scan moves."""

    axes: tuple[StageAxis, ...]
    start_key: str
    streams: Mapping[str, FrameKind]

    @abstractmethod
    def record(self, n: int, per_event: int) -> dict[str, Any]:
        """Give what the start document says of n events."""

    @abstractmethod
    def measured(self, i: int) -> tuple[float, ...]:
        """Give the readback of each axis in event i, in the axis's units."""


class RotationStage(Stage):
    """Tomography: a rotation in degrees."""

    axes = (StageAxis(ROTATION_KEY, "deg", float(np.deg2rad(1.0)), "theta", FLY_ANGLE),)
    start_key = START_KEY
    streams: Mapping[str, FrameKind] = {
        "dark": "dark",
        "flat": "flat",
        "primary": "projection",
    }

    def record(self, n: int, per_event: int) -> dict[str, Any]:
        """Plan equal steps."""
        angles = [STEP_DEG * (i // per_event) for i in range(n * per_event)]
        return {"angles_deg": angles, "rotation_key": ROTATION_KEY}

    def measured(self, i: int) -> tuple[float, ...]:
        """Give the angle."""
        return (STEP_DEG * i + READBACK_DEG,)


class ScanningStage(Stage):
    """Ptychography: a raster of rows and columns; all positions are different.

    Events of `overshoot` are not planned, and lie far outside what is.
    """

    start_key = PTYCHOGRAPHY_KEY
    streams: Mapping[str, FrameKind] = {
        "dark": "dark",
        "primary": "diffraction",
    }

    def __init__(
        self,
        units: tuple[str, str] = ("um", "um"),
        *,
        overshoot: frozenset[int] = frozenset(),
        with_plan: bool = True,
        attributes: tuple[str, str] = ("piezo_y", "piezo_x"),
    ) -> None:
        """units: of the readbacks in documents and file, for row and column."""
        self.axes = tuple(
            StageAxis(key, unit, _UM[unit], attribute, f"encoder_{key}")
            for key, unit, attribute in zip(
                POSITION_KEYS, units, attributes, strict=True
            )
        )
        self._overshoot = overshoot
        self._with_plan = with_plan

    def record(self, n: int, per_event: int) -> dict[str, Any]:
        """Plan the raster without the events that overshoot."""
        planned = [self._planned_um(i) for i in range(n) if i not in self._overshoot]
        positions = [position for position in planned for _ in range(per_event)]
        return {
            "positions_um": positions if self._with_plan else None,
            "position_keys": POSITION_KEYS,
            "counts": {"diffraction": len(positions)},
        }

    def measured(self, i: int) -> tuple[float, ...]:
        """Give row and column, off the plan by a little of its own for each event."""
        row, column = self._planned_um(i)
        position = (row + 0.25 + 0.01 * i, column - 0.125 - 0.02 * i)
        if i in self._overshoot:
            position = (-40.0 - i, 900.0 + i)
        return tuple(
            value / axis.factor for value, axis in zip(position, self.axes, strict=True)
        )

    @staticmethod
    def _planned_um(i: int) -> tuple[float, float]:
        return 2.0 * (i // _RASTER_COLUMNS), 3.0 * (i % _RASTER_COLUMNS)
