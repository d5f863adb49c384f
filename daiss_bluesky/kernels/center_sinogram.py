"""Rotation center from a few rows of all projections, however few and far apart.

Three methods, each of which says how far it can be trusted; the most certain one gives
the center, and another that contradicts it makes it unsure.

- *moments*: for a sample inside the field the center of mass of a projection lies at
  center + a cos θ + b sin θ, the first of the consistency conditions of Helgason (1965)
  and Ludwig (1966). Any angles will do, if they span enough of a turn.
- *opposite*: pairs of projections about half a turn apart are registered as in
  `rotation_center`; what the pairs lack to half a turn is fitted and taken out. Needs
  180 degrees or nearly so, but no empty beam beside the sample. A full turn is taken
  by `half_acquisition`, whose axis may be anywhere on the detector.
- *sharpness*: the sharpest slice of a fan, where neither of the two is possible.
"""

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from daiss_bluesky.core.errors import InputError
from daiss_bluesky.core.geometry import check_angles, coverage
from daiss_bluesky.kernels.center_fan import (
    MIN_COVERAGE,
    backproject_candidates,
    half_turn,
    is_noise,
    judge,
    variation,
)
from daiss_bluesky.kernels.half_acquisition import find_turn_center, is_full_turn
from daiss_bluesky.kernels.opposite_match import (
    MIN_OVERLAP_COLUMNS,
    MIN_PAIR_LEAD,
    pair_lead,
)
from daiss_bluesky.kernels.rotation_center import (
    EXACT_RAD,
    MIN_CORRELATION,
    find_center,
)

Array = NDArray[np.float64]
Method = Literal["moments", "opposite", "sharpness"]

SURE_PX = 0.25
"""A center with a larger standard error than this is unsure."""

MIN_PROJECTIONS = 8
MIN_COLUMNS = 16

_MOMENT_FLOOR_PX = 0.02
"""Of a center of mass, from what is not noise (uneven beam, pixels of a width)."""

_WANDER_PX = 0.3
"""More than this is no rotation about one axis."""

_LEVEL = 0.02
"""Of the sample's contrast: rises of the edges beyond make it leave the field."""

_FEATURELESS = 1e-4
"""Of the values: less difference between columns is rounding."""

_FLOOR_PX = 0.01
"""Of registered pairs, from pixels of a width."""

_NEAR_RAD = np.deg2rad(19.0)
"""Pairs lack at most this much to half a turn."""

_SPREAD = 0.2
"""Of the sines of directions: pairs closer than this tell only one direction apart."""

_CORRELATED_PX = 3.5
_MIN_SHARED = 16
"""Independent pixels that opposite projections must share."""

_CHANCE = 4.0
"""Standard errors of a correlation, of smoothed columns: noise does not reach them."""

_MAX_PAIRS = 8
_MAX_EXACT_PAIRS = 32
_SHARP_ANGLES = 180
_COARSE_COLUMNS = 96
_FINE_COLUMNS = 256
_SHARP_ROWS = 3
_REACH = 0.2
"""Of the width, that the sharpest slice is looked for on either side of the middle."""


@dataclass(frozen=True, slots=True)
class SinogramCenter:
    """A rotation center in columns from the left edge, and how sure it is."""

    center_px: float
    error_px: float
    """Standard error, with what the method is known to add to noise."""
    method: Method
    unsure: str | None
    """Why it is not to be believed, or None where it is."""
    wander_px: float = 0.0
    """Of the centers of mass about any rotation, beyond their noise."""


def find_sinogram_center(
    p: NDArray[np.float32], angles_rad: ArrayLike
) -> SinogramCenter:
    """Find the center from attenuation (angle, row, column) of a few rows.

    Angles in any order, full or partial turns. Refuses fewer than MIN_PROJECTIONS or
    MIN_COLUMNS, angles that are all equal, and degrees.
    """
    angles = check_angles(angles_rad)
    if p.ndim != 3 or len(p) != angles.size:  # noqa: PLR2004 - (angle, row, column)
        raise InputError(f"{angles.size} angles do not fit rows of shape {p.shape}")
    if angles.size < MIN_PROJECTIONS:
        raise InputError(
            f"a center from sinograms needs at least {MIN_PROJECTIONS} projections,"
            f" not {angles.size}"
        )
    if p.shape[2] < MIN_COLUMNS:
        raise InputError(
            f"a center from sinograms needs at least {MIN_COLUMNS} columns,"
            f" not {p.shape[2]}"
        )
    if np.ptp(p, axis=2).max() <= _FEATURELESS * np.abs(p).max():
        featureless = "every projection is the same in all columns"
        return SinogramCenter(p.shape[2] / 2, np.inf, "moments", featureless)
    moments = center_by_moments(p, angles)
    opposite = center_by_turn(p, angles) or center_by_opposites(p, angles)
    found = [one for one in (moments, opposite) if one and one.unsure is None]
    if found:
        best = _reconcile(*found) if len(found) > 1 else found[0]
        return _doubt_motion(best, moments.wander_px)
    # An unsure one with the smallest error is still the best guess there is.
    others = [moments, center_by_sharpness(p, angles), opposite]
    return min((one for one in others if one), key=lambda one: one.error_px)


