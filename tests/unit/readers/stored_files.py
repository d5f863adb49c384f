"""Writes the same small scan in every format that is read."""

from pathlib import Path
from typing import Any

import h5py
import numpy as np

from daiss_bluesky.core.stored import StoredScan


def write_npz(path: Path, stored: StoredScan, **changes: Any) -> Path:
    arrays = {
        "proj": stored.projections,
        "flat": stored.flats,
        "dark": stored.darks,
        "theta_deg": np.rad2deg(stored.angles_rad),
        "time_s": stored.times_s,
        "flat_time_s": stored.flat_times_s,
        "dark_time_s": stored.dark_times_s,
    } | changes
    np.savez(path, **{name: a for name, a in arrays.items() if a is not None})
    return path


def write_dxchange(path: Path, stored: StoredScan, **changes: Any) -> Path:
    datasets = {
        "data": stored.projections,
        "data_white": stored.flats[:3],
        "data_dark": stored.darks,
        "theta": np.rad2deg(stored.angles_rad),
    } | changes
    with h5py.File(path, "w") as file:
        for name, values in datasets.items():
            if values is not None:
                file[f"exchange/{name}"] = values
    return path


def write_nxtomo(path: Path, stored: StoredScan, **changes: Any) -> Path:
    """Darks, flats before, projections, flats after, and one frame that is invalid."""
    n = len(stored.projections)
    keys = [2] * len(stored.darks) + [1] * 3 + [0] * n + [3] + [1] * 3
    angles = np.zeros(len(keys))
    angles[np.flatnonzero(np.array(keys) == 0)] = stored.angles_rad
    data = np.concatenate(
        [
            stored.darks,
            stored.flats[:3],
            stored.projections,
            stored.flats[:1] * 0,
            stored.flats[3:],
        ]
    )
    datasets = {
        "instrument/detector/data": data,
        "instrument/detector/image_key": np.array(keys),
        "sample/rotation_angle": angles,
    } | changes
    with h5py.File(path, "w") as file:
        for name, values in datasets.items():
            if values is not None:
                file[f"entry1/tomo_entry/{name}"] = values
        if "sample/rotation_angle" not in changes:
            file["entry1/tomo_entry/sample/rotation_angle"].attrs["units"] = "rad"
    return path


def write_area_detector(path: Path, stored: StoredScan, **changes: Any) -> Path:
    """Everything in one stack, as the simulated camera writes it."""
    assert stored.pair is not None
    assert stored.pair_angles_rad is not None
    parts = [stored.darks, stored.flats[:3], stored.pair, stored.projections]
    parts.append(stored.flats[3:])
    kinds = np.repeat([1, 2, 3, 0, 2], [len(part) for part in parts])
    theta = np.zeros(len(kinds))
    theta[kinds == 3] = np.rad2deg(stored.pair_angles_rad)
    theta[kinds == 0] = np.rad2deg(stored.angles_rad)
    times = np.zeros(len(kinds))
    times[kinds == 0] = stored.times_s
    times[kinds == 1] = stored.dark_times_s
    times[kinds == 2] = stored.flat_times_s
    attributes = {
        "theta": theta,
        "FrameType": kinds.astype(np.int32),
        "NDArrayTimeStamp": times,
    } | changes
    with h5py.File(path, "w", libver="latest") as file:
        file["entry/data/data"] = np.concatenate(parts)
        for name, values in attributes.items():
            if values is not None:
                file[f"entry/instrument/NDAttributes/{name}"] = values
    return path
