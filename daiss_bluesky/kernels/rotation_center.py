"""Rotation center from two projections half a turn apart.

The mirrored second projection is the first one shifted by twice the distance of the
center from the middle of the detector. A coarse shift comes from normalized
correlation over the overlap (Lewis, Fast Normalized Cross-Correlation, 1995), the
fraction from Gauss-Newton steps on the difference (Lucas & Kanade 1981), which use
every row and column at once.
"""

from dataclasses import dataclass

import numpy as np
import scipy.fft
from numpy.typing import ArrayLike, NDArray
from scipy.interpolate import CubicSpline
from scipy.ndimage import gaussian_filter1d

from daiss_bluesky.core.stored import PAIR_TOLERANCE_RAD

MIN_CORRELATION = 0.5
"""Below this the two projections do not show the same thing mirrored."""

MIN_OVERLAP = 0.25
"""Of the columns that must overlap for a shift to be believed."""

_ALIKE_RAD = np.deg2rad(0.05)
"""Angles this close are equally opposite: jitter of the stage does not decide."""

EXACT_RAD = np.deg2rad(0.02)
"""A pair that lacks more than this to half a turn shows a sample that has moved."""

_MIN_COLUMNS = 4
"""Fewer cannot be shifted against each other."""

_BESIDE_RAD = np.deg2rad(5.0)
"""Farther away another projection tells nothing of how the sample moves here."""

_MAX_ROWS = 256
_WORK_ARRAYS = 100
_STEPS = 20
_ENOUGH_PX = 1e-4
_MAX_STEP_PX = 1.0
_SMOOTH_PX = 1.0
_CORRELATED = 2 * np.sqrt(np.pi) * _SMOOTH_PX
"""Columns whose noise smoothing makes one."""

_MARGIN_PX = 3.0
"""Of smoothing, left out at either edge: a truncated sample has a false slope there."""


@dataclass(frozen=True, slots=True)
class Center:
    """A rotation center and how far it can be trusted."""

    center_px: float
    correlation: float
    """Of the overlap after mirroring, 1 for a perfect match."""
    error_px: float
    """Standard error from the residual, for noise that is independent in pixels."""

    @property
    def is_reliable(self) -> bool:
        """Tell whether to use it: a clear match, known to a fraction of a pixel."""
        return self.correlation >= MIN_CORRELATION and self.error_px < MIN_OVERLAP


def opposite_pair(angles_rad: ArrayLike) -> tuple[int, int] | None:
    """Find the two angles nearest to half a turn apart, within the tolerance.

    Of equally good ones those taken first; None if there are none.
    """
    angles = np.asarray(angles_rad, dtype=np.float64)
    best: tuple[int, int, int] | None = None
    for i in range(len(angles) - 1):
        away = np.abs(np.mod(angles[i + 1 :] - angles[i], 2 * np.pi) - np.pi)
        steps = np.round(away / _ALIKE_RAD).astype(int)
        j = int(np.argmin(steps))
        if away[j] <= PAIR_TOLERANCE_RAD and (best is None or steps[j] < best[0]):
            best = (int(steps[j]), i, i + 1 + j)
    return best and (best[1], best[2])


def lack_rad(first_rad: float, second_rad: float) -> float:
    """Tell how far two angles are from half a turn apart, with its sign."""
    return float(np.mod(second_rad - first_rad, 2 * np.pi) - np.pi)


def opposite_group(angles_rad: ArrayLike) -> tuple[int, ...]:
    """Give the frames to register: the opposite pair, ascending; none without one.

    Where it is not exact the nearest to either frame come along, so that what pairs
    lack to half a turn can be taken out.
    """
    angles = np.asarray(angles_rad, dtype=np.float64)
    pair = opposite_pair(angles)
    if pair is None:
        return ()
    if abs(lack_rad(*angles[list(pair)])) <= EXACT_RAD:
        return pair
    group = set(pair)
    for one in pair:
        away = np.abs(np.mod(angles - angles[one] + np.pi, 2 * np.pi) - np.pi)
        away[away <= EXACT_RAD] = np.inf
        nearest = int(np.argmin(away))
        if away[nearest] <= _BESIDE_RAD:
            group.add(nearest)
    return tuple(sorted(group))


