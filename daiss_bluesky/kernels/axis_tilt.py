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
    frames: NDArray[np.float32], tilt_rad: float, center_px: float
) -> NDArray[np.float32]:
    """Turn frames (frame, row, column) so that a tilted axis stands upright.

    About center_px in the middle of the rows, where the axis stays. Cubic convolution
    (Keys 1981), the outermost pixels continue outwards. Refuses tilts beyond
    MAX_TILT_RAD. Defined by `reference_center.straighten`.
    """
    if not abs(tilt_rad) <= MAX_TILT_RAD:
        raise InputError(
            f"a tilt of {tilt_rad:g} rad is not within {MAX_TILT_RAD:.3g} rad"
            f" ({np.rad2deg(MAX_TILT_RAD):g} degrees)"
        )
    frames = np.ascontiguousarray(frames, np.float32)
    out = np.empty_like(frames)
    with threads_for(40 * frames.size):
        _straighten(frames, np.cos(tilt_rad), np.sin(tilt_rad), center_px - 0.5, out)
    return out


@njit(cache=True, nogil=True, inline="always")
def _cubic(t, weights):  # type: ignore[no-untyped-def]
    """Weigh the four pixels around a place that is t behind the second."""
    half = np.float32(0.5)
    weights[0] = half * t * (np.float32(-1) + t * (np.float32(2) - t))
    weights[1] = np.float32(1) + half * t * t * (np.float32(3) * t - np.float32(5))
    weights[2] = half * t * (np.float32(1) + t * (np.float32(4) - np.float32(3) * t))
    weights[3] = half * t * t * (t - np.float32(1))


@njit(cache=True, nogil=True, parallel=True)
def _straighten(frames, cosine, sine, center, out):  # type: ignore[no-untyped-def]
    count, rows, n = frames.shape
    middle = (rows - 1) / 2
    for task in prange(count * rows):
        frame, z = frames[task // rows], task % rows - middle
        line = out[task // rows, task % rows]
        wu, wv = np.empty(4, np.float32), np.empty(4, np.float32)
        for x in range(n):
            s = x - center
            u = center + s * cosine + z * sine
            v = middle - s * sine + z * cosine
            left, top = int(np.floor(u)), int(np.floor(v))
            _cubic(np.float32(u - left), wu)
            _cubic(np.float32(v - top), wv)
            total = np.float32(0)
            for i in range(4):
                source = frame[min(max(top - 1 + i, 0), rows - 1)]
                part = np.float32(0)
                for j in range(4):
                    part += wu[j] * source[min(max(left - 1 + j, 0), n - 1)]
                total += wv[i] * part
            line[x] = total
