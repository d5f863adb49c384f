"""Peak memory of a whole ptychographic scan beside what was stated before it.

In a process of its own: `python -m daiss_bluesky.bench.diffraction_memory phantom`.
The frames of the phantom are computed there too, which needs little.
"""

import json
import sys

import numpy as np

from daiss_bluesky.algorithms.ptychography.algorithm import RpieAlgorithm
from daiss_bluesky.bench.diffraction_cases import DiffractionCase, find_diffraction_case
from daiss_bluesky.bench.measuring import own_peak, peak_in_process
from daiss_bluesky.core.stored_batches import count_frames, sample_batch

BATCH = 16


def peak_of(case: DiffractionCase) -> dict[str, float]:
    """Give stated and reached memory of a case, in GB."""
    return peak_in_process("daiss_bluesky.bench.diffraction_memory", case.name)


def _run(case: DiffractionCase) -> dict[str, float]:
    stored = case.stored()
    algorithm = RpieAlgorithm()
    stated = algorithm.memory_bytes(stored.scan, stored.frame_shape)
    reconstruction = algorithm.start(stored.scan, stored.frame_shape)
    n = count_frames(stored)
    for first in range(0, n, BATCH):
        which = np.arange(first, min(n, first + BATCH))
        reconstruction.add(sample_batch(stored, which))
    reconstruction.views()
    reconstruction.finish(lambda _: iter(()))
    return own_peak(stated)


if __name__ == "__main__":
    sys.stdout.write(json.dumps(_run(find_diffraction_case(sys.argv[1]))))
