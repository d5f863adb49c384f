"""Lengths and energies of HDF5 files, by the `units` beside them."""

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from daiss_bluesky.core.errors import InputError, unknown

LENGTHS_UM = {
    "m": 1e6, "meter": 1e6, "metre": 1e6, "mm": 1e3, "um": 1.0, "µm": 1.0, "μm": 1.0,
    "micron": 1.0, "microns": 1.0, "nm": 1e-3,
}  # fmt: skip
ENERGIES_KEV = {
    "j": 1 / 1.602176634e-16, "joule": 1 / 1.602176634e-16, "ev": 1e-3, "kev": 1.0,
    "gev": 1e6,
}  # fmt: skip


def length_um(dataset: Any, path: Path) -> NDArray[np.float64]:
    """Read lengths in micrometers."""
    return _read(dataset, path, LENGTHS_UM, "m")


def energy_kev(dataset: Any, path: Path) -> float:
    """Read one energy; of several, as of a scan at one energy, the first."""
    found = _read(dataset, path, ENERGIES_KEV, "J").ravel()
    if found.size == 0:
        raise InputError(f"{dataset.name} in {path} is empty")
    return float(found[0])


def _read(
    dataset: Any, path: Path, known: dict[str, float], default: str
) -> NDArray[np.float64]:
    units = dataset.attrs.get("units", default)
    if isinstance(units, np.ndarray):
        units = units.ravel()[0] if units.size else default
    if isinstance(units, bytes):
        units = units.decode(errors="replace")
    name = str(units).strip().lower()
    if name not in known:
        raise unknown(f"unit of {dataset.name} in {path}", units, known)
    try:
        values: NDArray[np.float64] = np.asarray(dataset[()], np.float64)
    except (TypeError, ValueError):
        raise InputError(f"{dataset.name} in {path} holds no numbers") from None
    return values * known[name]
