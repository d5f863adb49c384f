"""Frames of a CXI file: copied, or left in the detector's file and linked."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import h5py
import numpy as np
from numpy.typing import NDArray

from daiss_bluesky.core.errors import InputError


@dataclass(frozen=True, slots=True, eq=False)
class LinkedFrames:
    """Frames that stay in the detector's HDF5 file."""

    file: Path
    dataset: str
    indices: NDArray[np.int64]
    """Which of the dataset's frames, one for each position."""


def write_frames(
    detector: Any, path: Path, frames: NDArray[Any] | LinkedFrames, n: int
) -> None:
    """Put `data` into a detector's group, one frame for each of n positions.

    A link leads to the whole dataset where every frame of it counts, else to a virtual
    dataset of those that do. It names a file of the same folder without the folder, so
    that both can be moved together.
    """
    count = len(frames.indices) if isinstance(frames, LinkedFrames) else len(frames)
    if count != n:
        raise InputError(f"{count} frames but {n} positions for {path}")
    if not isinstance(frames, LinkedFrames):
        # A chunk a frame: what reads one frame need not unpack its neighbors.
        chunks = (1, *frames.shape[1:])
        detector.create_dataset("data", data=frames, chunks=chunks, compression="lzf")
        return
    shape, dtype = _look(frames)
    name = str(frames.file.resolve())
    if frames.file.resolve().parent == path.resolve().parent:
        name = frames.file.name
    if np.array_equal(frames.indices, np.arange(shape[0])):
        detector["data"] = h5py.ExternalLink(name, frames.dataset)
        return
    detector.create_virtual_dataset("data", _layout(frames, name, shape, dtype))


def _look(frames: LinkedFrames) -> tuple[tuple[int, ...], Any]:
    try:
        with h5py.File(frames.file, "r") as file:
            return file[frames.dataset].shape, file[frames.dataset].dtype
    except (OSError, KeyError):
        raise InputError(
            f"{frames.file} has no {frames.dataset} to link the frames of"
        ) from None


def _layout(
    frames: LinkedFrames, name: str, shape: tuple[int, ...], dtype: Any
) -> h5py.VirtualLayout:
    """Map runs of neighboring frames, not each: HDF5 opens every mapping anew."""
    indices = frames.indices
    source = h5py.VirtualSource(name, frames.dataset, shape=shape, dtype=dtype)
    layout = h5py.VirtualLayout(shape=(len(indices), *shape[1:]), dtype=dtype)
    breaks = np.flatnonzero(np.diff(indices) != 1) + 1
    for run in np.split(np.arange(len(indices)), breaks):
        first, last = int(indices[run[0]]), int(indices[run[-1]])
        layout[run[0] : run[-1] + 1] = source[first : last + 1]
    return layout
