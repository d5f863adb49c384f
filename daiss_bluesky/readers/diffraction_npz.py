"""NumPy archives of ptychography: data, positions_px and perhaps probe."""

from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from daiss_bluesky.core.errors import InputError
from daiss_bluesky.core.stored_diffraction import StoredDiffraction
from daiss_bluesky.readers.diffraction_stack import make_diffraction
from daiss_bluesky.readers.stack import check_frames

FRAMES, POSITIONS = "data", "positions_px"


def recognizes(arrays: Collection[str]) -> bool:
    """Tell whether frames and no projections are what the archive is about."""
    return FRAMES in arrays and "proj" not in arrays


def read(
    arrays: Mapping[str, NDArray[Any]], path: Path, center_px: float | None
) -> StoredDiffraction:
    """Take the arrays; `data` has its zero frequency at the corner of the frame.

    Positions are in pixels of the object, whose size nothing in the archive tells: it
    counts as 1 µm, so that micrometers are pixels.
    """
    if center_px is not None:
        raise InputError(f"{path} is ptychography, which has no rotation center")
    if POSITIONS not in arrays:
        raise InputError(f"{path} has diffraction frames but no {POSITIONS!r}")
    check_frames(path, FRAMES, arrays[FRAMES])
    positions = np.asarray(arrays[POSITIONS])
    if positions.dtype.kind not in "iuf":
        raise InputError(
            f"{POSITIONS} in {path} has dtype {positions.dtype}, expected real numbers"
        )
    mask = arrays.get("mask")
    return make_diffraction(
        path,
        # Once, not by batches: the archive was read whole, and the copy replaces it.
        frames=np.fft.fftshift(arrays[FRAMES], axes=(1, 2)),
        positions_um=positions.astype(np.float64),
        record={"pixel_size_um": 1.0},
        mask=None if mask is None else np.fft.fftshift(mask.astype(np.bool_)),
        probe=arrays.get("probe"),
    )
