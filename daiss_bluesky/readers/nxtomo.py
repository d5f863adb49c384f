"""NXtomo: one stack in acquisition order, told apart by an image key.

https://manual.nexusformat.org/classes/applications/NXtomo.html
"""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from daiss_bluesky.core.errors import InputError
from daiss_bluesky.core.stored import StoredScan
from daiss_bluesky.readers.angle_units import to_radians
from daiss_bluesky.readers.stack import as_angles, check_frames, make_scan

PROJECTION, FLAT, DARK = 0, 1, 2


def recognizes(file: Any) -> bool:
    """Tell whether anything in the file has an image key beside its data."""
    return _find_detector(file) is not None


def read(
    file: Any, path: Path, lazy: Callable[[Any, Path], Any], center_px: float | None
) -> StoredScan:
    """Read keys, angles, flats and darks; projections stay in the file.

    Invalid frames (image key 3) are left out. Times are the acquisition order.
    """
    detector = _find_detector(file)
    frames = lazy(detector["data"], path)
    check_frames(path, detector["data"].name, frames)
    keys = np.asarray(detector["image_key"][()]).ravel()
    if keys.size != len(frames):
        raise InputError(f"{path} has {len(frames)} frames but {keys.size} image keys")
    angle_set = _find_angles(file, detector)
    if angle_set is None:
        raise InputError(f"{path} has no rotation_angle for its {len(frames)} frames")
    if angle_set.shape != (len(frames),):
        raise InputError(
            f"{path} has {len(frames)} frames but {angle_set.size} rotation angles"
        )
    at = {key: np.flatnonzero(keys == key) for key in (PROJECTION, FLAT, DARK)}
    theta = as_angles(path, angle_set.name, angle_set[()][at[PROJECTION]])
    return make_scan(
        path,
        projections=frames,
        projection_indices=at[PROJECTION],
        angles_rad=to_radians(theta, angle_set, path),
        times_s=at[PROJECTION].astype(np.float64),
        flats=frames[at[FLAT]],
        flat_times_s=at[FLAT].astype(np.float64),
        darks=frames[at[DARK]],
        dark_times_s=at[DARK].astype(np.float64),
        center_px=center_px,
    )


def _find_detector(file: Any) -> Any:
    return file.visititems(
        lambda _, item: (
            item
            if hasattr(item, "keys") and {"image_key", "data"} <= set(item)
            else None
        )
    )


def _find_angles(file: Any, detector: Any) -> Any:
    if "rotation_angle" in detector:
        return detector["rotation_angle"]
    return file.visititems(
        lambda name, item: (
            item
            if name.rpartition("/")[2] == "rotation_angle" and hasattr(item, "shape")
            else None
        )
    )
