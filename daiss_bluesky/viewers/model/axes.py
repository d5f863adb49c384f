"""What the views are: their axes, their place, the size of their pixels."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Axes:
    """Names of rows and columns, and across which axis a slice is cut."""

    rows: str
    columns: str
    across: int | None = None
    """Index into (z, y, x)."""


SLICES = {
    "slice_xy": Axes("y", "x", 0),
    "slice_xz": Axes("z", "x", 1),
    "slice_yz": Axes("z", "y", 2),
}
OTHERS = {
    "projection": Axes("z", "s"),
    "sinogram": Axes("angle", "s"),
    "diffraction": Axes("row", "column"),
}
MAP = Axes("y", "x")
_OF_OBJECT = ("object_phase", "object_amplitude", "coverage", "probe")


def axes_of(view: str) -> Axes:
    """Give a view's axes; what is unknown is taken for a map of the sample."""
    return SLICES.get(view) or OTHERS.get(view) or MAP


def pixel_size_um(view: str, metadata: Mapping[str, Any]) -> float | None:
    """Give the size of a view's pixels, where the result says it."""
    geometry = metadata.get("geometry") or {}
    in_force = metadata.get("in_force") or {}
    if view in SLICES or view == "projection":
        return _positive(geometry.get("pixel_size_um"))
    if view == "diffraction":
        return _positive(geometry.get("detector_pixel_um"))
    if view in _OF_OBJECT:
        return _positive(in_force.get("object_pixel_um"))
    return None


def place_of(view: str, parameters: Mapping[str, Any]) -> int | None:
    """Tell which slice it is."""
    axes, place = axes_of(view), parameters.get("slices_zyx")
    if axes.across is None or not place:
        return None
    return int(place[axes.across])


def caption(
    metadata: Mapping[str, Any], angle_deg: float | None
) -> tuple[tuple[str, str], ...]:
    """Say on a picture what it is of."""
    found = [("scan", metadata.get("scan_id")), ("sample", metadata.get("sample"))]
    facts = [(name, str(value)) for name, value in found if value not in {None, ""}]
    if angle_deg is not None and not math.isnan(angle_deg):
        facts.append(("angle", f"{angle_deg:.2f}°"))
    return tuple(facts)


def _positive(value: Any) -> float | None:
    found = value[0] if isinstance(value, list | tuple) and value else value
    return float(found) if isinstance(found, int | float) and found > 0 else None
