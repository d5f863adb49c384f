"""The inline engine: a stored scan, start to end, in the caller's thread.

It is what live reconstruction must equal, and what `daiss reconstruct` runs.
"""

import time
from collections.abc import Callable, Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from daiss_bluesky.core.frames import Batch, FrameKey, FrameKind
from daiss_bluesky.core.reconstruction import Algorithm, Progress, Reconstruction
from daiss_bluesky.core.results import Final
from daiss_bluesky.core.stored import StoredScan
from daiss_bluesky.kernels.rotation_center import opposite_pair

BATCH_FRAMES = 32
STREAM = "primary"


def reconstruct_scan(
    stored: StoredScan,
    algorithm: Algorithm,
    on_progress: Callable[[Progress], None] | None = None,
) -> Final:
    """Reconstruct a stored scan; calibration first, so nothing is read twice.

    A scan without a 0/180 pair of its own lends its two opposite projections.
    Raises InputError for a scan that cannot be reconstructed.
    """
    reconstruction = algorithm.start(stored.scan, stored.frame_shape)
    for batch in calibration_batches(stored):
        reconstruction.add(batch)
    everything = np.arange(len(stored.projection_indices))
    _feed(reconstruction, projection_batches(stored, everything), on_progress)
    while reconstruction.stale():
        reconstruction.restart()
        _feed(reconstruction, projection_batches(stored, everything), on_progress)

    def reread(keys: Sequence[FrameKey]) -> Iterator[Batch]:
        return projection_batches(stored, np.array([key.index for key in keys]))

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


def calibration_batches(stored: StoredScan) -> Iterator[Batch]:
    """Give darks, flats and the 0/180 pair, or the projections that stand for it."""
    fields: list[tuple[FrameKind, NDArray[np.generic], NDArray[np.float64]]] = [
        ("dark", stored.darks, stored.dark_times_s),
        ("flat", stored.flats, stored.flat_times_s),
    ]
    for kind, pixels, times_s in fields:
        angles = np.full(len(pixels), np.nan)
        if len(pixels):
            yield _batch(kind, pixels, angles, times_s)
    if stored.pair is not None and stored.pair_angles_rad is not None:
        nothing = np.full(len(stored.pair), np.nan)
        yield _batch("pair", stored.pair, stored.pair_angles_rad, nothing)
    elif (pair := opposite_pair(stored.angles_rad)) is not None:
        where = np.array(pair)
        pixels = read_frames(stored.projections, stored.projection_indices[where])
        angles, times_s = stored.angles_rad[where], stored.times_s[where]
        yield _batch("pair", pixels, angles, times_s)


def projection_batches(stored: StoredScan, which: NDArray[np.int64]) -> Iterator[Batch]:
    """Read projections, numbered in acquisition order, a batch at a time."""
    for first in range(0, len(which), BATCH_FRAMES):
        part = which[first : first + BATCH_FRAMES]
        yield Batch(
            "projection",
            STREAM,
            part,
            stored.angles_rad[part],
            stored.times_s[part],
            read_frames(stored.projections, stored.projection_indices[part]),
        )


def read_frames(
    frames: NDArray[np.generic], indices: NDArray[np.int64]
) -> NDArray[np.generic]:
    """Read frames of an array or an HDF5 dataset, which wants ascending indices."""
    order = np.argsort(indices, kind="stable")
    ascending = indices[order]
    if len(indices) and ascending[-1] - ascending[0] + 1 == len(indices):
        found = frames[int(ascending[0]) : int(ascending[-1]) + 1]
    else:
        found = frames[ascending]
    pixels = np.empty_like(found)
    pixels[order] = found
    return pixels


def _batch(
    kind: FrameKind,
    pixels: NDArray[np.generic],
    angles_rad: NDArray[np.float64],
    times_s: NDArray[np.float64],
) -> Batch:
    indices = np.arange(len(pixels), dtype=np.int64)
    return Batch(kind, kind, indices, angles_rad, times_s, pixels)
