"""Parallel-beam geometry: orders of angles, their weights, their coverage.

A projection at angle θ integrates f along the ray s = x·cos θ + y·sin θ, with s in
columns from the rotation center and x, y in pixels from the middle of the slice. The
center is counted in columns from the left edge of the detector: column i spans i to
i + 1, and n / 2 is the middle of n columns.
"""

from typing import Literal, get_args

import numpy as np
from numpy.typing import ArrayLike, NDArray

from daiss_bluesky.core.errors import InputError, unknown

Order = Literal["sequential", "interlaced", "golden"]
ORDERS: tuple[Order, ...] = get_args(Order)

GOLDEN_FRACTION = (5**0.5 - 1) / 2
"""Of the angular range between successive golden-angle projections (Köhler 2004)."""

SNAP = 0.25
"""Gaps this close to the usual one (relative) count as the usual one: stage jitter."""

MAX_TURNS = 12
"""Radians that span more turns than this (75 and more) are taken for degrees: scans
take a few turns, and degrees of a quarter turn or more are beyond."""

WEDGE = 3.0
"""A gap this many usual ones wide is more than a coarse step; golden-angle gaps differ
by at most a factor of 2.618."""

WEDGE_RAD = (np.deg2rad(30.0), np.deg2rad(60.0))
"""Such a gap is filled by the projections beside it up to the first width, and not at
all from the second on: measured, to fill less or more makes a slice worse."""

_SAME = 0.05
"""Of the mean gap: projections that close stand for one place together."""

_DRIFT = 0.5
"""Of a usual gap, that snapped gaps may add up to: jitter comes back, a change of the
step does not."""

_UNSEEN_RAD = np.deg2rad(5.0)
"""A gap that is wide and more than this counts as not covered."""


def projection_angles_deg(
    n: int,
    *,
    start_deg: float = 0.0,
    range_deg: float = 180.0,
    order: Order = "sequential",
    passes: int = 8,
) -> NDArray[np.float64]:
    """List n angles over a range in the order they are taken, its end not repeated.

    `interlaced` visits every `passes`-th angle, then the ones between, in bit-reversed
    order of the passes, so that coverage is even after each pass; `golden` is even
    after any number of projections.
    """
    if order not in ORDERS:
        raise unknown("order", order, ORDERS)
    if n < 2:  # noqa: PLR2004
        raise InputError(f"a tomography scan needs at least 2 angles, not {n}")
    if not (np.isfinite(start_deg) and np.isfinite(range_deg)) or range_deg <= 0:
        raise InputError(
            f"angles need a finite start and a positive range, not {start_deg!r}"
            f" and {range_deg!r} degrees"
        )
    if order == "golden":
        turns: NDArray[np.float64] = np.mod(np.arange(n) * GOLDEN_FRACTION, 1.0)
        return start_deg + range_deg * turns
    i = np.arange(n)
    if order == "interlaced":
        passes = max(1, min(passes, n))
        i = np.concatenate([i[k::passes] for k in _bit_reversed(passes)])
    return start_deg + range_deg * i / n


def _bit_reversed(n: int) -> list[int]:
    bits = max(1, (n - 1).bit_length())
    order = (int(f"{k:0{bits}b}"[::-1], 2) for k in range(2**bits))
    return [k for k in order if k < n]


def check_angles(angles_rad: ArrayLike) -> NDArray[np.float64]:
    """Give angles as an array; refuse NaN, all-equal ones, and degrees by range."""
    angles = np.asarray(angles_rad, dtype=np.float64)
    if angles.ndim != 1 or angles.size == 0 or not np.isfinite(angles).all():
        raise InputError(
            f"angles must be a list of finite radians, not an array of shape"
            f" {angles.shape} with {np.count_nonzero(~np.isfinite(angles))} not finite"
        )
    low, high = float(angles.min()), float(angles.max())
    if angles.size > 1 and low == high:
        raise InputError(
            f"all {angles.size} angles are equal: {low:g} rad; they should cover half a"
            f" turn, {np.pi:.4f} rad"
        )
    if high - low > MAX_TURNS * 2 * np.pi:
        raise InputError(
            f"angles from {low:g} to {high:g} are more than {MAX_TURNS} turns in"
            f" radians, so they look like degrees; radians are expected"
        )
    return angles


