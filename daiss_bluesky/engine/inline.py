"""The inline engine: a stored scan, start to end, in the caller's thread.

It is what live reconstruction must equal, and what `daiss reconstruct` runs.
"""

import time
from collections.abc import Callable, Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from daiss_bluesky.core.frames import Batch, FrameKey
from daiss_bluesky.core.reconstruction import Algorithm, Progress, Reconstruction
from daiss_bluesky.core.results import Final
from daiss_bluesky.core.stored import StoredScan
from daiss_bluesky.core.stored_batches import (
    AnyStored,
    calibration_batch,
    count_frames,
    field_batches,
    sample_batch,
)
from daiss_bluesky.kernels.rotation_center import opposite_group

BATCH_FRAMES = 32


def reconstruct_scan(
    stored: AnyStored,
    algorithm: Algorithm,
    on_progress: Callable[[Progress], None] | None = None,
) -> Final:
    """Reconstruct a stored scan of the algorithm's technique, calibration first.

    So nothing is read twice. A tomography scan without a 0/180 pair of its own lends
    its two opposite projections, and their neighbors where those are not exact.
    Raises InputError for a scan that cannot be reconstructed.
    """
    reconstruction = algorithm.start(stored.scan, stored.frame_shape)
    for batch in calibration_batches(stored):
        reconstruction.add(batch)
    everything = np.arange(count_frames(stored))
    _feed(reconstruction, sample_batches(stored, everything), on_progress)
    while reconstruction.stale():
        reconstruction.restart()
        _feed(reconstruction, sample_batches(stored, everything), on_progress)

    def reread(keys: Sequence[FrameKey]) -> Iterator[Batch]:
        return sample_batches(stored, np.array([key.index for key in keys]))

    def step() -> None:
        if on_progress is not None:
            on_progress(reconstruction.progress())

    arrays = reconstruction.finish(reread, step)
    progress = reconstruction.progress()
    return Final(
        status="incomplete" if progress.frames_missing else "complete",
        progress=progress,
        views=reconstruction.views(),
        arrays=arrays,
        finished_s=time.time(),
    )


def _feed(
    reconstruction: Reconstruction,
    batches: Iterator[Batch],
    on_progress: Callable[[Progress], None] | None,
) -> None:
    for batch in batches:
        reconstruction.add(batch)
        if on_progress is not None:
            on_progress(reconstruction.progress())


def calibration_batches(stored: AnyStored) -> Iterator[Batch]:
    """Give darks, flats and the 0/180 pair, or the projections that stand for it."""
    yield from field_batches(stored)
    if isinstance(stored, StoredScan):
        yield from _pair_batches(stored)


def _pair_batches(stored: StoredScan) -> Iterator[Batch]:
    if stored.pair is not None and stored.pair_angles_rad is not None:
        angles = stored.pair_angles_rad
        yield calibration_batch("pair", stored.pair, angles_rad=angles)
    elif found := opposite_group(stored.angles_rad):
        lent = sample_batch(stored, np.array(found))
        yield calibration_batch(
            "pair", lent.pixels, angles_rad=lent.angles_rad, times_s=lent.times_s
        )


def sample_batches(stored: AnyStored, which: NDArray[np.int64]) -> Iterator[Batch]:
    """Read frames of the sample, numbered in acquisition order, a batch at a time."""
    for first in range(0, len(which), BATCH_FRAMES):
        yield sample_batch(stored, which[first : first + BATCH_FRAMES])


def projection_batches(stored: StoredScan, which: NDArray[np.int64]) -> Iterator[Batch]:
    """Read projections: sample_batches of a tomography scan."""
    return sample_batches(stored, which)
