"""Where the probe goes: (row, column) in micrometers, in the order taken.

A larger row is further down in the picture of the object, a larger column further
right.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from daiss_bluesky.core.errors import InputError

GOLDEN_RAD = np.pi * (3 - np.sqrt(5))
MOST = 200_000
"""Positions of one scan; more is taken for a slip of the decimal point."""

NARROW = 20
"""Points of a spiral to one that lies inside a narrow rectangle, at most."""

Position = tuple[float, float]


def raster_axes_um(
    step_um: float, extent_um: Position, center_um: Position
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Give rows and columns of a raster that reaches over an extent, ends included."""
    n = [int(np.floor(extent / step_um + 1e-9)) + 1 for extent in extent_um]
    if n[0] * n[1] < 2:  # noqa: PLR2004
        raise InputError(
            f"extent_um = {extent_um[0]:g}, {extent_um[1]:g} holds a single step of"
            f" {step_um:g} micrometers"
        )
    _refuse_too_many(n[0] * n[1], step_um, extent_um)
    rows, columns = (
        middle + step_um * np.arange(-(count - 1) / 2, count / 2, dtype=np.float64)
        for middle, count in zip(center_um, n, strict=True)
    )
    return rows, columns


def _refuse_too_many(n: int, step_um: float, extent_um: Position) -> None:
    if n > MOST:
        raise InputError(
            f"extent_um = {extent_um[0]:g}, {extent_um[1]:g} in steps of {step_um:g}"
            f" micrometers gives {n} positions; at most {MOST} are expected"
        )


def grid_um(
    step_um: float,
    extent_um: Position,
    center_um: Position,
    *,
    jitter: float,
    seed: int,
) -> list[Position]:
    """Lay out a raster, every other row backwards.

    Each place is off by up to jitter × step along both axes, so that the raster's own
    period does not show in the reconstruction (Thibault et al., Ultramicroscopy 109,
    338, 2009, on periodic scans).
    """
    rows, columns = raster_axes_um(step_um, extent_um, center_um)
    places = np.stack(np.meshgrid(rows, columns, indexing="ij"), axis=-1)
    places[1::2] = places[1::2, ::-1]
    rng = np.random.default_rng(seed)
    places += jitter * step_um * rng.uniform(-1, 1, places.shape)
    return _listed(places.reshape(-1, 2))


def spiral_um(
    step_um: float, extent_um: Position, center_um: Position
) -> list[Position]:
    """Lay out a Fermat spiral from the middle outwards, inside a rectangle.

    Point n is at radius c·√n and angle n times the golden one (Huang et al., Opt.
    Express 22, 12634, 2014). Here c = step/√π: a point has step² to itself, as in a
    raster of that step.
    """
    height, width = extent_um
    _refuse_too_many(int(height * width / step_um**2), step_um, extent_um)
    spread_um = step_um / np.sqrt(np.pi)
    n = int((np.hypot(height, width) / 2 / spread_um) ** 2) + 1
    if n > NARROW * MOST:
        raise InputError(
            f"extent_um = {height:g}, {width:g} is too narrow for a spiral in steps of"
            f" {step_um:g} micrometers: take a grid"
        )
    radius, angle = spread_um * np.sqrt(np.arange(n)), GOLDEN_RAD * np.arange(n)
    places = np.stack([radius * np.sin(angle), radius * np.cos(angle)], axis=-1)
    inside = (2 * np.abs(places) <= np.array(extent_um) + 1e-9).all(axis=1)
    if inside.sum() < 2:  # noqa: PLR2004
        raise InputError(
            f"extent_um = {extent_um[0]:g}, {extent_um[1]:g} holds a single step of"
            f" {step_um:g} micrometers"
        )
    return _listed(places[inside] + center_um)


def _listed(places: NDArray[np.float64]) -> list[Position]:
    # Tenths of nanometers: no stage goes to more digits, and no document needs them.
    return [(float(y), float(x)) for y, x in np.round(places, 4)]


def listed_um(positions_um: Sequence[Any]) -> list[Position]:
    """Take positions as somebody lists them; refuse what is no list of pairs."""
    try:
        places = np.asarray(positions_um, np.float64)
    except (TypeError, ValueError):
        places = np.empty(0)
    if places.ndim != 2 or places.shape[1] != 2:  # noqa: PLR2004
        raise InputError("positions_um must be a list of pairs (row, column)")
    if len(places) < 2:  # noqa: PLR2004
        raise InputError(
            f"a ptychography scan needs at least 2 positions, not {len(places)}"
        )
    bad = np.flatnonzero(~np.isfinite(places).all(axis=1))
    if len(bad):
        raise InputError(f"positions_um[{bad[0]}] is not a pair of finite numbers")
    return [(float(y), float(x)) for y, x in places]
