"""Raw frames on a device to line integrals; what `kernels.correction` does."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from daiss_bluesky.core.errors import unknown
from daiss_bluesky.kernels.correction import Fields
from daiss_bluesky.kernels.cuda.module import Operator, cupy, is_half, parts, steps_of

RAW_TYPES = {"uint8": "unsigned char", "uint16": "unsigned short", "float32": "float"}
_WIDE, _TALL = 32, 8
_PIXELS = 4
"""Of a thread, where rows begin at multiples of as many."""
_FRAMES_EACH = 16
"""Frames that a block of threads goes through."""


@dataclass(frozen=True, slots=True, eq=False)
class DeviceFields:
    """Darks and flats of a scan on a device; see `kernels.correction.Fields`."""

    fields: Fields
    dark: Any
    gains: Any
    """A dead pixel's is not a number."""
    dead: Any

    @classmethod
    def of(cls, fields: Fields) -> "DeviceFields":
        """Bring fields to the current device."""
        cp = cupy()
        gains = np.array(fields.gains, np.float32)
        gains.reshape(len(gains), -1)[:, fields.dead[:, 0]] = np.nan
        # An array of no size has no address.
        dead = fields.dead if len(fields.dead) else np.full((1, 9), -1, np.int32)
        dark = np.ascontiguousarray(fields.dark, np.float32)
        return cls(fields, cp.asarray(dark), cp.asarray(gains), cp.asarray(dead))


def correct(
    raw: Any,
    which: NDArray[np.int64],
    times_s: NDArray[np.float64],
    fields: DeviceFields,
    zinger_threshold: float | None,
    out: Any,
    *,
    rows: slice | None = None,
    raw_first_row: int = 0,
    logarithm: bool = True,
) -> None:
    """Correct frames `which` of raw (frame, row, column) into out (frame, row, column).

    All arrays are on the device; raw is uint8, uint16 or float32 and contiguous, out
    float32 or float16 with any strides but that of a column: sinograms (row, angle,
    column) are given transposed. `times_s` are of the frames in `which`. `rows` are
    those of the detector wanted, all where none are given; raw may begin at a row of
    its own. Rows that raw has beyond the wanted ones are used as neighbors. Without the
    logarithm out is transmission.
    """
    name = str(raw.dtype)
    if name not in RAW_TYPES:
        raise unknown("dtype of frames on a device", name, RAW_TYPES)
    height, columns = fields.dark.shape
    rows = slice(0, height) if rows is None else rows
    cp, count = cupy(), len(which)
    position = fields.fields.position(times_s)
    group = position.astype(np.int32)
    threshold = np.inf if zinger_threshold is None else zinger_threshold
    steps = steps_of(out)
    pixels = _pixels_each(columns, steps, raw, out)
    operator = Operator(
        "correct",
        {
            "RAW": RAW_TYPES[name],
            "HALF": is_half(out),
            "LOGARITHM": logarithm,
            "PIXELS": pixels,
        },
    )
    operator.launch(
        "correct",
        (
            parts(columns, _WIDE * pixels),
            parts(rows.stop - rows.start, _TALL),
            parts(count, _FRAMES_EACH),
        ),
        (_WIDE, _TALL),
        (
            raw, cp.asarray(which, cp.int32), cp.asarray(group),
            cp.asarray(position - group, cp.float32), np.int32(count),
            np.int32(_FRAMES_EACH), fields.dark, fields.gains,
            np.int32(len(fields.gains)), fields.dead,
            np.int32(len(fields.fields.dead)), np.int32(height), np.int32(columns),
            np.int32(raw_first_row), np.int32(raw_first_row + raw.shape[1]),
            np.int32(rows.start), np.int32(rows.stop), np.float32(threshold), out,
            *steps,
        ),
    )  # fmt: skip


def _pixels_each(columns: int, steps: Iterable[np.int64], *arrays: Any) -> int:
    """Tell how many pixels a thread may read at once: several, if all begin evenly."""
    places = (one.data.ptr // one.dtype.itemsize for one in arrays)
    even = not any(n % _PIXELS for n in (columns, *steps, *places))
    return _PIXELS if even else 1
