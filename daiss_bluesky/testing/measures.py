"""How far a volume is from another one, and how much memory it took to make it."""

import tracemalloc
from typing import Any

import numpy as np
from numpy.typing import NDArray

from daiss_bluesky.algorithms.fbp import BASE_BYTES
from daiss_bluesky.core.reconstruction import Algorithm
from daiss_bluesky.core.stored import StoredScan
from daiss_bluesky.engine.inline import reconstruct_scan


def relative_error(volume: NDArray[Any], truth: NDArray[Any]) -> float:
    """Give RMSE over RMS of the truth inside the 0.95 circle."""
    n = truth.shape[-1]
    offset = np.arange(n) - (n - 1) / 2
    inside = offset[:, None] ** 2 + offset**2 <= (0.95 * n / 2) ** 2
    away = (volume - truth)[..., inside]
    return float(np.sqrt(np.mean(away**2) / np.mean(truth[..., inside] ** 2)))


def memory_share(algorithm: Algorithm, stored: StoredScan) -> float:
    """Give the peak of arrays while reconstructing, over what was stated for them."""
    reconstruct_scan(stored, algorithm)  # compiles
    tracemalloc.start()
    try:
        reconstruct_scan(stored, algorithm)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    stated = algorithm.memory_bytes(stored.scan, stored.frame_shape) - BASE_BYTES
    return peak / stated