def angle_weights(
    angles_rad: ArrayLike, period_rad: float = np.pi
) -> NDArray[np.float64]:
    """Give each projection the angle it stands for, in radians.

    Half the gap to either neighbor on the half circle; projections at one place share
    what it stands for. Gaps within SNAP of the usual one count as alike, so that jitter
    of the stage does not become noise. A missing wedge (WEDGE, WEDGE_RAD) is not stood
    for by its edges. A full half circle sums to π. Depends only on the angles.

    With a period of 2π the gaps are those on the full circle, which an even scan of
    360 degrees sums to: for half-acquisition, where opposite projections do not show
    the same.
    """
    angles = np.asarray(angles_rad, dtype=np.float64)
    if angles.size == 0:
        return np.zeros(0)
    order, place, gaps = angle_places(angles, period_rad)
    counted = counted_gaps(gaps)
    shares = (counted + np.roll(counted, 1)) / 2 / np.bincount(place)
    weights = np.empty(angles.size)
    weights[order] = shares[place]
    return weights


def angle_places(
    angles: NDArray[np.float64], period_rad: float
) -> tuple[NDArray[np.intp], NDArray[np.intp], NDArray[np.float64]]:
    """Give the order of angles, in it the place of each, and the gaps between places.

    On a circle of period_rad; angles that are the same, or nearly, are at one place.
    """
    wrapped = np.mod(angles, period_rad)
    # An angle a rounding error under the period is the angle 0.
    wrapped[wrapped > period_rad - 1e-9] = 0.0
    order = np.argsort(wrapped, kind="stable")
    gaps = np.diff(wrapped[order], append=wrapped[order[0]] + period_rad)
    between = gaps > _SAME * period_rad / gaps.size
    place = np.concatenate([[0], np.cumsum(between[:-1])])
    if not between[-1]:
        place[place == place[-1]] = 0
    return order, place, np.bincount(place, gaps).astype(np.float64)


def counted_gaps(gaps: NDArray[np.float64]) -> NDArray[np.float64]:
    """Give what gaps between places on a circle count, in their order, in radians."""
    usual = np.sort(gaps)[(gaps.size - 1) // 2]
    counted = gaps.copy()
    alike = np.abs(gaps / usual - 1) <= SNAP
    mean = gaps[alike].mean()
    if np.ptp(np.cumsum(gaps[alike] - mean)) <= _DRIFT * usual:
        counted[alike] = mean
    filled, empty = WEDGE_RAD
    part = np.clip((empty - gaps) / (empty - filled), 0, 1)
    wide = gaps > WEDGE * usual
    return np.where(wide, usual + part * (gaps - usual), counted)


def coverage(angles_rad: ArrayLike, n_expected: int | None = None) -> float:
    """Tell which part of the half circle the projections stand for, 0 to 1.

    With n_expected, no projection stands for more than its share of an even scan,
    one that ends where it began included.
    """
    angles = np.asarray(angles_rad, dtype=np.float64)
    if angles.size == 0:
        return 0.0
    _, place, gaps = angle_places(angles, np.pi)
    usual = np.sort(gaps)[(gaps.size - 1) // 2]
    seen = np.where(gaps > max(WEDGE * usual, _UNSEEN_RAD), usual, gaps)
    if n_expected:
        share = np.pi / max(1, n_expected - 1)
        seen = np.minimum((seen + np.roll(seen, 1)) / 2, share * np.bincount(place))
    return float(min(1.0, seen.sum() / np.pi))