def _reconcile(first: SinogramCenter, second: SinogramCenter) -> SinogramCenter:
    """Take the more certain of two, and doubt it where they contradict each other."""
    best, other = sorted((first, second), key=lambda one: one.error_px)
    apart = abs(best.center_px - other.center_px)
    if apart <= SURE_PX + 2 * np.hypot(best.error_px, other.error_px):
        return best
    return SinogramCenter(
        best.center_px,
        max(best.error_px, float(apart)),
        best.method,
        f"two methods disagree: {best.method} give {best.center_px:.2f} px,"
        f" {other.method} {other.center_px:.2f} px",
    )


def _doubt_motion(best: SinogramCenter, wander_px: float) -> SinogramCenter:
    if best.unsure or wander_px <= _WANDER_PX:
        return best
    unsure = f"the sample seems to move by {wander_px:.2g} px while it turns"
    error = max(best.error_px, wander_px)
    return SinogramCenter(best.center_px, error, best.method, unsure, wander_px)


def center_by_moments(p: NDArray[np.float32], angles: Array) -> SinogramCenter:
    """Fit the centers of mass of the projections, as seen from the detector's middle.

    About the middle an offset that changes from frame to frame cancels; a constant one
    is the line between the edges, which must be level for that.
    """
    n = p.shape[2]
    s = p.mean(axis=1, dtype=np.float64)
    band = max(1, n // 128)
    beam = np.minimum(s[:, :band].mean(axis=1), s[:, -band:].mean(axis=1))
    steady = s - beam[:, None]
    left, right = _edge(steady, band), _edge(steady[:, ::-1], band)
    line = beam.mean() + np.linspace(left.level, right.level, n)
    rise, excess = max(left.rise, right.rise), max(left.excess, right.excess)
    mean = s.mean(axis=0) - line
    contrast = float(np.abs(mean).max())
    mass = float(mean.sum())
    if contrast <= 0 or mass <= 0:
        return SinogramCenter(n / 2, np.inf, "moments", "nothing absorbs")
    offset = np.arange(n) + 0.5 - n / 2
    y = ((s - line) @ offset) / mass
    design = np.stack([np.ones_like(angles), np.cos(angles), np.sin(angles)], axis=1)
    solution, *_ = np.linalg.lstsq(design, y, rcond=None)
    spread = float(np.sqrt(np.linalg.pinv(design.T @ design)[0, 0]))
    residual = y - design @ solution
    noise = float(np.sqrt(residual @ residual / (angles.size - 3)))
    center = float(solution[0])
    # How far an edge level that is wrong by its own rise would move the center.
    lever = n * rise / mass * (abs(center) + n / 6)
    floor = _MOMENT_FLOOR_PX * spread * np.sqrt(angles.size)
    error = float(np.sqrt((noise * spread) ** 2 + floor**2 + lever**2))
    unsure = None
    wander = _wander(residual, angles)
    if max(rise, excess) > _LEVEL * contrast:
        unsure, wander = "the sample leaves the field of view", 0.0
    elif not error < SURE_PX:
        unsure = f"the centers of mass fix it to {error:.2g} px only"
    return SinogramCenter(center + n / 2, error, "moments", unsure, wander)


def _wander(residual: Array, angles: Array) -> float:
    """Give the part of the residuals that neighboring angles have in common.

    Noise differs from one angle to the next, so half the mean square of the steps is
    its variance (von Neumann 1941); what the variance has beyond is motion.
    """
    ordered = residual[np.argsort(angles)]
    noise = np.mean(np.diff(ordered) ** 2) / 2
    beyond = float(np.mean(ordered**2)) - 2 * float(noise)
    return float(np.sqrt(max(0.0, beyond)))


@dataclass(frozen=True, slots=True)
class _Edge:
    level: float
    """Of what is beside the sample."""
    rise: float
    """From the outermost columns to the next: how far the level can be wrong."""
    excess: float
    """Of the outermost columns over the level, where the sample is nearest."""


def _edge(s: Array, band: int) -> _Edge:
    """Look at the left edge of (angle, column), at all angles or the emptiest quarter.

    Columns farther in tell which these are, so that noise does not choose them.
    """
    outer, inner = s[:, :band].mean(axis=1), s[:, band : 2 * band].mean(axis=1)
    order = np.argsort(s[:, 2 * band : 4 * band].mean(axis=1), kind="stable")
    quarter = order[: -(-order.size // 4)]
    found = [(outer[some].mean(), inner[some].mean()) for some in (order, quarter)]
    rises = [abs(float(within - level)) for level, within in found]
    rise = min(rises)
    level = float(found[rises.index(rise)][0])
    near = order[-max(1, order.size // 10) :]
    return _Edge(level, rise, float(outer[near].mean()) - level)


def center_by_opposites(p: NDArray[np.float32], angles: Array) -> SinogramCenter | None:
    """Register pairs about half a turn apart; None where there are none.

    A pair that lacks ε to half a turn shows the sample turned by ε, which moves it by
    ε (a cos θ + b sin θ) in the mean: fitted along, and gone at ε = 0.
    """
    pairs = near_opposites(angles)
    if not pairs:
        return None
    away = np.array([pair[2] for pair in pairs])
    if np.abs(away).max() <= EXACT_RAD:
        return _register_at_once(p, pairs)
    found = [find_center(p[i], p[j]) for i, j, _ in pairs]
    centers = np.array([one.center_px for one in found])
    correlation = min(one.correlation for one in found[:2])
    noise = max(one.error_px for one in found)
    halfway = np.array([angles[i] for i, _, _ in pairs]) + away / 2
    linear, curved = _motion(away / np.abs(away).max(), halfway)
    center, gain = _at_zero(linear, centers)
    if curved is None:
        # Nothing tells how much the nearest pair itself is moved.
        bent = center + max(abs(center - centers[0]), abs(away[0]) * p.shape[2] / 8)
    else:
        bent, _ = _at_zero(curved, centers)
    error = float(np.sqrt((gain * noise) ** 2 + (bent - center) ** 2))
    lead = pair_lead(p[pairs[0][0]], p[pairs[0][1]], found[0].center_px)
    return _opposite(center, error, correlation, lead, p.shape[1:])


def center_by_turn(p: NDArray[np.float32], angles: Array) -> SinogramCenter | None:
    """Register all opposites of a full turn; None for anything else."""
    if not is_full_turn(angles) or p.shape[2] < 2 * MIN_OVERLAP_COLUMNS:
        return None
    turn = find_turn_center(p, angles)
    error = float(np.hypot(turn.error_px, _FLOOR_PX))
    if turn.correlation < MIN_CORRELATION:
        error = np.inf
    return SinogramCenter(turn.center_px, error, "opposite", turn.unsure)


def _motion(away: Array, halfway: Array) -> tuple[Array, Array | None]:
    """Give what the motion by a lack (relative) is fitted with; also with its curve.

    The sample moves along the beam's normal at the angle halfway; a direction in which
    the pairs hardly differ is left out, and the curve where too few lacks differ.
    """
    mean = np.angle(np.exp(1j * halfway).sum())
    columns = [np.ones_like(away), away * np.cos(halfway - mean)]
    across = np.sin(halfway - mean)
    if across.std() > _SPREAD:
        columns.append(away * across)
    linear = np.stack(columns, axis=1)
    distinct = np.unique(np.round(away, 2)).size
    if distinct <= linear.shape[1]:
        return linear[:, : max(1, distinct)], None
    return linear, np.column_stack([linear, away**2])


def _at_zero(design: Array, values: Array) -> tuple[float, float]:
    """Fit and give the value where pairs are exact, and how much it amplifies noise."""
    inverse = np.linalg.pinv(design)
    return float(inverse[0] @ values), float(np.sqrt(inverse[0] @ inverse[0]))


def _register_at_once(
    p: NDArray[np.float32], pairs: list[tuple[int, int, float]]
) -> SinogramCenter:
    first = np.concatenate([p[i] for i, _, _ in pairs])
    second = np.concatenate([p[j] for _, j, _ in pairs])
    center = find_center(first, second)
    lead = pair_lead(first, second, center.center_px)
    return _opposite(
        center.center_px, center.error_px, center.correlation, lead, first.shape
    )


def _opposite(
    center: float,
    error: float,
    correlation: float,
    lead: float,
    shape: tuple[int, ...],
) -> SinogramCenter:
    """Judge a registration of pictures (row, column) by what they share."""
    error = float(np.hypot(error, _FLOOR_PX))
    rows, n = shape
    shared = max(1.0, rows * min(center, n - center) * 2 / _CORRELATED_PX)
    by_chance = _CHANCE * (1 - correlation**2) / np.sqrt(shared)
    unsure = None
    if shared < _MIN_SHARED or correlation - by_chance < MIN_CORRELATION:
        error = np.inf
        unsure = f"opposite projections do not match (correlation {correlation:.2f})"
    elif lead < MIN_PAIR_LEAD:
        error = np.inf
        unsure = "opposite projections match at more than one center"
    elif not error < SURE_PX:
        unsure = f"opposite projections fix it to {error:.2g} px only"
    return SinogramCenter(center, error, "opposite", unsure)


def near_opposites(angles: Array) -> list[tuple[int, int, float]]:
    """List pairs (i, j, what they lack to half a turn in radians), the best first.

    All exact ones up to a number, spread over the scan; else the few nearest.
    """
    rows = []
    for i in range(angles.size - 1):
        lack = np.mod(angles[i + 1 :] - angles[i], 2 * np.pi) - np.pi
        near = np.flatnonzero(np.abs(lack) <= _NEAR_RAD)
        rows += [(i, int(i + 1 + j), float(lack[j])) for j in near]
    exact = [row for row in rows if abs(row[2]) <= EXACT_RAD]
    if exact:
        return exact[:: -(-len(exact) // _MAX_EXACT_PAIRS)]
    return sorted(rows, key=lambda row: abs(row[2]))[:_MAX_PAIRS]


def center_by_sharpness(p: NDArray[np.float32], angles: Array) -> SinogramCenter:
    """Look for the sharpest slice of a few rows, first coarsely, then finely."""
    if (covered := coverage(angles)) < MIN_COVERAGE:
        little = f"the angles cover only {covered:.0%} of the half circle"
        return SinogramCenter(p.shape[2] / 2, np.inf, "sharpness", little)
    if is_noise(p.reshape(-1, p.shape[2])):
        nothing = "the projections show nothing but noise"
        return SinogramCenter(p.shape[2] / 2, np.inf, "sharpness", nothing)
    chosen = half_turn(angles)
    stride = -(-chosen.size // _SHARP_ANGLES)
    chosen = chosen[np.argsort(angles[chosen], kind="stable")][::stride]
    rows = np.unique(np.linspace(0, p.shape[1] - 1, _SHARP_ROWS + 2).astype(int)[1:-1])
    p, angles = p[np.ix_(chosen, rows)], angles[chosen]
    n = p.shape[2]
    finest = max(1, n // _FINE_COLUMNS)
    binning = max(finest, n // _COARSE_COLUMNS)
    middle, reach = n / binning / 2, _REACH * n / binning
    coarse = np.arange(np.ceil(middle - reach), middle + reach + 0.5)
    best, error, unsure = judge(_sums(_bin(p, binning), angles, coarse), coarse, angles)
    if binning == finest:
        return _sharpest(binning * best, binning * error, unsure)
    fine = (best + np.linspace(-1.5, 1.5, 16)) * binning / finest
    inside = fine[(fine > 0) & (fine < n // finest)]
    sums = _sums(_bin(p, finest), angles, inside)
    best, error, unsure_fine = judge(sums, inside, angles)
    return _sharpest(finest * best, finest * error, unsure or unsure_fine)


def _bin(p: NDArray[np.float32], together: int) -> NDArray[np.float32]:
    """Average neighboring columns; what is left at the right edge is cut off."""
    whole = p.shape[2] // together * together
    blocks = p[:, :, :whole].reshape(*p.shape[:2], -1, together)
    return np.asarray(blocks.mean(axis=3), np.float32)


def _sharpest(best: float, error: float, unsure: str | None) -> SinogramCenter:
    if unsure is None and not error < SURE_PX:
        unsure = f"the sharpest slice fixes it to {error:.2g} px only"
    return SinogramCenter(best, error, "sharpness", unsure)


def _sums(p: NDArray[np.float32], angles: Array, candidates: Array) -> Array:
    """Add up the scores of all rows: (tile, candidate)."""
    total = np.zeros(())
    for row in range(p.shape[1]):
        slices = backproject_candidates(p[:, row], angles, candidates)
        total = total + variation(slices)[:, : candidates.size]
    return total
