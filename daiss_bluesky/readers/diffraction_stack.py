"""What every reader of ptychography checks before it hands out a scan."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any
from uuid import NAMESPACE_URL, uuid5

import numpy as np
from numpy.typing import NDArray

from daiss_bluesky.core.errors import InputError
from daiss_bluesky.core.ptychography import PtychographyScan
from daiss_bluesky.core.stored_diffraction import StoredDiffraction
from daiss_bluesky.readers.stack import check_frames

_BATCH = 64
_PLANES = (2, 3)


def make_diffraction(
    path: Path,
    *,
    frames: Any,
    positions_um: NDArray[np.float64],
    record: Mapping[str, Any],
    frame_indices: NDArray[np.int64] | None = None,
    times_s: NDArray[np.float64] | None = None,
    darks: NDArray[Any] | None = None,
    mask: NDArray[np.bool_] | None = None,
    probe: NDArray[Any] | None = None,
) -> StoredDiffraction:
    """Put a scan together; `frame_indices` says which frames have the positions.

    Raises InputError for frames and positions of different number, for none at all, and
    where no frame of the scan holds a single count.
    """
    check_frames(path, "frames", frames)
    _check_count(path, len(frames), positions_um, frame_indices)
    if frame_indices is None:
        frame_indices = np.arange(len(positions_um))
    if times_s is None:
        times_s = np.arange(len(frame_indices), dtype=np.float64)
    if not np.isfinite(positions_um).all():
        bad = int((~np.isfinite(positions_um)).any(axis=1).sum())
        raise InputError(
            f"{path} has {bad} positions of {len(positions_um)} that are NaN or"
            " infinite"
        )
    if not has_light(frames, frame_indices):
        raise InputError(
            f"all {len(frame_indices)} diffraction frames of {path} are empty"
        )
    known = {key: value for key, value in record.items() if value is not None}
    n_darks = 0 if darks is None else len(darks)
    known |= {
        "sample": known.get("sample") or path.stem,
        "counts": {"diffraction": len(frame_indices), "dark": n_darks},
        "positions_um": positions_um.tolist(),
        "run_uid": str(uuid5(NAMESPACE_URL, path.resolve().as_uri())),
    }
    return StoredDiffraction(
        scan=PtychographyScan.parse(known, f"the metadata of {path}"),
        frames=frames,
        frame_indices=frame_indices,
        positions_um=positions_um,
        times_s=times_s,
        darks=np.zeros((0, *frames.shape[-2:])) if darks is None else darks,
        mask=mask,
        probe=None if probe is None else as_modes(path, probe),
    )


def has_light(frames: Any, frame_indices: NDArray[np.int64]) -> bool:
    """Tell whether any frame holds a count; reads until one does."""
    for first in range(0, len(frame_indices), _BATCH):
        if np.asarray(frames[frame_indices[first : first + _BATCH]]).any():
            return True
    return False


def as_modes(path: Path, probe: NDArray[Any]) -> NDArray[np.complex64]:
    """Give a probe as modes (mode, row, column), whether it is one mode or several."""
    modes = np.asarray(probe)
    if modes.ndim not in _PLANES or modes.dtype.kind != "c":
        raise InputError(
            f"the probe in {path} has shape {modes.shape} and dtype {modes.dtype},"
            " expected complex numbers (mode, row, column)"
        )
    return modes.reshape(-1, *modes.shape[-2:]).astype(np.complex64)


def _check_count(
    path: Path, n: int, positions_um: NDArray[Any], indices: NDArray[Any] | None
) -> None:
    if positions_um.ndim != 2 or positions_um.shape[1] != 2:  # noqa: PLR2004
        raise InputError(
            f"the positions in {path} have shape {positions_um.shape}, expected one row"
            " and column for each frame"
        )
    if len(positions_um) == 0:
        raise InputError(f"{path} has {n} frames but no positions")
    paired = n if indices is None else len(indices)
    if paired != len(positions_um):
        raise InputError(
            f"{path} has {paired} frames but {len(positions_um)} positions, and no"
            " index says which belong together"
        )
