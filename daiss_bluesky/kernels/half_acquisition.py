"""Scans of 360 degrees: all opposite pairs at once, and the axis near an edge.

With the axis near an edge of the detector each projection shows one half of a sample
nearly twice as wide, and the one half a turn later shows the other. Where both see the
same, columns are weighted by w(s) with w(s) + w(-s) = 1, which changes nothing in a sum
over the full circle and falls smoothly to zero at the near edge (Parker 1982 does so
for fans, Wang 2002 for a detector off the axis). Widened by empty columns, such
projections are what the ordinary reconstruction takes.
"""

from dataclasses import dataclass
from typing import Self

import numpy as np
from numba import njit, prange
from numpy.typing import ArrayLike, NDArray

from daiss_bluesky.core.errors import InputError
from daiss_bluesky.core.geometry import check_angles
from daiss_bluesky.kernels.opposite_match import (
    MIN_OVERLAP_COLUMNS,
    overlap_scores,
    score_lead,
)
from daiss_bluesky.kernels.rotation_center import MIN_CORRELATION, refine_shift
from daiss_bluesky.kernels.threads import threads_for

Array = NDArray[np.float64]

MAX_GAP_RAD = np.deg2rad(8.0)
"""Between neighboring angles of a full turn, all around."""

MIN_SHARED_RAD = np.deg2rad(30.0)
"""Of directions seen from both sides, to find the center from."""

MIN_LEAD = 6.0
"""Standard errors that the best match must stand above any other."""

_BASE_ANGLES = 24
_EXACT = 1e-6
_EXACT_RAD = 1e-6
_MAX_ROWS = 192


@dataclass(frozen=True, slots=True)
class TurnCenter:
    """A rotation center from a full turn, in columns from the left edge."""

    center_px: float
    error_px: float
    correlation: float
    """Of what opposite projections share."""
    lead: float
    """Of the best correlation of slopes over the best elsewhere, in standard errors."""

    @property
    def unsure(self) -> str | None:
        """Say why it is not to be believed, or None."""
        if self.correlation < MIN_CORRELATION:
            return (
                "opposite projections do not match"
                f" (correlation {self.correlation:.2f})"
            )
        if self.lead < MIN_LEAD:
            return "opposite projections match at more than one center"
        if not self.error_px < 0.25:  # noqa: PLR2004 - as for any center
            return f"opposite projections fix it to {self.error_px:.2g} px only"
        return None


def is_full_turn(angles_rad: ArrayLike) -> bool:
    """Tell whether angles go around the full circle without a wide gap."""
    turned = np.sort(np.mod(np.asarray(angles_rad, np.float64), 2 * np.pi))
    if turned.size < 2:  # noqa: PLR2004
        return False
    gaps = np.diff(turned, append=turned[0] + 2 * np.pi)
    return bool(gaps.max() <= MAX_GAP_RAD)


def shared_rad(angles_rad: ArrayLike) -> float:
    """Tell how much of the half circle is seen from both sides, in radians."""
    opposites = Opposites.of(np.asarray(angles_rad, np.float64))
    gaps = np.diff(opposites.turned, append=opposites.turned[:1] + 2 * np.pi)
    # Each direction counts once from either side.
    return float(gaps[opposites.are_there & (gaps <= MAX_GAP_RAD)].sum() / 2)


