"""HDF5 files as areaDetector's NDFileHDF5 writes them, with NDAttributes.

Angle, kind and time of each frame are attributes recorded beside it; the kind follows
areaDetector's own enumeration of FrameType. A file still being written is read up to
the last frame whose attributes are there as well.
"""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from daiss_bluesky.core.errors import InputError, unknown
from daiss_bluesky.core.stored import StoredScan
from daiss_bluesky.kernels.rotation_center import opposite_pair
from daiss_bluesky.readers.chain import ChainedFrames
from daiss_bluesky.readers.stack import as_angles, check_frames, make_scan

DATA = "entry/data/data"
ATTRIBUTES = "entry/instrument/NDAttributes"
ANGLE_NAMES = ("theta", "Theta", "SampleRotary", "rotation_angle")
FRAME_TYPES = {
    "Normal": 0,
    "Background": 1,
    "FlatField": 2,
    "DblCorrelation": 3,
}
"""Projection, dark, flat, and one of the 0/180 degree pair."""


def recognizes(file: Any) -> bool:
    """Tell whether areaDetector wrote this file."""
    return DATA in file and ATTRIBUTES in file


@dataclass(frozen=True, slots=True, eq=False)
class Part:
    """The frames of one file with what was recorded beside them."""

    path: Path
    frames: Any
    angles_deg: NDArray[np.float64]
    kinds: NDArray[np.int64]
    times_s: NDArray[np.float64]


def read(
    file: Any, path: Path, lazy: Callable[[Any, Path], Any], center_px: float | None
) -> StoredScan:
    """Read attributes, flats, darks and the pair; projections stay in the file."""
    return join([read_part(file, path, lazy)], center_px)


def read_part(file: Any, path: Path, lazy: Callable[[Any, Path], Any]) -> Part:
    """Read what was recorded beside the frames of one file."""
    attributes = file[ATTRIBUTES]
    frames = lazy(file[DATA], path)
    check_frames(path, f"/{DATA}", frames)
    angle_name = next((name for name in ANGLE_NAMES if name in attributes), None)
    if angle_name is None:
        raise InputError(
            f"{path} has no angle for its frames among /{ATTRIBUTES}"
            f" (known names: {', '.join(ANGLE_NAMES)})"
        )
    columns = [attributes[angle_name][()], *kinds_and_times(attributes, len(frames))]
    n = _count(file, path, len(frames), columns)
    if n == 0:
        raise InputError(f"{path} has no frame with its angle yet")
    angles_deg, kinds, times = (column[:n] for column in columns)
    return Part(path, frames, angles_deg, as_types(kinds, path), times)


def join(parts: list[Part], center_px: float | None) -> StoredScan:
    """Make one scan of the files of a run, in the order of their times."""
    parts = sorted(parts, key=lambda part: float(part.times_s[0]))
    path = parts[0].path
    frames = parts[0].frames
    if len(parts) > 1:
        counts = [part.kinds.size for part in parts]
        frames = ChainedFrames([part.frames for part in parts], counts, path)
    angles_deg = np.concatenate([part.angles_deg for part in parts])
    kinds = np.concatenate([part.kinds for part in parts])
    times = np.concatenate([part.times_s for part in parts])
    projection, dark, flat, pair = (
        np.flatnonzero(kinds == kind) for kind in FRAME_TYPES.values()
    )
    where = f"/{ATTRIBUTES}"
    pair_rad = np.deg2rad(as_angles(path, where, angles_deg[pair]))
    two = opposite_pair(pair_rad)
    return make_scan(
        path,
        projections=frames,
        projection_indices=projection,
        angles_rad=np.deg2rad(as_angles(path, where, angles_deg[projection])),
        times_s=times[projection],
        flats=frames[flat],
        flat_times_s=times[flat],
        darks=frames[dark],
        dark_times_s=times[dark],
        pair=None if two is None else frames[pair[list(two)]],
        pair_angles_rad=None if two is None else pair_rad[list(two)],
        center_px=center_px,
    )


def kinds_and_times(attributes: Any, n: int) -> tuple[NDArray[Any], NDArray[Any]]:
    """Read what may be absent: everything a projection, times in frame order."""
    kinds = attributes["FrameType"][()] if "FrameType" in attributes else np.zeros(n)
    times = (
        attributes["NDArrayTimeStamp"][()]
        if "NDArrayTimeStamp" in attributes
        else np.arange(n, dtype=np.float64)
    )
    return kinds, times


def _count(file: Any, path: Path, n: int, columns: list[NDArray[Any]]) -> int:
    counts = [len(column) for column in columns]
    if file.swmr_mode:
        return min([n, *counts])
    if any(count != n for count in counts):
        raise InputError(
            f"{path} has {n} frames but {counts[0]} angles, {counts[1]} frame types"
            f" and {counts[2]} times"
        )
    return n


def as_types(kinds: NDArray[Any], path: Path) -> NDArray[np.int64]:
    """Give the kinds of frames as numbers, also where the file has their names."""
    if kinds.dtype.kind in "SO":
        names = [k.decode() if isinstance(k, bytes) else str(k) for k in kinds]
        for name in names:
            if name not in FRAME_TYPES:
                raise unknown(f"FrameType in {path}", name, FRAME_TYPES)
        return np.array([FRAME_TYPES[name] for name in names])
    return kinds.astype(np.int64)
