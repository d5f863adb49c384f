"""Tilt of the rotation axis in the plane of the detector: found, and taken out.

An axis tilted by φ crosses row v at center + tan φ · (v - middle). A projection and its
mirrored opposite then are the same picture turned by φ either way. Strips of rows give
a first angle; Gauss-Newton steps on the whole pictures refine angle and center together
(Lucas & Kanade 1981), because the opposite is also displaced along the rows' normal,
which strips cannot see.
"""

from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numba import njit, prange
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter, map_coordinates, spline_filter

from daiss_bluesky.core.errors import InputError
from daiss_bluesky.kernels.logarithm import negative_log
from daiss_bluesky.kernels.reference import MIN_TRANSMISSION
from daiss_bluesky.kernels.rotation_center import MIN_CORRELATION, find_center
from daiss_bluesky.kernels.threads import threads_for

Array = NDArray[np.float64]

MIN_ROWS = 16
MAX_TILT_RAD = np.deg2rad(10.0)
SURE_RAD = np.deg2rad(0.1)
"""A tilt with a larger standard error than this is unsure."""

_MAX_SIDE = 512
"""Larger pictures are averaged over neighbors: angles do not need more."""

_STRIPS = 8
_STEPS = 20
_ENOUGH_RAD = 1e-6
_SMOOTH_PX = 1.0
_CORRELATED = 2 * np.sqrt(np.pi) * _SMOOTH_PX
"""How much smoothing makes a standard error look too small."""

_MARGIN = 4

_TAPS = 4
_WORK = 20
"""Operations of straightening, for each pixel."""

_FLOOR = np.float32(MIN_TRANSMISSION)


@dataclass(frozen=True, slots=True)
class AxisTilt:
    """An axis that crosses row v at center_px + tan(tilt_rad) · (v - middle row)."""

    tilt_rad: float
    error_rad: float
    """Standard error."""
    center_px: float
    """Where it crosses the middle of the rows, from the left edge."""
    unsure: str | None
    """Why it is not to be believed, or None."""