def find_turn_center(p: NDArray[np.float32], angles_rad: ArrayLike) -> TurnCenter:
    """Find the center, wherever it is, from a turn or part of it; (angle, row, column).

    All pairs at once: the overlap of a projection and of its mirrored opposite is
    tried at every width, on either side, then refined to a fraction of a column. The
    opposite is interpolated where no angle is exactly half a turn away. Refuses angles
    of which hardly any have an opposite.
    """
    angles = check_angles(angles_rad)
    if shared_rad(angles) < MIN_SHARED_RAD:
        raise InputError(
            f"{angles.size} angles from {np.rad2deg(angles.min()):.4g} to"
            f" {np.rad2deg(angles.max()):.4g} degrees show less than"
            f" {np.rad2deg(MIN_SHARED_RAD):.2g} degrees from both sides"
        )
    n = p.shape[2]
    if n < 2 * MIN_OVERLAP_COLUMNS:
        raise InputError(
            f"a full turn needs at least {2 * MIN_OVERLAP_COLUMNS} columns, not {n}"
        )
    first, mirrored = _opposites(p, angles)
    scores = overlap_scores(first, mirrored)
    best = int(np.argmax(scores)) - (n - 1)
    lead = score_lead(scores, best, first.shape[0])
    # A row and its opposite are refined with some room left to move.
    room = MIN_OVERLAP_COLUMNS / n / 2
    shift, correlation, error = refine_shift(first, mirrored, float(best), room)
    return TurnCenter((n + shift) / 2, error / 2, correlation, lead)


@dataclass(frozen=True, slots=True, eq=False)
class Opposites:
    """Where in a scan the projections opposite to each lie, sorted on the circle."""

    order: NDArray[np.intp]
    turned: Array
    """Angles in that order, within a turn."""
    before: NDArray[np.intp]
    after: NDArray[np.intp]
    """Numbers of the projections on both sides of the opposite."""
    part: Array
    """How far the opposite is from the one before to the one after, 0 to 1."""
    are_there: NDArray[np.bool_]
    """Whether those two are near enough to interpolate between."""

    @classmethod
    def of(cls, angles_rad: Array) -> Self:
        """Look for them."""
        wrapped = np.mod(angles_rad, 2 * np.pi)
        order = np.argsort(wrapped, kind="stable")
        turned = wrapped[order]
        target = np.mod(turned + np.pi, 2 * np.pi)
        after = np.searchsorted(turned, target)
        before = after - 1
        after %= max(1, turned.size)
        gap = np.mod(turned[after] - turned[before], 2 * np.pi)
        part = np.mod(target - turned[before], 2 * np.pi) / np.maximum(gap, 1e-12)
        # An angle a rounding error away counts as the opposite itself.
        part = np.where(np.abs(part - np.rint(part)) < _EXACT, np.rint(part), part)
        part = np.clip(part, 0, 1)
        near = (gap <= MAX_GAP_RAD) & (turned.size > 1)
        exact = np.abs(_turn_away(turned[before], target)) < _EXACT_RAD
        exact |= np.abs(_turn_away(turned[after], target)) < _EXACT_RAD
        return cls(order, turned, order[before], order[after], part, near | exact)


def _turn_away(a: Array, b: Array) -> Array:
    return np.asarray(np.mod(a - b + np.pi, 2 * np.pi) - np.pi)


