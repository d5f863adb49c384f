"""Ptychography as areaDetector's NDFileHDF5 writes it, with positions as NDAttributes.

Beside each frame lies where the stage stood, in micrometers: row and column of the
probe on the sample. Darks are told by areaDetector's own FrameType. A file still being
written is read up to the last frame whose attributes are there as well.
"""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from daiss_bluesky.core.errors import InputError
from daiss_bluesky.core.stored_diffraction import StoredDiffraction
from daiss_bluesky.readers.area_detector import (
    ANGLE_NAMES,
    ATTRIBUTES,
    DATA,
    FRAME_TYPES,
    as_types,
    kinds_and_times,
)
from daiss_bluesky.readers.chain import ChainedFrames
from daiss_bluesky.readers.diffraction_stack import make_diffraction
from daiss_bluesky.readers.stack import check_frames

POSITION_NAMES = ("piezo_y", "piezo_x")
_STILL_DEG = 0.5
"""An axis that turns less than this over a scan is not what is scanned."""

OPTICS = ("energy_kev", "distance_mm", "detector_pixel_um", "pixel_size_um")
"""Attributes that are the same for all frames, where the station writes them."""


@dataclass(frozen=True, slots=True, eq=False)
class Part:
    """The frames of one file with what was recorded beside them."""

    path: Path
    frames: Any
    positions_um: NDArray[np.float64]
    kinds: NDArray[np.int64]
    times_s: NDArray[np.float64]
    optics: dict[str, float]


def recognizes(file: Any) -> bool:
    """Tell whether areaDetector wrote this file, and the positions are what is scanned.

    A station may record angle and positions beside every frame. A scan with flats or a
    pair is tomography, and so is one that turns, or whose positions stand still.
    """
    attributes = file.get(ATTRIBUTES)
    if DATA not in file or attributes is None:
        return False
    if not all(name in attributes for name in POSITION_NAMES):
        return False
    angle_name = next((name for name in ANGLE_NAMES if name in attributes), None)
    if angle_name is None:
        return True
    kinds, _ = kinds_and_times(attributes, len(file[DATA]))
    kinds = as_types(kinds, Path(file.filename))
    known = list(FRAME_TYPES.values())
    if np.isin(kinds, known).all() and (kinds >= FRAME_TYPES["FlatField"]).any():
        return False
    spans = [
        _span(attributes[name], kinds == FRAME_TYPES["Normal"])
        for name in (angle_name, *POSITION_NAMES)
    ]
    return spans[0] < _STILL_DEG and max(spans[1:]) > 0


def _span(attribute: Any, chosen: NDArray[np.bool_]) -> float:
    values = np.asarray(attribute[()], np.float64)[: chosen.size]
    values = values[chosen[: values.size]]
    return float(np.ptp(values)) if values.size else 0.0


def read(
    file: Any, path: Path, lazy: Callable[[Any, Path], Any], center_px: float | None
) -> StoredDiffraction:
    """Read attributes and darks; diffraction stays in the file."""
    return join([read_part(file, path, lazy)], center_px)


def read_part(file: Any, path: Path, lazy: Callable[[Any, Path], Any]) -> Part:
    """Read what was recorded beside the frames of one file."""
    attributes = file[ATTRIBUTES]
    frames = lazy(file[DATA], path)
    check_frames(path, f"/{DATA}", frames)
    n = len(frames)
    columns = [attributes[name][()] for name in POSITION_NAMES]
    columns += kinds_and_times(attributes, n)
    counts = [len(column) for column in columns]
    if file.swmr_mode:
        n = min(n, *counts)
    elif any(count != n for count in counts):
        raise InputError(
            f"{path} has {n} frames but {counts[0]} positions down, {counts[1]} across,"
            f" {counts[2]} frame types and {counts[3]} times"
        )
    if n == 0:
        raise InputError(f"{path} has no frame with its position yet")
    down, across, kinds, times = (column[:n] for column in columns)
    return Part(
        path=path,
        frames=frames,
        positions_um=np.stack([down, across], axis=1).astype(np.float64),
        kinds=as_types(kinds, path),
        times_s=times,
        optics={
            name: float(attributes[name][0]) for name in OPTICS if name in attributes
        },
    )


def join(parts: list[Part], center_px: float | None) -> StoredDiffraction:
    """Make one scan of the files of a run, in the order of their times."""
    parts = sorted(parts, key=lambda part: float(part.times_s[0]))
    path = parts[0].path
    if center_px is not None:
        raise InputError(f"{path} is ptychography, which has no rotation center")
    frames = parts[0].frames
    if len(parts) > 1:
        counts = [part.kinds.size for part in parts]
        frames = ChainedFrames([part.frames for part in parts], counts, path)
    kinds = np.concatenate([part.kinds for part in parts])
    sample = np.flatnonzero(kinds == FRAME_TYPES["Normal"])
    return make_diffraction(
        path,
        frames=frames,
        positions_um=np.concatenate([part.positions_um for part in parts])[sample],
        record=parts[0].optics,
        frame_indices=sample,
        times_s=np.concatenate([part.times_s for part in parts])[sample],
        darks=frames[np.flatnonzero(kinds == FRAME_TYPES["Background"])],
    )
