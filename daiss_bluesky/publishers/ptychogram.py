"""A finished ptychogram, out of the final arrays and what was in force."""

import json
from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from daiss_bluesky.core.errors import InputError
from daiss_bluesky.core.reconstruction import Arrays
from daiss_bluesky.publishers.cxi_file import Ptychogram

NEEDED = ("object", "probe", "positions_um", "frame_indices")


def frame_numbers(arrays: Arrays) -> NDArray[np.int64]:
    """Tell which frames of the scan the positions belong to."""
    return np.asarray(arrays["frame_indices"]).astype(np.int64)


def as_ptychogram(
    arrays: Arrays,
    in_force: Mapping[str, Any],
    *,
    measured_um: NDArray[np.float64] | None = None,
    mask: NDArray[np.bool_] | None = None,
    metadata: Mapping[str, Any] | None = None,
) -> Ptychogram:
    """Put together what `finish` of a ptychographic reconstruction gave.

    `measured_um` (frame, 2) of the whole scan. Raises InputError where an array is
    missing, as of a run that failed.
    """
    for name in NEEDED:
        if name not in arrays:
            raise InputError(f"the result has no {name}: it is not a finished one")
    measured = None if measured_um is None else measured_um[frame_numbers(arrays)]
    probe = np.asarray(arrays["probe"], np.complex64)
    corner_px = np.array(in_force["object_origin_px"])
    middle_px = corner_px + np.array(probe.shape[-2:]) // 2
    row_um, column_um = middle_px * np.array(in_force["object_pixel_um"])
    return Ptychogram(
        object=np.asarray(arrays["object"], np.complex64),
        probe=probe,
        positions_um=np.asarray(arrays["positions_um"], np.float64),
        origin_um=(float(row_um), float(column_um)),
        measured_um=measured,
        mask=mask,
        metadata={**(metadata or {}), "in_force": json.dumps(dict(in_force))},
    )