def find_center(first: NDArray[np.float32], opposite: NDArray[np.float32]) -> Center:
    """Find the center from attenuation (row, column) at θ and θ + 180 degrees.

    Featureless or unlike projections give a center that says it is not reliable.
    """
    n = first.shape[1]
    if n < _MIN_COLUMNS:
        return Center(n / 2, 0.0, np.inf)
    p = _average_rows(first)
    m = _average_rows(opposite[:, ::-1])
    shift = float(_coarse_shift(p, m))
    shift, correlation, error = refine_shift(p, m, shift)
    return Center((n + shift) / 2, correlation, error / 2)


def search_bytes(rows: int, columns: int) -> int:
    """Tell the peak memory of `find_center`: splines and least squares in float64."""
    return _WORK_ARRAYS * 8 * min(rows, _MAX_ROWS) * columns


def _average_rows(p: NDArray[np.float32]) -> NDArray[np.float64]:
    """Average neighboring rows of tall frames: splines of all would take gigabytes."""
    rows, n = p.shape
    together = -(-rows // _MAX_ROWS)
    whole = p[: rows // together * together].astype(np.float64)
    return np.asarray(whole.reshape(-1, together, n).mean(axis=1))


def _coarse_shift(p: NDArray[np.float64], m: NDArray[np.float64]) -> int:
    """Give the whole shift d for which m(c) resembles p(c + d) best."""
    n = p.shape[1]
    length = int(scipy.fft.next_fast_len(2 * n, real=True))
    p, m = p - p.mean(), m - m.mean()

    def correlate(
        a: NDArray[np.float64], b: NDArray[np.float64]
    ) -> NDArray[np.float64]:
        product = scipy.fft.rfft(a, length) * scipy.fft.rfft(b, length).conj()
        sums = scipy.fft.irfft(product.sum(axis=0), length)
        return np.concatenate([sums[-(n - 1) :], sums[:n]])

    one = np.ones_like(p)
    count = np.maximum(correlate(one, one), 1.0)
    sum_p, sum_m = correlate(p, one), correlate(one, m)
    covariance = correlate(p, m) - sum_p * sum_m / count
    variance_p = correlate(p * p, one) - sum_p**2 / count
    variance_m = correlate(one, m * m) - sum_m**2 / count
    floor = 1e-9 * max(float((p * p).sum()), float((m * m).sum()), 1e-30)
    scores = covariance / np.sqrt(
        np.maximum(variance_p, floor) * np.maximum(variance_m, floor)
    )
    shifts = np.arange(-(n - 1), n)
    scores[np.abs(shifts) > (1 - MIN_OVERLAP) * n] = -np.inf
    return int(shifts[np.argmax(scores)])


def refine_shift(
    p: NDArray[np.float64],
    m: NDArray[np.float64],
    shift: float,
    min_overlap: float = MIN_OVERLAP,
) -> tuple[float, float, float]:
    """Step to the shift of least squares; also correlation and standard error.

    Both are moved half the way, so that interpolation blurs both alike; gain and
    offset between them (a drifting beam) are fitted along.
    """
    n = p.shape[1]
    columns = np.arange(n, dtype=np.float64)
    spline_p = CubicSpline(columns, gaussian_filter1d(p, _SMOOTH_PX, axis=1), axis=1)
    spline_m = CubicSpline(columns, gaussian_filter1d(m, _SMOOTH_PX, axis=1), axis=1)
    correlation, error = 0.0, np.inf
    for _ in range(_STEPS):
        half = shift / 2
        reach = (n - 1) / 2 - abs(half) - _MARGIN_PX
        middle = np.linspace(-reach, reach, max(4, int(2 * reach) + 1)) + (n - 1) / 2
        a, b = spline_p(middle + half).ravel(), spline_m(middle - half).ravel()
        slope = (
            spline_p(middle + half, 1).ravel() + spline_m(middle - half, 1).ravel()
        ) / 2
        if not (a.std() > 0 and b.std() > 0):
            return shift, 0.0, np.inf
        correlation = float(np.corrcoef(a, b)[0, 1])
        design = np.stack([slope, a, np.ones_like(a)], axis=1)
        solution, *_ = np.linalg.lstsq(design, b, rcond=None)
        step = float(np.clip(solution[0], -_MAX_STEP_PX, _MAX_STEP_PX))
        residual = float(np.mean((b - design @ solution) ** 2))
        error = np.sqrt(_CORRELATED * residual / max(float(slope @ slope), 1e-300))
        if abs(shift + step) > (1 - min_overlap) * n:
            return shift, correlation, np.inf
        shift += step
        if abs(step) < _ENOUGH_PX:
            break
    return shift, correlation, float(error)
