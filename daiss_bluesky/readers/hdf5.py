"""HDF5 scans: opens the file, tells the layout, reads frames when they are used."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import h5py
import numpy as np
from numpy.typing import NDArray

from daiss_bluesky.core.errors import InputError
from daiss_bluesky.core.stored import StoredScan
from daiss_bluesky.readers import area_detector, dxchange, nxtomo

_LAYOUTS = {
    "DXchange": dxchange,
    "areaDetector": area_detector,
    "NXtomo": nxtomo,
}


class FileFrames:
    """Frames of an open HDF5 dataset; keeps the file open, reads by slices."""

    def __init__(self, dataset: Any, path: Path) -> None:
        self._file = dataset.file
        self._dataset = dataset
        self._path = path
        self.shape: tuple[int, ...] = dataset.shape
        self.dtype: np.dtype[Any] = dataset.dtype

    def __len__(self) -> int:
        """Count the frames."""
        return self.shape[0]

    def __getitem__(self, key: Any) -> NDArray[Any]:
        """Read frames; a damaged part of the file is named."""
        try:
            frames: NDArray[Any] = self._dataset[key]
        except OSError as error:
            raise InputError(
                f"frames {key} of {self._path} cannot be read: {error}"
            ) from None
        return frames

    def close(self) -> None:
        """Close the file; nothing can be read afterwards."""
        self._file.close()


def open_hdf5(path: Path, center_px: float | None) -> StoredScan:
    """Open a DXchange, NXtomo or areaDetector file, finished or being written."""
    file = _open(path)
    try:
        for layout in _LAYOUTS.values():
            if layout.recognizes(file):
                stored: StoredScan = layout.read(file, path, FileFrames, center_px)
                return stored
        raise InputError(
            f"{path} has none of the layouts {', '.join(_LAYOUTS)}: no /exchange/data,"
            f" no /entry/instrument/NDAttributes and no image_key beside the detector's"
            f" data"
        )
    except (OSError, KeyError) as error:
        file.close()
        raise InputError(f"{path} cannot be read: {error}") from None
    except InputError:
        file.close()
        raise


def open_parts(paths: Sequence[Path], center_px: float | None) -> StoredScan:
    """Open the several areaDetector files of one run as one scan."""
    files: list[Any] = []
    try:
        parts = []
        for path in paths:
            files.append(_open(path))
            if not area_detector.recognizes(files[-1]):
                raise InputError(
                    f"{path} is no areaDetector file; only these make a scan together"
                )
            parts.append(area_detector.read_part(files[-1], path, FileFrames))
        return area_detector.join(parts, center_px)
    except (OSError, KeyError) as error:
        _close(files)
        raise InputError(f"{paths[len(files) - 1]} cannot be read: {error}") from None
    except InputError:
        _close(files)
        raise


def _close(files: list[Any]) -> None:
    for file in files:
        file.close()


def _open(path: Path) -> Any:
    """Open for reading, or as a follower where a writer still has the file."""
    try:
        return h5py.File(path, "r")
    except OSError as error:
        reason = str(error)
    if "truncated" in reason:
        raise InputError(f"{path} is truncated: {_shorten(reason)}")
    if "signature" in reason:
        raise InputError(f"{path} is not an HDF5 file")
    try:
        return h5py.File(path, "r", swmr=True)
    except (OSError, ValueError):
        # The first reason is the one worth telling: old files refuse SWMR anyway.
        raise InputError(f"{path} cannot be opened: {_shorten(reason)}") from None


def _shorten(reason: str) -> str:
    return reason.partition("(")[2].rstrip(")") or reason
