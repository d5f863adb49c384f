"""Frames into one HDF5 file, in SWMR mode, laid out as NDFileHDF5 does.

    /entry/data/data                            (frame, row, column), a chunk a frame
    /entry/instrument/detector/data             the same dataset
    /entry/instrument/NDAttributes/<attribute>  (frame,), chunks of 16384

A frame's attributes are flushed before its pixels: whoever sees frame n in the image
dataset finds attribute n. NDArrayTimeStamp is Unix seconds at mid-exposure, theta the
rotation readback in degrees at the same moment.
"""

from pathlib import Path
from typing import Any

import h5py
import numpy as np

from daiss_devices.twin.frame import ATTRIBUTE_TYPES, Frame

ATTRIBUTE_CHUNK = 16384


class Hdf5Writer:
    """An open file; used from one thread at a time."""

    def __init__(
        self, path: Path, shape: tuple[int, int], dtype: Any, *, swmr: bool = True
    ) -> None:
        """Create the file; raises OSError where that fails."""
        self.path = path
        self.count = 0
        self._file = h5py.File(path, "w", libver="latest")
        try:
            self._images = self._make_images(shape, np.dtype(dtype))
            self._attributes = self._make_attributes()
            self._file.flush()
            if swmr:
                self._file.swmr_mode = True
        except BaseException:
            self._file.close()
            raise

    def _make_images(self, shape: tuple[int, int], dtype: np.dtype[Any]) -> Any:
        entry = self._group(self._file, "entry", "NXentry")
        data = self._group(entry, "data", "NXdata")
        data.attrs["signal"] = "data"
        images = data.create_dataset(
            "data", (0, *shape), dtype, chunks=(1, *shape), maxshape=(None, *shape)
        )
        instrument = self._group(entry, "instrument", "NXinstrument")
        self._group(instrument, "detector", "NXdetector")["data"] = images
        return images

    def _make_attributes(self) -> dict[str, Any]:
        group = self._group(
            self._file["entry/instrument"], "NDAttributes", "NXcollection"
        )
        return {
            name: group.create_dataset(
                name, (0,), kind, chunks=(ATTRIBUTE_CHUNK,), maxshape=(None,)
            )
            for name, kind in ATTRIBUTE_TYPES.items()
        }

    @staticmethod
    def _group(parent: Any, name: str, nx_class: str) -> Any:
        group = parent.create_group(name)
        group.attrs["NX_class"] = nx_class
        return group

    def write(self, frame: Frame, *, flush: bool = True) -> None:
        """Append a frame; with `flush` readers see it when this returns."""
        n = self.count
        for name, value in frame.attributes().items():
            dataset = self._attributes[name]
            dataset.resize((n + 1,))
            dataset[n] = value
            if flush:
                dataset.flush()
        self._images.resize((n + 1, *self._images.shape[1:]))
        self._images.id.write_direct_chunk(
            (n, 0, 0), np.ascontiguousarray(frame.pixels)
        )
        if flush:
            self._images.flush()
        self.count = n + 1

    def flush(self) -> None:
        """Show readers all that was written."""
        for dataset in self._attributes.values():
            dataset.flush()
        self._images.flush()

    def close(self) -> None:
        """Finish the file."""
        self._file.close()
