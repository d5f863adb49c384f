"""What a device reaches in what others do best: copies, and Fourier transforms."""

from collections.abc import Callable
from importlib import import_module

import numpy as np

from daiss_bluesky.kernels.cuda.module import cupy

_COPY_BYTES = 1 << 30
_FFT_BYTES = 1 << 27
"""Of waves, more than what a cache holds."""
_RUNS = 10


def copy_bytes_per_s() -> float:
    """Copy within the device; what is read and what is written both count."""
    cp = cupy()
    source = cp.ones(_COPY_BYTES // 4, np.float32)
    target = cp.empty_like(source)
    took_s = _median_s(lambda: cp.copyto(target, source))
    return 2 * int(source.nbytes) / took_s


def fft_pairs_per_s(shape: tuple[int, int], batch: int | None = None) -> float:
    """Transform complex64 waves there and back by cuFFT; as many as fill the device."""
    cp, fft = cupy(), import_module("cupyx.scipy.fft")
    count = batch or max(1, _FFT_BYTES // (8 * shape[0] * shape[1]))
    waves = cp.ones((count, *shape), np.complex64)
    plan = fft.get_fft_plan(waves, axes=(1, 2))

    def both() -> None:
        with plan:
            fft.fft2(waves, axes=(1, 2), overwrite_x=True)
            fft.ifft2(waves, axes=(1, 2), overwrite_x=True)

    return count / _median_s(both)


def _median_s(work: Callable[[], object]) -> float:
    cp = cupy()
    work()
    times = []
    for _ in range(_RUNS):
        began, ended = cp.cuda.Event(), cp.cuda.Event()
        began.record()
        work()
        ended.record()
        ended.synchronize()
        times.append(1e-3 * cp.cuda.get_elapsed_time(began, ended))
    return float(np.median(times))
