"""Each step between raw frames and projections, beside its plain NumPy and SciPy form.

`daiss bench preprocess`. Times are medians of paired runs (ours and plain one after the
other), in milliseconds for each frame; stripe removal for each frame that it corrects,
so that steps add up; its plain form is sorting in both cases.
"""

import time
from collections.abc import Callable
from statistics import median
from typing import Any

import numpy as np
import scipy.fft
from numpy.typing import NDArray
from scipy.ndimage import median_filter

from daiss_bluesky.algorithms.preprocessing import MeanProjection
from daiss_bluesky.kernels.correction import (
    NO_DEAD,
    ZINGER_SPREAD,
    Fields,
    attenuation,
    transmission,
)
from daiss_bluesky.kernels.gridding import Grid, transform_rows
from daiss_bluesky.kernels.phase import PhaseFilter, retrieve
from daiss_bluesky.kernels.ramp import frequency_response, padded_length
from daiss_bluesky.kernels.reference import MIN_TRANSMISSION
from daiss_bluesky.kernels.stripes import remove_stripes

Step = Callable[[], object]
Frames = NDArray[Any]

SIZES = (1024, 2048)
FRAMES = 4
ANGLES, STRIPE_ROWS = 720, 2
"""Sinograms of so many angles, and how many at once."""

_AROUND = np.ones((3, 3), bool)
_AROUND[1, 1] = False


def measure(
    sizes: tuple[int, ...] = SIZES, runs: int = 3, *, plain: bool = True
) -> dict[str, Any]:
    """Measure every step; {size: {step: {ours_ms, plain_ms, ratio}}}.

    Without `plain` only ours, which is faster by far.
    """
    return {str(size): _measure_size(size, runs, plain) for size in sizes}


def _measure_size(size: int, runs: int, plain: bool) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for name, (ours, theirs, frames) in _steps(size).items():
        ours()
        times = [(_ms(ours), _ms(theirs) if plain else 0.0) for _ in range(runs)]
        mine = median(t[0] for t in times) / frames
        found[name] = {"ours_ms": round(mine, 3)}
        if plain:
            found[name]["plain_ms"] = round(median(t[1] for t in times) / frames, 3)
            found[name]["ratio"] = round(median(t[1] / t[0] for t in times), 1)
    for log in ("flat, zingers, log", "flat, zingers, Paganin"):
        together = (log, "stripes, mean", "ramp")
        sum_ms = sum(found[name]["ours_ms"] for name in together)
        found[f"{log}; stripes, mean; ramp"] = {
            "ours_ms": round(sum_ms, 3),
            "frames_per_s": round(1000 / sum_ms, 1),
        }
    return found


def _ms(step: Step) -> float:
    start_s = time.perf_counter()
    step()
    return 1000 * (time.perf_counter() - start_s)


def _steps(size: int) -> dict[str, tuple[Step, Step, float]]:
    """Name the steps: ours, plain, and for how many frames' worth of work."""
    rng = np.random.default_rng(0)
    raw = rng.poisson(20_000, (FRAMES, size, size)).astype(np.uint16)
    times_s = np.full(FRAMES, 3.0)
    dark = np.full((size, size), 100, np.float32)
    gains = np.full((2, size, size), 40_000, np.float32)
    fields = Fields(dark, gains, np.array([0.0, 10.0]), NO_DEAD)
    p = attenuation(raw, times_s, fields, None)
    mean = MeanProjection((size, size))
    weights = np.ones(FRAMES)
    grid, angles = Grid(size, size), np.linspace(0, 1, FRAMES)
    phase = PhaseFilter("paganin", 300.0, 20.0, 50.0, 1.0)
    sinograms = np.ascontiguousarray(
        rng.normal(1, 0.05, (ANGLES, STRIPE_ROWS, size)).astype(np.float32)
    )
    # The sinograms at hand are this part of as many whole frames.
    share = ANGLES * STRIPE_ROWS / size
    steps: dict[str, tuple[Step, Step, float]] = {
        "flat": (
            lambda: transmission(raw, times_s, fields, None),
            lambda: _flat(raw, dark, gains),
            FRAMES,
        ),
        "flat, log": (
            lambda: attenuation(raw, times_s, fields, None),
            lambda: -np.log(_flat(raw, dark, gains)),
            FRAMES,
        ),
        "flat, zingers, log": (
            lambda: attenuation(raw, times_s, fields, 0.05),
            lambda: -np.log(_zingers(_flat(raw, dark, gains), 0.05)),
            FRAMES,
        ),
        "flat, zingers, Paganin": (
            lambda: retrieve(transmission(raw, times_s, fields, 0.05), phase),
            lambda: _paganin(_zingers(_flat(raw, dark, gains), 0.05)),
            FRAMES,
        ),
        "stripes, mean": (
            lambda: mean.add(p, weights),
            lambda: np.add.reduce(p, axis=0, dtype=np.float64),
            FRAMES,
        ),
        "ramp": (
            lambda: transform_rows(p, grid, angles, weights, size / 2),
            lambda: _ramp(p),
            FRAMES,
        ),
    }
    small, large = 2 * (size // 132) + 1, 2 * (size // 48) + 1
    for name, windows in (("sorting", (small,)), ("combined", (small, large))):
        steps[f"stripes, {name}"] = (
            lambda windows=windows: remove_stripes(sinograms.copy(), *windows),  # type: ignore[misc]
            lambda: _sorting(sinograms, small),
            share,
        )
    return steps


def _flat(raw: Frames, dark: Frames, gains: Frames) -> Frames:
    gain = gains[0] * np.float32(0.7) + gains[1] * np.float32(0.3)
    return np.asarray(np.maximum((raw - dark) / gain, np.float32(MIN_TRANSMISSION)))


def _zingers(t: Frames, threshold: float) -> Frames:
    found = t.copy()
    for frame, mended in zip(t, found, strict=True):
        windows = np.lib.stride_tricks.sliding_window_view(frame, (3, 3))
        around = np.sort(windows[..., _AROUND], axis=-1)
        middle = frame[1:-1, 1:-1]
        excess = middle - around[..., -1]
        spread = around[..., -1] - around[..., 0]
        hit = (excess > threshold) & (excess > ZINGER_SPREAD * spread)
        mended[1:-1, 1:-1][hit] = (around[hit, 3] + around[hit, 4]) / 2
    return found


def _paganin(t: Frames) -> Frames:
    """Filter unpadded, with a width that costs the same as the right one."""
    rows, columns = t.shape[-2:]
    u, v = scipy.fft.fftfreq(rows), scipy.fft.rfftfreq(columns)
    denominator = (1 + 100 * (u[:, None] ** 2 + v**2)).astype(np.float32)
    spectrum = scipy.fft.rfft2(t, workers=-1) / denominator
    smooth = scipy.fft.irfft2(spectrum, (rows, columns), workers=-1)
    return np.asarray(-np.log(np.maximum(smooth, np.float32(MIN_TRANSMISSION))))


def _ramp(p: Frames) -> Frames:
    n = p.shape[-1]
    length = padded_length(n)
    spectrum = scipy.fft.rfft(p, length, axis=-1, workers=-1)
    spectrum *= frequency_response(n).astype(np.float32)
    return np.asarray(scipy.fft.irfft(spectrum, length, axis=-1, workers=-1)[..., :n])


def _sorting(p: Frames, window_px: int) -> Frames:
    order = np.argsort(p, axis=0)
    ranked = np.take_along_axis(p, order, axis=0)
    smooth = median_filter(ranked, (1, 1, window_px))
    found = np.empty_like(p)
    np.put_along_axis(found, order, smooth, axis=0)
    return found
