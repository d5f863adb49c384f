"""A fan of candidate centers: one slice for each, from the projections there are.

Each candidate shifts the filtered projections by a phase factor so that the axis comes
to the middle of the slice; candidates then lie where slices do in `backprojection`,
and all of them cost about one vectorized backprojection of a single slice. The score is
the total variation of the slice: a wrong center turns points into arcs and edges into
double edges, which are longer (Rudin, Osher & Fatemi 1992 for the measure). More than
half a turn would close the arcs to rings and blur instead, which is less variation: so
only half a turn is used.
"""

from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import scipy.fft
from numba import njit, prange
from numpy.typing import ArrayLike, NDArray

from daiss_bluesky.core.errors import InputError
from daiss_bluesky.core.geometry import angle_weights, check_angles, coverage
from daiss_bluesky.kernels.backprojection import backproject
from daiss_bluesky.kernels.ramp import frequency_response, padded_length
from daiss_bluesky.kernels.reference import pad_columns
from daiss_bluesky.kernels.threads import threads_for

Array = NDArray[np.float64]

SMOOTH_PX = 1.2
"""Of the slices (standard deviation): noise and streaks must not decide."""

MIN_COVERAGE = 0.45
"""Of the half circle: with less, streaks are shorter at a wrong center."""

MARGIN = 0.06
"""Of the width, that slices reach beyond the detector's on either side, besides how far
the candidates do: or the edge of a sample that fills the field would leave the picture
at a wrong center, and make that seem smoother."""

INSIDE = 0.97
"""Of the circle inscribed in that, which the score looks at."""

MAX_ERROR_PX = 1.0
"""Or a step between candidates: with a larger standard error the fan is unsure."""

TILES = 4
"""Along either side of the slice; each is left out once to find the error."""

_CHANCE = 6.0
"""Standard errors of the correlation of neighboring columns: noise has none."""

_VECTOR = 8
_ROUNDING = 1e-6
_MIN_CANDIDATES = 5


@dataclass(frozen=True, slots=True, eq=False)
class Fan:
    """Candidate centers with their slices, and which of them is right."""

    candidates_px: Array
    scores: Array
    """Total variation, lower is better; 1 for the best."""
    slices: NDArray[np.float32]
    """(candidate, y, x), attenuation per pixel, the axis in the middle; half a turn."""
    best_px: float
    """Between the candidates, by a parabola through the lowest scores."""
    error_px: float
    """Standard error: how much the best depends on single parts of the slice."""
    unsure: str | None
    """Why the best is not to be believed, or None."""


def center_fan(
    projections: NDArray[np.float32],
    angles_rad: ArrayLike,
    row: int,
    candidates_px: ArrayLike,
) -> Fan:
    """Reconstruct one row at every candidate center and score the slices.

    Takes attenuation (angle, row, column), any number of projections in any order, and
    candidates in columns from the left edge, ascending. Holds about 12 bytes for each
    candidate and pixel of the slice. Refuses rows and candidates that are not on the
    detector.
    """
    angles = check_angles(angles_rad)
    candidates = np.asarray(candidates_px, np.float64)
    if projections.ndim != 3 or len(projections) != angles.size:  # noqa: PLR2004
        raise InputError(
            f"{angles.size} angles do not fit projections of shape {projections.shape}"
        )
    _, rows, n = projections.shape
    if not 0 <= row < rows:
        raise InputError(f"row {row} is outside of the detector's 0 to {rows - 1}")
    _check_candidates(candidates, n)
    chosen = half_turn(angles)
    p, angles = np.asarray(projections[chosen, row], np.float32), angles[chosen]
    volume = backproject_candidates(p, angles, candidates)
    sums = variation(volume)[:, : candidates.size]
    best, error, unsure = judge(sums, candidates, angles)
    if unsure is None and is_noise(p):
        error, unsure = np.inf, "the projections show nothing but noise"
    scores = sums.sum(axis=0)
    margin = (len(volume) - n) // 2
    inner = volume[margin : margin + n, margin : margin + n, : candidates.size]
    slices = np.ascontiguousarray(inner.transpose(2, 0, 1))
    tiny = np.finfo(np.float64).tiny
    return Fan(
        candidates, scores / max(scores.min(), tiny), slices, best, error, unsure
    )


def is_noise(p: NDArray[np.float32]) -> bool:
    """Tell whether neighboring columns of projections have nothing in common."""
    away = p.astype(np.float64) - p.mean(axis=1, dtype=np.float64)[:, None]
    power = float((away**2).sum())
    common = float((away[:, 1:] * away[:, :-1]).sum())
    return bool(common * np.sqrt(p.size) <= _CHANCE * power)


def half_turn(angles: Array) -> NDArray[np.intp]:
    """Choose the angles of half a turn, from the end of the widest gap on."""
    turned = np.mod(angles, 2 * np.pi)
    ordered = np.sort(turned)
    gaps = np.diff(ordered, append=ordered[0] + 2 * np.pi)
    start = ordered[(int(np.argmax(gaps)) + 1) % ordered.size]
    # A rounding error before the start is not a turn behind it.
    behind = np.mod(turned - start + _ROUNDING, 2 * np.pi) - _ROUNDING
    return np.flatnonzero(behind <= np.pi + _ROUNDING)