def _opposites(p: NDArray[np.float32], angles: Array) -> tuple[Array, Array]:
    """Stack rows of projections, and of their opposites mirrored: (row, column)."""
    found = Opposites.of(angles)
    usable = np.flatnonzero(found.are_there)
    count = min(_BASE_ANGLES, usable.size)
    base = usable[np.unique(np.linspace(0, usable.size - 1, count).astype(int))]
    rows = max(1, min(p.shape[1], _MAX_ROWS // base.size))
    which = np.linspace(0, p.shape[1] - 1, rows).astype(int)
    u = found.part[base][:, None, None]
    lines = p[:, which]
    opposite = (1 - u) * lines[found.before[base]] + u * lines[found.after[base]]
    n = p.shape[2]
    first = lines[found.order[base]].astype(np.float64).reshape(-1, n)
    return first, opposite[:, :, ::-1].reshape(-1, n).astype(np.float64)


@dataclass(frozen=True, slots=True)
class OffsetField:
    """A detector with the axis off its middle, widened so that the axis is not."""

    columns: int
    center_px: float

    def __post_init__(self) -> None:
        """Refuse an axis that is not on the detector."""
        if not 0 < self.center_px < self.columns:
            raise InputError(
                f"the center {self.center_px:g} px is not on the detector of"
                f" {self.columns} columns"
            )

    @property
    def near_px(self) -> float:
        """Distance of the axis from the edge it is near to: half the overlap."""
        return min(self.center_px, self.columns - self.center_px)

    @property
    def wide_columns(self) -> int:
        """Columns that reach as far on the near side as on the far one."""
        return int(np.ceil(2 * (self.columns - self.near_px)))

    @property
    def added_left(self) -> int:
        """Empty columns before the first; the others come behind the last."""
        is_left = self.center_px < self.columns / 2
        return self.wide_columns - self.columns if is_left else 0

    @property
    def wide_center_px(self) -> float:
        """The axis, counted from the left edge of the widened detector."""
        return self.center_px + self.added_left

    def weights(self) -> Array:
        """Weigh each column: 1 on the far side, to 0 at the near edge, sum 1."""
        s = np.arange(self.columns) + 0.5 - self.center_px
        towards_far = s if self.center_px < self.columns / 2 else -s
        t = np.clip(towards_far / self.near_px, -1, 1)
        return np.asarray(np.sin(np.pi / 4 * (1 + t)) ** 2, np.float64)


def widen(p: NDArray[np.float32], field: OffsetField) -> NDArray[np.float32]:
    """Weigh and widen attenuation (angle, row, column) of a half-acquisition.

    Gives (angle, row, field.wide_columns), to be reconstructed about
    field.wide_center_px with `geometry.angle_weights(angles, 2π)`; one projection at a
    time is enough. Defined by `reference_center.widen`.
    """
    if p.shape[2] != field.columns:
        raise InputError(
            f"projections of {p.shape[2]} columns do not fit a field of {field.columns}"
        )
    wide = np.empty((*p.shape[:2], field.wide_columns), np.float32)
    weights = field.weights().astype(np.float32)
    with threads_for(2 * wide.size):
        _widen(np.ascontiguousarray(p), weights, field.added_left, wide)
    return wide


@njit(cache=True, nogil=True, parallel=True)
def _widen(p, weights, left, wide):  # type: ignore[no-untyped-def]
    n_angles, rows, n = p.shape
    for task in prange(n_angles * rows):
        line, out = p[task // rows, task % rows], wide[task // rows, task % rows]
        out[:left] = np.float32(0)
        for x in range(n):
            out[left + x] = line[x] * weights[x]
        out[left + n :] = np.float32(0)


def fold(
    p: NDArray[np.float32], angles_rad: ArrayLike, field: OffsetField
) -> tuple[NDArray[np.float32], Array]:
    """Join opposite projections (angle, row, column) into wide ones of half a turn.

    Gives (angle, row, field.wide_columns) with the axis in the middle, and the angles,
    0 to π in order; those without an opposite are left out. The axis must be at a whole
    or half column, so that columns and mirrored ones meet. An opposite that is not
    exactly half a turn away is interpolated.
    """
    if field.wide_center_px * 2 != field.wide_columns:
        raise InputError(
            f"projections cannot be joined at the center {field.center_px:g} px, which"
            " is not a whole or half column"
        )
    found = Opposites.of(check_angles(angles_rad))
    base = np.flatnonzero(found.are_there & (found.turned < np.pi))
    wide = np.empty((base.size, p.shape[1], field.wide_columns), np.float32)
    for out, i in zip(wide, base, strict=True):
        before, after = p[found.before[i]], p[found.after[i]]
        u = np.float32(found.part[i])
        opposite = (
            before if u == 0 else after if u == 1 else before + u * (after - before)
        )
        both = widen(np.stack([p[found.order[i]], opposite]), field)
        np.add(both[0], both[1, :, ::-1], out=out)
    return wide, found.turned[base]
