"""Stripe correction on a device, of whole sinograms; what `kernels.stripes` does.

What is sorted or smoothed has kernels of its own; what is decided from it, a few
numbers a column, is array code that runs on NumPy as well. `reference_stripes` is the
definition.
"""

from typing import Any

import numpy as np

from daiss_bluesky.core.errors import InputError
from daiss_bluesky.kernels.cuda.module import (
    Operator,
    cupy,
    is_half,
    parts,
    shared_memory,
)
from daiss_bluesky.kernels.reference_stripes import (
    AVERAGED,
    DROPPED,
    FITTED,
    LEAST_OFFSET,
    LEAST_RATIO,
)

_THREADS = 256
_SORTING_THREADS = 512
_COLUMNS = 4
_SORTED_BYTES = 1 << 17
"""A sorted column must fit into the memory of a block of threads."""
_SEGMENT = 256


def work_bytes(rows: int, n_angles: int, columns: int) -> int:
    """Tell the device memory that `remove_stripes` works in."""
    return (4 + 4 + 2) * rows * n_angles * columns + 64 * rows * columns


def remove_stripes(
    p: Any, window_px: int, large_window_px: int | None = None, snr: float = 3.0
) -> None:
    """Remove stripes from contiguous attenuation (row, angle, column), in place.

    float32 or float16 on the device, every angle of a row there. By sorting; with a
    large window dead and wide stripes are mended first. Windows are odd.
    """
    rows, n_angles, columns = p.shape
    cp = cupy()
    if n_angles > (most := most_angles(shared_memory())):
        raise InputError(
            f"stripes of {n_angles} projections: this device sorts at most {most}"
        )
    if large_window_px:
        _bridge(cp, p, _find_dead(cp, p, large_window_px, snr))
    ranked = cp.empty((rows, columns, n_angles), cp.float32)
    order = cp.empty(ranked.shape, cp.uint16)
    _rank(p, ranked, order)
    smooth = cp.empty_like(ranked)
    if large_window_px:
        _replace_wide(cp, ranked, large_window_px, snr, smooth)
    medians(ranked, window_px, smooth)
    _put_back(smooth, order, p)


def _operator(p: Any, n_angles: int) -> tuple[Operator, int, int]:
    """Give functions, columns a block, and the power of two that angles sort in."""
    length = 1 << max(1, (n_angles - 1).bit_length())
    together = columns_together(length, shared_memory())
    constants = {"HALF": is_half(p), "COLUMNS": together}
    return Operator("stripes", constants), together, length


