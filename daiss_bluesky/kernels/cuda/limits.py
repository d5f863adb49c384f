"""What a GPU and the way to it can do at best, measured."""

from collections.abc import Callable
from importlib import import_module
from typing import Any

import numpy as np

from daiss_bluesky.kernels.cuda.module import cupy
from daiss_bluesky.kernels.cuda.transforms import planned

_COPY_BYTES = 1 << 31
_FFT_SIDE, _FFT_COUNT = 2560, 16
_WAVES_BYTES = 1 << 27
"""More than what a cache holds."""
_REPEATS = 10


def measure_limits(number: int = 0) -> dict[str, float]:
    """Measure; takes about a second. Keys carry their units.

    Of a copy within the device, what is read and what is written both count.
    """
    cp = cupy()
    with cp.cuda.Device(number):
        copy_s, up_s, down_s = _copies(cp)
        x = cp.ones((_FFT_COUNT, _FFT_SIDE, _FFT_SIDE), cp.complex64)
        transform = planned(x.shape[1:], _FFT_COUNT)
        fft_s = _median_s(cp, lambda: transform.forward(x))
    operations = fft_operations(_FFT_SIDE**2, _FFT_COUNT)
    return {
        "copy_gb_per_s": 2 * _COPY_BYTES / copy_s / 1e9,
        "upload_gb_per_s": _COPY_BYTES / 4 / up_s / 1e9,
        "download_gb_per_s": _COPY_BYTES / 4 / down_s / 1e9,
        "fft_gflop_per_s": operations / fft_s / 1e9,
    }


def fft_operations(points: int, count: int) -> float:
    """Count those of complex transforms, by the usual 5 N log2 N."""
    return float(5 * points * np.log2(points) * count)


def _copies(cp: Any) -> tuple[float, float, float]:
    """Time copies on the device, from pinned memory and to it."""
    source = cp.ones(_COPY_BYTES // 4, cp.float32)
    target = cp.empty_like(source)
    part = source[: len(source) // 4]
    pinned = cp.cuda.alloc_pinned_memory(part.nbytes)
    address = pinned.ptr

    def up() -> None:
        part.data.copy_from_host_async(address, part.nbytes)

    def down() -> None:
        part.data.copy_to_host_async(address, part.nbytes)

    copy_s = _median_s(cp, lambda: cp.copyto(target, source))
    return copy_s, _median_s(cp, up), _median_s(cp, down)


def fft_pairs_per_s(shape: tuple[int, int], batch: int | None = None) -> float:
    """Transform complex64 waves there and back by cuFFT; as many as fill the device."""
    cp, fft = cupy(), import_module("cupyx.scipy.fft")
    count = batch or max(1, _WAVES_BYTES // (8 * shape[0] * shape[1]))
    waves = cp.ones((count, *shape), np.complex64)
    plan = fft.get_fft_plan(waves, axes=(1, 2))

    def both() -> None:
        with plan:
            fft.fft2(waves, axes=(1, 2), overwrite_x=True)
            fft.ifft2(waves, axes=(1, 2), overwrite_x=True)

    return count / _median_s(cp, both)


def _median_s(cp: Any, work: Callable[[], object]) -> float:
    work()
    times_s = []
    for _ in range(_REPEATS):
        began, ended = cp.cuda.Event(), cp.cuda.Event()
        began.record()
        work()
        ended.record()
        ended.synchronize()
        times_s.append(1e-3 * cp.cuda.get_elapsed_time(began, ended))
    return float(np.median(times_s))
