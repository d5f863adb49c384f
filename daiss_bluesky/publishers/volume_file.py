"""A final volume as one file of its own: NeXus HDF5 or zarr, by the file's ending."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import zarr
from numpy.typing import NDArray

from daiss_bluesky.core.errors import InputError, unknown

ENDINGS = (".h5", ".zarr")


def check_volume_path(path: Path) -> None:
    """Refuse an ending we do not write, a missing folder, a file that is there."""
    if path.suffix not in ENDINGS:
        raise unknown("volume file ending", path.suffix, ENDINGS)
    if not path.absolute().parent.is_dir():
        raise InputError(f"there is no folder {path.absolute().parent} to write into")
    if path.exists():
        raise InputError(f"{path} is there already; name another output")


def write_volume(
    path: Path, volume: NDArray[np.float32], metadata: Mapping[str, Any]
) -> None:
    """Write a (z, y, x) volume, float32 attenuation per pixel, with its metadata.

    HDF5 follows NXdata, with the metadata as attributes of an NXprocess group.
    """
    check_volume_path(path)
    if path.suffix == ".zarr":
        array = zarr.create_array(
            path, shape=volume.shape, chunks=(16, *volume.shape[1:]), dtype="float32"
        )
        array.attrs.update(dict(metadata))
        array[:] = volume
        return
    with h5py.File(path, "w") as file:
        entry = file.create_group("entry")
        data = entry.create_group("data")
        process = entry.create_group("reconstruction")
        for group, nx_class in ((entry, "NXentry"), (data, "NXdata")):
            group.attrs["NX_class"] = nx_class
        process.attrs["NX_class"] = "NXprocess"
        file.attrs["default"], entry.attrs["default"] = "entry", "data"
        data.attrs["signal"], data.attrs["axes"] = "volume", ["z", "y", "x"]
        data.create_dataset("volume", data=volume)
        for key, value in metadata.items():
            process[key] = "" if value is None else value
