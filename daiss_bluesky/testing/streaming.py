"""Feeds a stored scan to a reconstruction piece by piece, also as no engine should."""

import dataclasses
from collections.abc import Iterable, Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from daiss_bluesky.core.errors import InputError, UnavailableError
from daiss_bluesky.core.frames import Batch, FrameKey
from daiss_bluesky.core.reconstruction import (
    Algorithm,
    Reconstruction,
    Reread,
    VolumeReconstruction,
)
from daiss_bluesky.core.stored import StoredScan
from daiss_bluesky.engine.inline import calibration_batches, projection_batches


def begin(algorithm: Algorithm, stored: StoredScan) -> VolumeReconstruction:
    """Start one of a volume, and give it all there is but the projections."""
    reconstruction = algorithm.start(stored.scan, stored.frame_shape)
    feed(reconstruction, calibration_batches(stored))
    if not isinstance(reconstruction, VolumeReconstruction):
        raise InputError(f"{algorithm.name} reconstructs no volume")
    return reconstruction


def feed(reconstruction: Reconstruction, batches: Iterable[Batch]) -> None:
    """Add every batch."""
    for batch in batches:
        reconstruction.add(batch)


def feed_projections(
    reconstruction: Reconstruction,
    stored: StoredScan,
    which: NDArray[np.int64] | None = None,
) -> None:
    """Add some projections, or all, in batches of the inline engine."""
    if which is None:
        which = np.arange(len(stored.angles_rad))
    feed(reconstruction, projection_batches(stored, which))


def rereader(stored: StoredScan) -> Reread:
    """Make the function that brings projections back."""

    def reread(keys: Sequence[FrameKey]) -> Iterator[Batch]:
        return projection_batches(stored, np.array([key.index for key in keys]))

    return reread


def gone(_keys: Sequence[FrameKey]) -> Iterator[Batch]:
    """Stand in for a reader of frames that are there no more."""
    raise UnavailableError("the file is gone")


def split(
    order: NDArray[np.int64], sizes: Sequence[int]
) -> Iterator[NDArray[np.int64]]:
    """Cut an order into parts of these sizes, again and again."""
    first, turn = 0, 0
    while first < len(order):
        size = sizes[turn % len(sizes)]
        yield order[first : first + size]
        first, turn = first + size, turn + 1


def without(stored: StoredScan, there: NDArray[np.int64]) -> StoredScan:
    """Give the scan that has only these projections."""
    angles_rad = stored.angles_rad[there]
    scan = stored.scan.model_copy(
        update={
            "angles_deg": np.rad2deg(angles_rad).tolist(),
            "counts": stored.scan.counts | {"projection": len(there)},
        }
    )
    return dataclasses.replace(
        stored,
        scan=scan,
        projection_indices=stored.projection_indices[there],
        angles_rad=angles_rad,
        times_s=stored.times_s[there],
    )
