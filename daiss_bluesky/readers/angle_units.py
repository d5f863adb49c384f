"""Units of angles, as HDF5 files name them in attributes."""

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from daiss_bluesky.core.errors import unknown

_DEGREES = ("deg", "degree", "degrees", "°")
_RADIANS = ("rad", "radian", "radians")


def to_radians(
    values: NDArray[np.float64], dataset: Any, path: Path
) -> NDArray[np.float64]:
    """Convert by the dataset's `units`; degrees where it names none."""
    units = dataset.attrs.get("units", "deg")
    if isinstance(units, np.ndarray):
        units = units.ravel()[0] if units.size else "deg"
    if isinstance(units, bytes):
        units = units.decode(errors="replace")
    name = str(units).strip().lower()
    if name in _RADIANS:
        return values
    if name in _DEGREES:
        return np.deg2rad(values)
    raise unknown(f"unit of {dataset.name} in {path}", units, _DEGREES + _RADIANS)
