"""Axes of a run: what is measured of each frame beside its pixels.

Tomography has one, the rotation (radians); ptychography has two, row and column of the
probe on the sample (micrometers). Where a frame's value comes from, best first: a
dataset in a file (the one that documents name as the axis, else an NDAttribute beside
the frames), the readback in the frame's event, monitored readings interpolated at the
frame's time, the plan.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal, get_args

import numpy as np

from daiss_bluesky.core.frames import FrameKind

AxisSource = Literal["file", "readback", "monitor", "planned", "none"]
"""`none` is right for darks and flats."""

AXIS_SOURCES: tuple[AxisSource, ...] = get_args(AxisSource)
"""Best first."""

MEASURED_KINDS: frozenset[FrameKind] = frozenset({"projection", "pair", "diffraction"})
"""Frames that axes are measured for."""

STREAM = "STREAM:"


@dataclass(frozen=True, slots=True)
class Units:
    """Factors from what data keys call a unit to ours."""

    factors: Mapping[str, float]
    usual: float
    """Of a value that nothing gives a unit for."""
    unknown: float
    """Of a unit that is none of these; NaN: the value is not believed."""

    def factor(self, name: str | None) -> float:
        """Give the factor from a data key's units."""
        plain = (name or "").strip().lower()
        return self.factors.get(plain, self.unknown) if plain else self.usual


_DEGREE = float(np.deg2rad(1.0))
ANGLE_UNITS = Units(
    {"rad": 1.0, "rads": 1.0, "radian": 1.0, "radians": 1.0, "mrad": 1e-3},
    usual=_DEGREE,
    unknown=_DEGREE,
)

_LENGTHS = {
    1e6: ("m", "meter", "meters", "metre", "metres"),
    1e3: ("mm", "millimeter", "millimeters", "millimetre", "millimetres"),
    1.0: ("um", "\u00b5m", "\u03bcm", "micron", "microns", "micrometer", "micrometers"),
    1e-3: ("nm", "nanometer", "nanometers", "nanometre", "nanometres"),
}
LENGTH_UNITS = Units(
    {name: um for um, names in _LENGTHS.items() for name in names},
    usual=1.0,
    unknown=float("nan"),
)


@dataclass(frozen=True, slots=True)
class Axis:
    """One axis: the names it may have, and its units."""

    name: str
    """What moves, in sentences: rotation, row, column."""
    title: str
    """What a frame has of it, in sentences: angle, row position."""
    keys: tuple[str, ...]
    """Data keys or devices of its readback, best first."""
    units: Units
    attributes: tuple[str, ...]
    """NDAttributes that hold it, in the usual unit."""
    key_attributes: tuple[str, ...] = ()
    """NDAttributes that hold it in the unit of its data key; these come first."""
    steady: bool = True
    """Whether the plan, or a line past it, stands in for a reading that got lost.

    A stage that steps and overshoots does neither: its neighbors are elsewhere, and it
    takes more frames than planned, so that an index says nothing of the plan. There the
    plan is taken only where nothing measures the axis at all.
    """

    def attribute_factors(self, key_factor: float | None) -> dict[str, float]:
        """List the NDAttributes, best first; key_factor: of its data key, if known."""
        if key_factor is None or not np.isfinite(key_factor):
            key_factor = self.units.usual
        own = dict.fromkeys(self.key_attributes, key_factor)
        return own | {
            name: self.units.usual for name in self.attributes if name not in own
        }

    def find_key(
        self, descriptor: Mapping[str, Any], external: str | None
    ) -> str | None:
        """Find the axis's data key: by name, else by hinted field.

        external: "STREAM:" for one with values in a file, None for one in events.
        """
        data_keys = descriptor["data_keys"]
        hints = descriptor.get("hints") or {}
        for name in self.keys:
            fields = [name, *((hints.get(name) or {}).get("fields") or [])]
            for key in fields:
                if key in data_keys and data_keys[key].get("external") == external:
                    return str(key)
        return None