def find_tilt(first: NDArray[np.float32], opposite: NDArray[np.float32]) -> AxisTilt:
    """Find tilt and center from attenuation at θ and θ + 180 degrees.

    (row, column), or (pair, row, column) for several pairs at once. Refuses fewer than
    MIN_ROWS rows.
    """
    pairs = [np.reshape(p, (-1, *p.shape[-2:])) for p in (first, opposite)]
    rows, n = first.shape[-2:]
    if pairs[0].shape != pairs[1].shape:
        raise InputError(
            f"opposite projections have different shapes: {first.shape}"
            f" and {opposite.shape}"
        )
    if rows < MIN_ROWS:
        raise InputError(
            f"the tilt of the axis needs at least {MIN_ROWS} rows, not {rows}"
        )
    together = -(-max(rows, n) // _MAX_SIDE)
    p = [_average(frame, together) for frame in pairs[0]]
    m = [_average(frame[:, ::-1], together) for frame in pairs[1]]
    tilt, center = _from_strips(pairs[0][0], pairs[1][0])
    found = _refine(_prepare(p), _prepare(m), tilt, center / together)
    return AxisTilt(found[0], found[1], found[2] * together, found[3])


def _average(frame: NDArray[np.float32], together: int) -> Array:
    rows, n = (size // together * together for size in frame.shape)
    blocks = frame[:rows, :n].astype(np.float64)
    blocks = blocks.reshape(rows // together, together, n // together, together)
    return np.asarray(blocks.mean(axis=(1, 3)))


def _from_strips(
    first: NDArray[np.float32], opposite: NDArray[np.float32]
) -> tuple[float, float]:
    """Give a first tilt and center: the median slope between strips of rows."""
    rows = first.shape[0]
    overall = find_center(first, opposite)
    edges = np.linspace(0, rows, _STRIPS + 1).astype(int)
    heights, centers = [], []
    for a, b in pairwise(edges):
        strip = find_center(first[a:b], opposite[a:b])
        if strip.is_reliable:
            heights.append((a + b - rows) / 2)
            centers.append(strip.center_px)
    if len(heights) < 3:  # noqa: PLR2004 - two make a slope of any accident
        return 0.0, overall.center_px
    z, c = np.array(heights), np.array(centers)
    i, j = np.triu_indices(len(z), 1)
    slope = float(np.median((c[j] - c[i]) / (z[j] - z[i])))
    return float(np.arctan(slope)), float(np.median(c - slope * z))


def _prepare(frames: list[Array]) -> list[Array]:
    return [
        np.asarray(spline_filter(gaussian_filter(frame, _SMOOTH_PX)), np.float64)
        for frame in frames
    ]


def _refine(
    p: list[Array], m: list[Array], tilt: float, center: float
) -> tuple[float, float, float, str | None]:
    """Step to the angle and center of least squares; with its error and doubts."""
    rows, n = p[0].shape
    error, correlation = np.inf, 0.0
    for _ in range(_STEPS):
        reach = min(center, n - center) - _MARGIN - abs(np.sin(tilt)) * rows / 2
        if reach < 2 * _MARGIN or abs(tilt) > MAX_TILT_RAD:
            return 0.0, np.inf, n / 2, "opposite projections hardly overlap"
        steps, error, correlation = _step(p, m, tilt, center, reach)
        tilt += float(np.clip(steps[0], -0.02, 0.02))
        center += float(np.clip(steps[1], -1, 1))
        if abs(steps[0]) < _ENOUGH_RAD:
            break
    unsure = None
    if correlation < MIN_CORRELATION:
        unsure = f"opposite projections do not match (correlation {correlation:.2f})"
    elif not error < SURE_RAD:
        unsure = f"the frames fix the tilt to {np.rad2deg(error):.2g} degrees only"
    return tilt, error, center, unsure


def _step(
    p: list[Array], m: list[Array], tilt: float, center: float, reach: float
) -> tuple[Array, float, float]:
    """Solve for small changes of tilt and center, over the pictures of all pairs.

    Gain and offset (a drifting beam) and a step along the rows' normal are fitted too.
    """
    rows, n = p[0].shape
    s = np.arange(-np.floor(reach), np.floor(reach) + 1)
    z = np.arange(_MARGIN, rows - _MARGIN) - (rows - 1) / 2
    designs, targets = [], []
    for first, mirrored in zip(p, m, strict=True):
        a = _turned(first, s, z, tilt, center)
        b = _turned(mirrored, s, z, -tilt, n - center)
        slope_z, slope_s = np.gradient((a + b) / 2)
        turn = 2 * (z[:, None] * slope_s - s * slope_z)
        parts = [turn, 2 * slope_s, slope_z, a, np.ones_like(a)]
        designs.append(np.stack([part.ravel() for part in parts], axis=1))
        targets.append(b.ravel())
    design, target = np.concatenate(designs), np.concatenate(targets)
    if not (target.std() > 0 and design[:, 3].std() > 0):
        return np.zeros(2), np.inf, 0.0
    correlation = float(np.corrcoef(design[:, 3], target)[0, 1])
    normal = design.T @ design
    solution = np.linalg.pinv(normal, hermitian=True) @ (design.T @ target)
    residual = float(np.mean((target - design @ solution) ** 2))
    variance = residual * float(np.linalg.pinv(normal, hermitian=True)[0, 0])
    return solution[:2], _CORRELATED * float(np.sqrt(variance)), correlation


def _turned(picture: Array, s: Array, z: Array, tilt: float, center: float) -> Array:
    """Sample a picture along and across an axis: (z, s)."""
    cosine, sine = np.cos(tilt), np.sin(tilt)
    u = center - 0.5 + s * cosine + z[:, None] * sine
    v = (picture.shape[0] - 1) / 2 - s * sine + z[:, None] * cosine
    return np.asarray(
        map_coordinates(picture, [v, u], order=3, mode="nearest", prefilter=False)
    )


def straighten(
    frames: NDArray[np.float32],
    tilt_rad: float,
    center_px: float,
    middle_row_px: float | None = None,
    *,
    logarithm: bool = False,
) -> NDArray[np.float32]:
    """Turn frames (frame, row, column) so that a tilted axis stands upright.

    About center_px, from the left edge, and middle_row_px, from the top edge (None:
    half the rows); an axis that passes there stays there. Cubic convolution (Keys
    1981). What comes from outside of the detector repeats its outermost pixels. With
    `logarithm` frames are transmission, and the negative logarithm of what they are
    turned into is given. Refuses tilts beyond MAX_TILT_RAD. Defined by
    `reference_center.straighten`.
    """
    if not abs(tilt_rad) <= MAX_TILT_RAD:
        raise InputError(
            f"a tilt of {tilt_rad:g} rad is not within {MAX_TILT_RAD:.3g} rad"
            f" ({np.rad2deg(MAX_TILT_RAD):g} degrees)"
        )
    frames = np.ascontiguousarray(frames, np.float32)
    middle = frames.shape[1] / 2 if middle_row_px is None else middle_row_px
    out = np.empty_like(frames)
    with threads_for(_WORK * frames.size):
        _straighten(
            frames,
            np.cos(tilt_rad),
            np.sin(tilt_rad),
            center_px - 0.5,
            middle - 0.5,
            logarithm,
            out,
        )
    return out


def margin_rows(tilt_rad: float, shape: tuple[int, int]) -> int:
    """Tell how far from a row of upright frames of a shape its pixels come from."""
    rows, columns = shape
    reach = abs(np.sin(tilt_rad)) * columns + (1 - np.cos(tilt_rad)) * rows
    return int(np.ceil(reach / 2)) + _TAPS // 2 if tilt_rad else 0


@njit(cache=True, nogil=True, parallel=True)
def _straighten(  # type: ignore[no-untyped-def]
    frames, cosine, sine, center, middle, logarithm, out
):
    count, rows, n = frames.shape
    for task in prange(count * rows):
        frame, row = frames[task // rows], task % rows
        finished = out[task // rows, row]
        line = np.empty(n, np.float32) if logarithm else finished
        u = center - center * cosine + (row - middle) * sine
        v = middle + center * sine + (row - middle) * cosine
        _straighten_row(frame, u, v, cosine, sine, line)
        if logarithm:
            for x in range(n):
                line[x] = line[x] if line[x] > _FLOOR else _FLOOR
            negative_log(line.view(np.int32), np.empty(n, np.float32), finished)


@njit(cache=True, nogil=True)
def _straighten_row(frame, u, v, cosine, sine, line):  # type: ignore[no-untyped-def]
    """Sample along a slanted line that begins at u, v, a column a step.

    The tilt is small, so that long runs of it lie between the same two rows, and as far
    from whole columns.
    """
    rows, n = frame.shape
    x = 0
    while x < n:
        at, down = u + x * cosine, v - x * sine
        left, top = int(np.floor(at)), int(np.floor(down))
        if left < 1 or left > n - 3:
            line[x] = _at_edge(frame, left, top, at - left, down - top)
            x += 1
            continue
        run = min(n - x, n - 2 - left)
        if sine > 0:
            run = min(run, int((down - top) / sine) + 1)
        elif sine < 0:
            run = min(run, int((down - top - 1) / sine) + 1)
        if cosine < 1:
            run = min(run, int((at - left) / (1 - cosine)) + 1)
        first, last = left - 1, left + run + 2
        _straighten_run(
            frame[min(max(top - 1, 0), rows - 1), first:last],
            frame[min(max(top, 0), rows - 1), first:last],
            frame[min(max(top + 1, 0), rows - 1), first:last],
            frame[min(max(top + 2, 0), rows - 1), first:last],
            (at - left, cosine - 1, down - top, -sine),
            line[x : x + run],
        )
        x += run


@njit(cache=True, nogil=True, inline="always")
def _cubic(t):  # type: ignore[no-untyped-def]
    """Weigh the four pixels around a place that is t behind the second."""
    one, three = np.float32(1), np.float32(3)
    halved = np.float32(0.5) * t
    return (
        halved * (t - one) * (one - t),
        one + halved * t * (three * t - np.float32(5)),
        halved * (one + t * (np.float32(4) - three * t)),
        halved * t * (t - one),
    )


@njit(cache=True, nogil=True, fastmath={"contract"})
def _straighten_run(above, upper, lower, below, place, line):  # type: ignore[no-untyped-def]
    """Interpolate between four rows; place is where, and how that changes a column."""
    at, along, down, across = place
    at, along = np.float32(at), np.float32(along)
    down, across = np.float32(down), np.float32(across)
    for x in range(line.size):
        steps = np.float32(x)
        u0, u1, u2, u3 = _cubic(at + steps * along)
        v0, v1, v2, v3 = _cubic(down + steps * across)
        line[x] = (
            v0
            * (
                u0 * above[x]
                + u1 * above[x + 1]
                + u2 * above[x + 2]
                + u3 * above[x + 3]
            )
            + v1
            * (
                u0 * upper[x]
                + u1 * upper[x + 1]
                + u2 * upper[x + 2]
                + u3 * upper[x + 3]
            )
            + v2
            * (
                u0 * lower[x]
                + u1 * lower[x + 1]
                + u2 * lower[x + 2]
                + u3 * lower[x + 3]
            )
            + v3
            * (
                u0 * below[x]
                + u1 * below[x + 1]
                + u2 * below[x + 2]
                + u3 * below[x + 3]
            )
        )


@njit(cache=True, nogil=True)
def _at_edge(frame, left, top, at, down):  # type: ignore[no-untyped-def]
    rows, n = frame.shape
    wu, wv = _cubic(np.float32(at)), _cubic(np.float32(down))
    total = np.float32(0)
    for i in range(_TAPS):
        source = frame[min(max(top - 1 + i, 0), rows - 1)]
        part = np.float32(0)
        for j in range(_TAPS):
            part += wu[j] * source[min(max(left - 1 + j, 0), n - 1)]
        total += wv[i] * part
    return total