def columns_together(length: int, shared_bytes: int) -> int:
    """Tell how many columns of a power of two a block sorts: one too."""
    return max(1, min(_COLUMNS, most_angles(shared_bytes) // length))


def most_angles(shared_bytes: int) -> int:
    """Tell how long a column may be that fits, a power of two."""
    keys = min(_SORTED_BYTES, shared_bytes) // 8
    return 1 << (keys.bit_length() - 1)


def _rank(p: Any, ranked: Any, order: Any) -> None:
    rows, n_angles, columns = p.shape
    operator, together, length = _operator(p, n_angles)
    sizes = np.int32(n_angles), np.int32(columns)
    operator.launch(
        "rank_columns",
        (parts(columns, together), rows),
        (_SORTING_THREADS,),
        (p, *sizes, np.int32(length), ranked, order),
        shared_bytes=8 * together * length,
    )


def _put_back(ranked: Any, order: Any, p: Any) -> None:
    rows, n_angles, columns = p.shape
    operator, together, _ = _operator(p, n_angles)
    operator.launch(
        "put_back",
        (parts(columns, together), rows),
        (_SORTING_THREADS,),
        (ranked, order, np.int32(n_angles), np.int32(columns), p),
        shared_bytes=4 * together * n_angles,
    )


def medians(values: Any, window_px: int, out: Any, mask: Any = None) -> None:
    """Median over columns of (row, column, rank), float32, edges reflected.

    With a mask (row, column) only the columns that it marks are written.
    """
    rows, columns, ranks = values.shape
    Operator("stripes", {"WINDOW": window_px}).launch(
        "medians",
        (parts(ranks, _THREADS), parts(columns, _SEGMENT), rows),
        (_THREADS,),
        (
            values, np.int32(ranks), np.int32(columns), np.int32(_SEGMENT),
            values if mask is None else mask, np.int32(mask is not None), out,
        ),
    )  # fmt: skip


def _find_dead(cp: Any, p: Any, window_px: int, snr: float) -> Any:
    rows, n_angles, columns = p.shape
    restless = cp.empty((rows, columns, 1), cp.float32)
    Operator("stripes", {"HALF": is_half(p)}).launch(
        "restlessness",
        (parts(columns, _THREADS), rows),
        (_THREADS,),
        (p, np.int32(n_angles), np.int32(columns), restless),
    )
    usual = cp.empty_like(restless)
    medians(restless, window_px, usual)
    return dead_columns(cp, restless[..., 0], usual[..., 0], snr)


def dead_columns(xp: Any, restless: Any, usual: Any, snr: float) -> Any:
    """Mark columns (row, column) that change far more, or less, than is usual."""
    known = usual > 0
    ratio = xp.where(known, restless / xp.where(known, usual, 1), 1)
    dead = widened(outliers(xp, ratio, snr, LEAST_RATIO))
    dead[:, :2] = False
    dead[:, -2:] = False
    return dead


def outliers(xp: Any, values: Any, snr: float, least: float) -> Any:
    """Mark values far from the rest of their row; `reference_stripes.outliers`."""
    values = values.astype(xp.float64)
    ranked = xp.sort(values, axis=1)
    n = values.shape[1]
    drop = int(FITTED * n)
    kept = ranked[:, drop : n - drop]
    middle = (n - 1) / 2
    away = xp.arange(drop, n - drop) - middle
    mean = kept.mean(axis=1, keepdims=True)
    rise = ((kept - mean) * away).sum(axis=1, keepdims=True)
    half = middle * rise / max(float((away**2).sum()), 1.0)
    low, high = mean - half, mean + half
    noise = xp.maximum(high - low, least)
    over = (ranked[:, -1:] - high >= snr * noise) & (values > high + 0.5 * snr * noise)
    under = (low - ranked[:, :1] >= snr * noise) & (values < low - 0.5 * snr * noise)
    return over | under


def widened(mask: Any) -> Any:
    """Mark the neighbors (row, column) of what is marked, too."""
    wide = mask.copy()
    wide[:, 1:] |= mask[:, :-1]
    wide[:, :-1] |= mask[:, 1:]
    return wide


def _bridge(cp: Any, p: Any, dead: Any) -> None:
    """Interpolate dead columns between the nearest ones that are not, in place."""
    if not bool(dead.any()):
        return
    rows, columns, left, right = bridges(dead.get())
    u = ((columns - left) / (right - left)).astype(np.float32)
    where = cp.asarray(rows)
    near, far = p[where, :, cp.asarray(left)], p[where, :, cp.asarray(right)]
    near, far = near.astype(cp.float32), far.astype(cp.float32)
    p[where, :, cp.asarray(columns)] = near + cp.asarray(u)[:, None] * (far - near)


def bridges(dead: np.ndarray[Any, Any]) -> tuple[np.ndarray[Any, Any], ...]:
    """Give row and number of dead columns, and the good ones left and right of each."""
    places = np.arange(dead.shape[1])
    left = np.maximum.accumulate(np.where(dead, -1, places), axis=1)
    beyond = np.where(dead, dead.shape[1], places)[:, ::-1]
    right = np.minimum.accumulate(beyond, axis=1)[:, ::-1]
    rows, columns = np.nonzero(dead)
    return rows, columns, left[rows, columns], right[rows, columns]


def _replace_wide(cp: Any, ranked: Any, window_px: int, snr: float, room: Any) -> None:
    """Replace columns of wide stripes by what is usual around them, in place."""
    n_angles = ranked.shape[2]
    drop = int(DROPPED * n_angles)
    step = max(1, (n_angles - 2 * drop) // AVERAGED)
    some = cp.ascontiguousarray(ranked[..., drop : n_angles - drop : step])
    usual = cp.empty_like(some)
    medians(some, window_px, usual)
    wide = wide_columns(cp, some - usual, snr)
    if bool(wide.any()):
        medians(ranked, window_px, room, wide.view(cp.uint8))
        cp.copyto(ranked, room, where=wide[..., None])


def wide_columns(xp: Any, away: Any, snr: float) -> Any:
    """Mark columns that are off by the same at all ranks (row, column, rank)."""
    away = away.astype(xp.float64)
    offset = away.mean(axis=2)
    steady = xp.abs(offset) > away.std(axis=2)
    return widened(outliers(xp, offset, snr, LEAST_OFFSET) & steady)
