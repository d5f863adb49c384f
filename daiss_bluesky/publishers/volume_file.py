"""A final volume as one file of its own: NeXus HDF5 or zarr, by the file's ending."""

import shutil
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


class VolumeFile:
    """A (z, y, x) volume on disk, float32 attenuation per pixel, written in parts.

    HDF5 follows NXdata, with the metadata as attributes of an NXprocess group. What
    was not closed in the end is removed: half a volume is none.
    """

    def __init__(self, path: Path, shape: tuple[int, ...]) -> None:
        """Make the file; refuses one that is there."""
        check_volume_path(path)
        self._path = path
        self._file: h5py.File | None = None
        if path.suffix == ".zarr":
            self._array: Any = zarr.create_array(
                path, shape=shape, chunks=(16, *shape[1:]), dtype="float32"
            )
            return
        self._file = h5py.File(path, "w")
        entry = self._file.create_group("entry")
        data = entry.create_group("data")
        for group, nx_class in ((entry, "NXentry"), (data, "NXdata")):
            group.attrs["NX_class"] = nx_class
        self._file.attrs["default"], entry.attrs["default"] = "entry", "data"
        data.attrs["signal"], data.attrs["axes"] = "volume", ["z", "y", "x"]
        self._array = data.create_dataset("volume", shape=shape, dtype="float32")

    def write(self, first: int, slices: NDArray[np.float32]) -> None:
        """Write slices (z, y, x) from number `first` on."""
        self._array[first : first + len(slices)] = slices

    def close(self, metadata: Mapping[str, Any]) -> None:
        """Say what it is, and close it."""
        if self._file is None:
            self._array.attrs.update(dict(metadata))
            return
        process = self._file["entry"].create_group("reconstruction")
        process.attrs["NX_class"] = "NXprocess"
        for key, value in metadata.items():
            process[key] = "" if value is None else value
        self._file.close()

    def discard(self) -> None:
        """Remove it."""
        if self._file is None:
            shutil.rmtree(self._path)
            return
        self._file.close()
        self._path.unlink()


def write_volume(
    path: Path, volume: NDArray[np.float32], metadata: Mapping[str, Any]
) -> None:
    """Write a whole volume at once."""
    file = VolumeFile(path, volume.shape)
    file.write(0, volume)
    file.close(metadata)
