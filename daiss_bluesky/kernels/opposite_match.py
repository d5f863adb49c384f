"""Whether two opposite projections match at one shift, or at several.

A sample that repeats itself, or a smooth one that fills the field, resembles its mirror
image at many shifts, however well at each: the best of them is no rotation center.
"""

import numpy as np
import scipy.fft
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter1d

Array = NDArray[np.float64]

MIN_OVERLAP_COLUMNS = 12
"""That two opposite projections must share."""

MIN_PAIR_LEAD = 4.0
"""Standard errors that the match of a pair must stand above any other: chance and
repetition reach 2.5."""

_SMOOTH_PX = 1.0
_WIDTHS_PX = (1.0, 2.0, 4.0)
"""Of smoothing: that with the best match counts, others show noise or too little."""

_BESIDE = 6
_CORRELATED = 3.5
"""Widths of smoothing that a match reaches, and that columns are not independent in."""

_MAX_ROWS = 64


def overlap_scores(
    first: Array, mirrored: Array, smooth_px: float = _SMOOTH_PX
) -> Array:
    """Correlate slopes over the overlap at every shift, each row about its own mean.

    Shifts from 1 - n to n - 1, by which the first lies right of the mirrored one.

    Slopes, because the shadow of any sample slopes alike over a few columns.
    """
    n = first.shape[1]
    p = gaussian_filter1d(first, smooth_px, axis=1, order=1, mode="nearest")
    m = gaussian_filter1d(mirrored, smooth_px, axis=1, order=1, mode="nearest")
    length = int(scipy.fft.next_fast_len(2 * n, real=True))

    def correlate(a: Array, b: Array) -> Array:
        product = scipy.fft.rfft(a, length) * scipy.fft.rfft(b, length).conj()
        sums = scipy.fft.irfft(product, length)
        return np.concatenate([sums[:, -(n - 1) :], sums[:, :n]], axis=1)

    one = np.ones_like(p)
    count = np.maximum(np.round(correlate(one[:1], one[:1])), 1.0)
    sum_p, sum_m = correlate(p, one), correlate(one, m)
    covariance = (correlate(p, m) - sum_p * sum_m / count).sum(axis=0)
    variance_p = (correlate(p * p, one) - sum_p**2 / count).sum(axis=0)
    variance_m = (correlate(one, m * m) - sum_m**2 / count).sum(axis=0)
    floor = 1e-6 * max(float((p * p).sum()), float((m * m).sum()), 1e-30) / n
    floor = floor * count[0]
    scores = covariance / np.sqrt(
        np.maximum(variance_p, floor) * np.maximum(variance_m, floor)
    )
    # Smoothing bends the edges alike.
    scores[count[0] < MIN_OVERLAP_COLUMNS * smooth_px] = -1.0
    return np.asarray(scores)


def score_lead(
    scores: Array, shift: float, rows: int, smooth_px: float = _SMOOTH_PX
) -> float:
    """Tell how far the score at a shift stands above any not beside it.

    In standard errors of a correlation (Fisher's) of so many rows.
    """
    n = (scores.size + 1) // 2
    beside = _beside(n, shift, smooth_px)
    if beside.all():
        return 0.0
    best = float(scores[beside].max())
    independent = max(1.0, rows * (n - abs(shift)) / (_CORRELATED * smooth_px))
    spread = (1 - best**2 + 1e-3) / np.sqrt(independent)
    return float((best - scores[~beside].max()) / spread)


def _beside(n: int, shift: float, smooth_px: float) -> NDArray[np.bool_]:
    away = np.abs(np.arange(-(n - 1), n) - shift)
    return np.asarray(away <= max(_BESIDE * smooth_px, away.min()))


def pair_lead(
    first: NDArray[np.float32], opposite: NDArray[np.float32], center_px: float
) -> float:
    """Tell how far a pair (row, column) matches better at a center than elsewhere."""
    rows, n = first.shape
    together = -(-rows // _MAX_ROWS)
    whole = np.stack([first, opposite[:, ::-1]])[:, : rows // together * together]
    p, m = whole.reshape(2, -1, together, n).mean(axis=2, dtype=np.float64)
    shift = 2 * center_px - n
    found = []
    for width in _WIDTHS_PX:
        scores = overlap_scores(p, m, width)
        best = float(scores[_beside(n, shift, width)].max())
        found.append((best, score_lead(scores, shift, len(p), width)))
    return max(found)[1]