def _check_candidates(candidates: Array, n: int) -> None:
    ascending = candidates.ndim == 1 and (np.diff(candidates) > 0).all()
    if not ascending or candidates.size < _MIN_CANDIDATES:
        raise InputError(
            f"a fan needs at least {_MIN_CANDIDATES} ascending candidate centers,"
            f" not {candidates.tolist()}"
        )
    if candidates[0] < 0 or candidates[-1] > n:
        raise InputError(
            f"candidate centers from {candidates[0]:g} to {candidates[-1]:g} px are not"
            f" all on the detector of {n} columns"
        )


def backproject_candidates(
    p: NDArray[np.float32], angles: Array, candidates: Array
) -> NDArray[np.float32]:
    """Give (y, x, candidate) with a margin, and with candidates that are zero."""
    n_angles, n = p.shape
    side = n + 2 * round(MARGIN * n + np.ptp(candidates) / 2)
    length = padded_length(side)
    frequency = np.fft.rfftfreq(length)
    response = frequency_response(side) * np.exp(
        -2 * (np.pi * SMOOTH_PX * frequency) ** 2
    )
    phases = np.exp(2j * np.pi * frequency * (candidates[:, None] - side / 2))
    factors = (phases * response).astype(np.complex64)
    spectra = scipy.fft.rfft(_extend(p, length), axis=1)
    spectra *= angle_weights(angles)[:, None].astype(np.float32)
    width = _VECTOR * (-(-candidates.size // _VECTOR))
    q = np.zeros((1, n_angles, side + 2, width), np.float32)
    for a in range(n_angles):
        shifted = scipy.fft.irfft(spectra[a] * factors, n=length, axis=1)
        q[0, a, 1:-1, : candidates.size] = shifted[:, :side].T
    volume = np.zeros((side, side, width), np.float32)
    backproject(q, angles, side / 2, [volume])
    return volume


def _extend(p: NDArray[np.float32], length: int) -> NDArray[np.float32]:
    """Hold the edge columns for a quarter of the width, then join them by a line.

    Behind the last column of a detector that the sample leaves there is more sample:
    a line that begins at once would draw an edge that moves with the candidate.
    """
    n = p.shape[1]
    held = np.pad(p.astype(np.float64), [(0, 0), (n // 4, n // 4)], mode="edge")
    return np.roll(pad_columns(held, length), -(n // 4), axis=1).astype(np.float32)


def variation(volume: NDArray[np.float32]) -> Array:
    """Sum |∇f| over each tile of the slices (y, x, candidate): (tile, candidate).

    Forward differences, within the circle of INSIDE; TILES tiles along either side.
    Defined by `reference_center.variation`.
    """
    n = volume.shape[0]
    rows = np.zeros((n - 1, TILES, volume.shape[2]), np.float32)
    with threads_for(8 * volume.size):
        _variation_rows(volume, np.float32((INSIDE * n / 2) ** 2), rows)
    edges = -(-np.arange(TILES + 1) * (n - 1) // TILES)
    bands = [rows[a:b].sum(axis=0, dtype=np.float64) for a, b in pairwise(edges)]
    return np.concatenate(bands)


@njit(cache=True, nogil=True, parallel=True, fastmath=True)
def _variation_rows(volume, radius2, out):  # type: ignore[no-untyped-def]
    n, _, width = volume.shape
    middle = np.float32((n - 1) / 2)
    for y in prange(n - 1):
        for x in range(n - 1):
            dy, dx = np.float32(y) - middle, np.float32(x) - middle
            if dy * dy + dx * dx > radius2:
                continue
            here, right, below = volume[y, x], volume[y, x + 1], volume[y + 1, x]
            total = out[y, x * TILES // (n - 1)]
            for k in range(width):
                gx, gy = right[k] - here[k], below[k] - here[k]
                total[k] += np.sqrt(gx * gx + gy * gy)


def judge(
    sums: Array, candidates: Array, angles: Array
) -> tuple[float, float, str | None]:
    """Find the lowest score, its standard error, and why it is not to be believed.

    Takes `variation` (tile, candidate); leaves out each tile once (the jackknife) to
    see how much the lowest score depends on single parts of the slice.
    """
    total = sums.sum(axis=0)
    k = int(np.argmin(total))
    best = _lowest(total, candidates)
    without = np.array([_lowest(total - tile, candidates) for tile in sums])
    error = float(without.std() * np.sqrt(len(sums) - 1))
    step = float(np.diff(candidates).max())
    if (covered := coverage(angles)) < MIN_COVERAGE:
        return best, np.inf, f"the angles cover only {covered:.0%} of the half circle"
    if total.max() <= 0 or np.ptp(total) < 1e-3 * total.min():
        return best, np.inf, "the slices are the same at every candidate center"
    if k in {0, candidates.size - 1}:
        return best, np.inf, "the best slice is at the end of the fan"
    if error > max(MAX_ERROR_PX, step):
        return best, error, "the parts of the slice disagree about the center"
    return best, error, None


def _lowest(scores: Array, candidates: Array) -> float:
    """Place the minimum by a parabola through the lowest score and its neighbors."""
    k = int(np.argmin(scores))
    if k in {0, scores.size - 1}:
        return float(candidates[k])
    part = slice(k - 1, k + 2)
    x, y = candidates[part] - candidates[k], scores[part]
    square, linear, _ = np.polyfit(x, y, 2)
    if square <= 0:
        return float(candidates[k])
    return float(candidates[k] + np.clip(-linear / (2 * square), x[0], x[2]))
