"""Times, peak memory, error and likeness, measured the same way for everyone."""

import json
import resource
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

import numpy as np
import psutil
from numpy.typing import NDArray

SAMPLE_S = 0.002

RECOGNIZED = 0.8
"""Correlation with the final phase from which on an object is recognized."""


@dataclass(slots=True)
class Peak:
    """Largest resident memory while something ran, beyond what there was before."""

    bytes: int = 0
    _ended: threading.Event = field(default_factory=threading.Event)


@contextmanager
def peak_memory() -> Iterator[Peak]:
    """Watch this process from a thread; short peaks may fall between two looks."""
    process, peak = psutil.Process(), Peak()
    before = process.memory_info().rss

    def watch() -> None:
        while not peak._ended.wait(SAMPLE_S):  # noqa: SLF001 - its own
            peak.bytes = max(peak.bytes, process.memory_info().rss - before)

    watcher = threading.Thread(target=watch, daemon=True)
    watcher.start()
    try:
        yield peak
    finally:
        peak._ended.set()  # noqa: SLF001
        watcher.join()


def peak_in_process(module: str, name: str) -> dict[str, float]:
    """Give stated and reached memory, in GB, as the module says of a case."""
    # Compiling takes memory that no scan after the first one needs.
    compiling = [sys.executable, "-m", "daiss_bluesky.kernels.compile"]
    subprocess.run(compiling, capture_output=True, check=True)
    command = [sys.executable, "-m", module, name]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    answer: dict[str, float] = json.loads(done.stdout)
    return answer


def own_peak(stated_bytes: float) -> dict[str, float]:
    """Say what this process has reached, beside what was stated."""
    reached = 1024 * resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return {"stated_gb": stated_bytes / 1e9, "reached_gb": reached / 1e9}


def seconds(work: Callable[[], object]) -> float:
    """Time one run."""
    began_s = time.perf_counter()
    work()
    return time.perf_counter() - began_s


def paired_ratio(
    ours: Callable[[], object], peer: Callable[[], object], runs: int
) -> tuple[float, float, float]:
    """Run both in turn; medians of our time, the peer's, and of peer over ours.

    Side by side, so that what else the machine does falls on both.
    """
    pairs = np.array([(seconds(ours), seconds(peer)) for _ in range(runs)])
    ratios = pairs[:, 1] / pairs[:, 0]
    own_s, peer_s = np.median(pairs, axis=0)
    return float(own_s), float(peer_s), float(np.median(ratios))


def gain_and_error(
    slices: NDArray[np.float32], truth: NDArray[np.float32]
) -> tuple[float, float]:
    """Give the best gain, and RMSE over RMS of the truth with it, in the 0.95 circle.

    (slice, y, x). The gain is the least-squares factor from slices to truth.
    """
    n = truth.shape[-1]
    away = np.arange(n) - (n - 1) / 2
    inside = np.hypot(away[:, None], away) <= 0.95 * n / 2
    found = slices[:, inside].astype(np.float64).ravel()
    right = truth[:, inside].astype(np.float64).ravel()
    gain = float(found @ right / (found @ found))
    error = np.sqrt(np.mean((gain * found - right) ** 2) / np.mean(right**2))
    return gain, float(error)


def alike(a: NDArray[np.float32], b: NDArray[np.float32]) -> float:
    """Give the correlation of two pictures; 0 where one shows nothing."""
    if not (a.std() and b.std()):
        return 0.0
    return float(np.corrcoef(a.ravel(), b.ravel())[0, 1])
