"""NumPy archives: proj, flat, dark and theta_deg, or diffraction with positions."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any
from zipfile import BadZipFile
from zlib import error as ZlibError  # noqa: N812

import numpy as np
from numpy.typing import NDArray

from daiss_bluesky.core.errors import InputError
from daiss_bluesky.core.stored import StoredScan
from daiss_bluesky.core.stored_diffraction import StoredDiffraction
from daiss_bluesky.readers import diffraction_npz
from daiss_bluesky.readers.stack import (
    as_angles,
    as_fields,
    check_frames,
    make_scan,
    need,
)


def open_npz(path: Path, center_px: float | None) -> StoredScan | StoredDiffraction:
    """Read a whole npz scan, of whichever technique its arrays are."""
    arrays = _read(path)
    if diffraction_npz.recognizes(arrays):
        return diffraction_npz.read(arrays, path, center_px)
    return _tomography(arrays, path, center_px)


def holds_ptychography(path: Path) -> bool:
    """Tell by the names of the arrays, without reading them."""
    try:
        with path.open("rb") as file:
            archive = np.load(file, allow_pickle=False)
            names = [] if isinstance(archive, np.ndarray) else archive.files
    except (BadZipFile, EOFError, OSError, ValueError):
        return False
    return diffraction_npz.recognizes(names)


def _tomography(
    arrays: Mapping[str, NDArray[Any]], path: Path, center_px: float | None
) -> StoredScan:
    """Take the arrays; flats and darks may be one frame or several.

    Without times of its own (`time_s`, `flat_time_s`, `dark_time_s`) the flats and
    darks were taken before the projections.
    """
    need(path, ("proj", "theta_deg"), arrays)
    proj = arrays["proj"]
    check_frames(path, "proj", proj)
    rows, columns = proj.shape[1:]
    none = np.zeros((0, rows, columns), proj.dtype)
    fields = {
        name: as_fields(path, name, arrays[name], (rows, columns))
        if name in arrays
        else none
        for name in ("flat", "dark")
    }
    n = len(proj)
    return make_scan(
        path,
        projections=proj,
        projection_indices=np.arange(n),
        angles_rad=np.deg2rad(as_angles(path, "theta_deg", arrays["theta_deg"])),
        times_s=_times(path, arrays, "time_s", np.arange(n) + 1.0),
        flats=fields["flat"],
        flat_times_s=_times(path, arrays, "flat_time_s", np.zeros(len(fields["flat"]))),
        darks=fields["dark"],
        dark_times_s=_times(path, arrays, "dark_time_s", np.zeros(len(fields["dark"]))),
        center_px=center_px,
    )


def _read(path: Path) -> Mapping[str, NDArray[Any]]:
    """Read every array of the archive; objects would be pickles and are refused."""
    try:
        # Opened here, because np.load leaves a file it cannot read open.
        with path.open("rb") as file:
            archive = np.load(file, allow_pickle=False)
            if isinstance(archive, np.ndarray):
                raise InputError(f"{path} holds a single array, not an npz scan")
            return {name: archive[name] for name in archive.files}
    except (BadZipFile, ZlibError, EOFError, OSError) as error:
        raise InputError(f"{path} is truncated or no npz file: {error}") from None
    except ValueError as error:
        raise InputError(f"{path} holds arrays that are not read: {error}") from None


def _times(
    path: Path,
    arrays: Mapping[str, NDArray[Any]],
    name: str,
    default: NDArray[Any],
) -> NDArray[np.float64]:
    if default.size == 0:
        return default
    times = np.asarray(arrays.get(name, default), dtype=np.float64)
    if times.shape != default.shape or not np.isfinite(times).all():
        raise InputError(
            f"{name} in {path} needs {default.size} finite times,"
            f" not shape {times.shape}"
        )
    return times
