"""Frames of a stored scan of either technique, as the batches an engine feeds."""

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from daiss_bluesky.core.frames import Batch, FrameKind
from daiss_bluesky.core.stored import StoredScan
from daiss_bluesky.core.stored_diffraction import StoredDiffraction

AnyStored = StoredScan | StoredDiffraction

STREAM = "primary"


def count_frames(stored: AnyStored) -> int:
    """Count the frames of the sample."""
    return len(stored.times_s)


def sample_batch(stored: AnyStored, which: NDArray[np.int64]) -> Batch:
    """Read frames of the sample, numbered in acquisition order."""
    times_s = stored.times_s[which]
    if isinstance(stored, StoredDiffraction):
        pixels = read_frames(stored.frames, stored.frame_indices[which])
        unknown = np.full(len(which), np.nan)
        positions = stored.positions_um[which]
        return Batch("diffraction", STREAM, which, unknown, times_s, pixels, positions)
    pixels = read_frames(stored.projections, stored.projection_indices[which])
    angles = stored.angles_rad[which]
    return Batch("projection", STREAM, which, angles, times_s, pixels)


def field_batches(stored: AnyStored) -> Iterator[Batch]:
    """Give the darks and flats that there are."""
    if isinstance(stored, StoredDiffraction):
        if n := len(stored.darks):
            nowhere = np.full((n, 2), np.nan)
            yield calibration_batch("dark", stored.darks, positions_um=nowhere)
        return
    if len(stored.darks):
        yield calibration_batch("dark", stored.darks, times_s=stored.dark_times_s)
    if len(stored.flats):
        yield calibration_batch("flat", stored.flats, times_s=stored.flat_times_s)


def calibration_batch(
    kind: FrameKind,
    pixels: NDArray[np.generic],
    *,
    angles_rad: NDArray[np.float64] | None = None,
    times_s: NDArray[np.float64] | None = None,
    positions_um: NDArray[np.float64] | None = None,
) -> Batch:
    """Make a batch of all frames of a kind; what is not given is NaN."""
    unknown = np.full(len(pixels), np.nan)
    return Batch(
        kind,
        kind,
        np.arange(len(pixels), dtype=np.int64),
        unknown if angles_rad is None else angles_rad,
        unknown if times_s is None else times_s,
        pixels,
        positions_um,
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
