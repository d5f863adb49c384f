"""HDF5 scans: opens the file, tells the layout, reads frames when they are used."""

from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Any

import h5py
import numpy as np
from numpy.typing import NDArray

from daiss_bluesky.core.errors import InputError
from daiss_bluesky.core.stored import StoredScan
from daiss_bluesky.core.stored_diffraction import StoredDiffraction
from daiss_bluesky.readers import (
    area_detector,
    area_diffraction,
    cxi,
    dxchange,
    nxtomo,
)

_LAYOUTS: dict[str, Any] = {
    "DXchange": dxchange,
    "areaDetector with positions": area_diffraction,
    "areaDetector": area_detector,
    "CXI": cxi,
    "NXtomo": nxtomo,
}


class FileFrames:
    """Frames of an open HDF5 dataset; keeps the file open, reads by slices.

    `linked_from` is the file that led to the dataset, where that is another one.
    """

    def __init__(self, dataset: Any, path: Path, linked_from: Any = None) -> None:
        self._file = dataset.file
        self._linked_from = linked_from
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

    @property
    def source(self) -> tuple[Path, str]:
        """The file that has them, and where in it."""
        return Path(self._dataset.file.filename), str(self._dataset.name)

    def close(self) -> None:
        """Close the file; nothing can be read afterwards."""
        self._file.close()
        if self._linked_from is not None:
            self._linked_from.close()


def open_hdf5(path: Path, center_px: float | None) -> StoredScan | StoredDiffraction:
    """Open a file of any known layout, finished or being written."""
    file = _open(path)
    try:
        for layout in _LAYOUTS.values():
            if layout.recognizes(file):
                lazy = partial(FileFrames, linked_from=file)
                stored: StoredScan | StoredDiffraction
                stored = layout.read(file, path, lazy, center_px)
                return stored
        raise InputError(
            f"{path} has none of the layouts {', '.join(_LAYOUTS)}: no /exchange/data,"
            f" no /entry/instrument/NDAttributes, no /entry_1/data_1/data and no"
            f" image_key beside the detector's data"
        )
    except (OSError, KeyError) as error:
        file.close()
        raise InputError(f"{path} cannot be read: {error}") from None
    except InputError:
        file.close()
        raise


def holds_ptychography(path: Path) -> bool:
    """Tell by the layout."""
    try:
        with _open(path) as file:
            recognized = (one for one in _LAYOUTS.values() if one.recognizes(file))
            return next(recognized, None) in {area_diffraction, cxi}
    except (InputError, OSError, KeyError):
        return False


def open_parts(
    paths: Sequence[Path], center_px: float | None
) -> StoredScan | StoredDiffraction:
    """Open the several areaDetector files of one run as one scan."""
    files: list[Any] = []
    try:
        parts = []
        layout: Any = None
        for path in paths:
            files.append(_open(path))
            layout = layout or _camera_layout(files[-1])
            if layout is None or not layout.recognizes(files[-1]):
                raise InputError(
                    f"{path} is no areaDetector file; only these make a scan together"
                )
            parts.append(layout.read_part(files[-1], path, FileFrames))
        stored: StoredScan | StoredDiffraction = layout.join(parts, center_px)
        return stored
    except (OSError, KeyError) as error:
        _close(files)
        raise InputError(f"{paths[len(files) - 1]} cannot be read: {error}") from None
    except InputError:
        _close(files)
        raise


def _camera_layout(file: Any) -> Any:
    layouts = (area_diffraction, area_detector)
    return next((layout for layout in layouts if layout.recognizes(file)), None)


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
