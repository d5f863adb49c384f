"""Peak memory of a whole reconstruction beside what was stated before it.

In a process of its own, fed with made-up frames one batch at a time, so that nothing
but the reconstruction holds memory: `python -m daiss_bluesky.bench.memory A`.
"""

import json
import sys
from collections.abc import Iterator

import numpy as np

from daiss_bluesky.algorithms.fbp import FbpAlgorithm
from daiss_bluesky.bench.cases import Case, find_case
from daiss_bluesky.bench.measuring import own_peak, peak_in_process
from daiss_bluesky.core.frames import Batch, FrameKind
from daiss_bluesky.core.scan import Scan

BATCH = 32


def peak_of(case: Case) -> dict[str, float]:
    """Give stated and reached memory of a case, by the default method, in GB."""
    return peak_in_process("daiss_bluesky.bench.memory", case.name)


def _run(case: Case) -> dict[str, float]:
    counts: dict[FrameKind, int] = {"projection": case.n_angles, "flat": 10, "dark": 10}
    scan = Scan(run_uid="memory", counts=counts, center_px=case.center_px)
    shape = (case.rows, case.columns)
    algorithm = FbpAlgorithm()
    stated = algorithm.memory_bytes(scan, shape)
    reconstruction = algorithm.start(scan, shape)
    for batch in _batches(case):
        reconstruction.add(batch)
    reconstruction.views()
    reconstruction.finish(lambda _: iter(()))
    return own_peak(stated)


def _batches(case: Case) -> Iterator[Batch]:
    rng = np.random.default_rng(0)
    shape = (BATCH, case.rows, case.columns)
    noise = rng.integers(9_000, 10_000, shape, dtype=np.uint16)
    for kind, level in (("dark", 9_000), ("flat", 0)):
        pixels = noise[:10] - np.uint16(level)
        yield _batch(kind, np.arange(10), np.zeros(10), pixels)  # type: ignore[arg-type]
    for first in range(0, case.n_angles, BATCH):
        angles = case.angles_rad[first : first + BATCH]
        indices = first + np.arange(len(angles))
        yield _batch("projection", indices, angles, noise[: len(angles)])


def _batch(
    kind: FrameKind,
    indices: np.ndarray[tuple[int], np.dtype[np.int64]],
    angles_rad: np.ndarray[tuple[int], np.dtype[np.float64]],
    pixels: np.ndarray[tuple[int, int, int], np.dtype[np.uint16]],
) -> Batch:
    times_s = np.zeros(len(indices))
    return Batch(kind, kind, indices, angles_rad, times_s, pixels)


if __name__ == "__main__":
    sys.stdout.write(json.dumps(_run(find_case(sys.argv[1]))))
