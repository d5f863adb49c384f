"""Frames on a device turned upright; what `kernels.axis_tilt.straighten` does."""

from typing import Any

import numpy as np

from daiss_bluesky.kernels.cuda.module import Operator, parts

_THREADS = 256


def straighten(
    t: Any,
    tilt_rad: float,
    middle_row_px: float,
    out: Any,
    *,
    logarithm: bool,
) -> None:
    """Turn contiguous transmission (frame, row, column) about the middle, float32.

    About half its columns and middle_row_px, from the top edge. With `logarithm` the
    negative logarithm is given.
    """
    count, rows, columns = t.shape
    Operator("straighten", {"LOGARITHM": logarithm}).launch(
        "straighten",
        (parts(columns, _THREADS), rows, count),
        (_THREADS,),
        (
            t, np.int32(rows), np.int32(columns), np.float64(np.cos(tilt_rad)),
            np.float64(np.sin(tilt_rad)), np.float64(columns / 2 - 0.5),
            np.float64(middle_row_px - 0.5), out,
        ),
    )  # fmt: skip
