"""What every reader checks before it hands out a scan."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any
from uuid import NAMESPACE_URL, uuid5

import numpy as np
from numpy.typing import ArrayLike, NDArray

from daiss_bluesky.core.errors import InputError
from daiss_bluesky.core.scan import Scan
from daiss_bluesky.core.stored import StoredScan

_MIN_COLUMNS = 4
_REAL_KINDS = "biuf"


def check_frames(path: Path, name: str, frames: Any) -> None:
    """Refuse what is not a stack of real frames (frame, row, column)."""
    shape = tuple(frames.shape)
    if len(shape) != 3 or 0 in shape or shape[2] < _MIN_COLUMNS:  # noqa: PLR2004
        raise InputError(
            f"{name} in {path} has shape {shape}, expected (frame, row, column) with"
            f" at least {_MIN_COLUMNS} columns"
        )
    if frames.dtype.kind not in _REAL_KINDS:
        raise InputError(
            f"{name} in {path} has dtype {frames.dtype}, expected real numbers"
        )


def as_fields(
    path: Path, name: str, fields: Any, frame_shape: tuple[int, int]
) -> NDArray[Any]:
    """Read flats or darks as (frame, row, column), whether one frame or many."""
    stack: NDArray[Any] = np.asarray(fields)
    if stack.ndim == 2:  # noqa: PLR2004
        stack = stack[None]
    check_frames(path, name, stack)
    if stack.shape[1:] != frame_shape:
        raise InputError(
            f"{name} in {path} has frames of {stack.shape[1:]},"
            f" but the projections have {frame_shape}"
        )
    return stack


def as_angles(path: Path, name: str, angles: ArrayLike) -> NDArray[np.float64]:
    """Check angles, in whatever unit: one-dimensional, real and finite."""
    values = np.asarray(angles)
    if values.ndim != 1 or values.dtype.kind not in "iuf":
        raise InputError(
            f"{name} in {path} has shape {values.shape} and dtype {values.dtype},"
            f" expected one real angle for each projection"
        )
    bad = int(np.count_nonzero(~np.isfinite(values)))
    if bad:
        raise InputError(
            f"{name} in {path} has {bad} angles of {values.size} that are NaN or"
            f" infinite"
        )
    return values.astype(np.float64)


def make_scan(
    path: Path,
    *,
    projections: Any,
    projection_indices: NDArray[np.int64],
    angles_rad: NDArray[np.float64],
    times_s: NDArray[np.float64],
    flats: NDArray[Any],
    flat_times_s: NDArray[np.float64],
    darks: NDArray[Any],
    dark_times_s: NDArray[np.float64],
    pair: NDArray[Any] | None = None,
    pair_angles_rad: NDArray[np.float64] | None = None,
    center_px: float | None = None,
) -> StoredScan:
    """Put a scan together; refuses counts that do not agree and missing flats."""
    if len(projection_indices) != len(angles_rad):
        raise InputError(
            f"{path} has {len(projection_indices)} projections but {len(angles_rad)}"
            f" angles"
        )
    if len(angles_rad) < 2:  # noqa: PLR2004
        raise InputError(f"{path} has {len(angles_rad)} projections, at least 2 needed")
    if len(flats) == 0:
        raise InputError(f"{path} has no flat field, which the correction needs")
    counts = {"projection": len(angles_rad), "flat": len(flats), "dark": len(darks)}
    record = {
        "sample": path.stem,
        "counts": counts | ({} if pair is None else {"pair": len(pair)}),
        "angles_deg": np.rad2deg(angles_rad).tolist(),
        "center_px": center_px,
        "run_uid": str(uuid5(NAMESPACE_URL, path.resolve().as_uri())),
    }
    return StoredScan(
        scan=Scan.parse(record, f"the options for {path}"),
        projections=projections,
        projection_indices=projection_indices,
        angles_rad=angles_rad,
        times_s=times_s,
        flats=flats,
        flat_times_s=flat_times_s,
        darks=darks,
        dark_times_s=dark_times_s,
        pair=pair,
        pair_angles_rad=pair_angles_rad,
    )


def need(path: Path, names: Sequence[str], found: Any) -> None:
    """Refuse a file that lacks one of the names."""
    missing = [name for name in names if name not in found]
    if missing:
        raise InputError(f"{path} has no {missing[0]!r} (found: {', '.join(found)})")
