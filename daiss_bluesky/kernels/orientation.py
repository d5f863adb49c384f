"""The eight ways a detector can lie: flips and quarter turns of its frames.

A name says what must be done to the frames as they come, so that their rows and columns
run as those of the object and the positions do.
"""

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from daiss_bluesky.core.errors import unknown

Frames = NDArray[Any]


def _flip(frames: Frames, *axes: int) -> Frames:
    """Reverse axes about pixel n // 2, which keeps the zero frequency where it is.

    Of an even number of pixels the first has no opposite; it stays the first.
    """
    for axis in axes:
        frames = np.flip(frames, axis)
        if frames.shape[axis] % 2 == 0:
            frames = np.roll(frames, 1, axis)
    return frames


_WAYS: dict[str, Callable[[Frames], Frames]] = {
    "none": lambda frames: frames,
    "flip_rows": lambda frames: _flip(frames, -2),
    "flip_columns": lambda frames: _flip(frames, -1),
    "rotate_180": lambda frames: _flip(frames, -2, -1),
    "transpose": lambda frames: np.swapaxes(frames, -2, -1),
    "rotate_90": lambda frames: _flip(np.swapaxes(frames, -2, -1), -2),
    "rotate_270": lambda frames: _flip(np.swapaxes(frames, -2, -1), -1),
    "anti_transpose": lambda frames: _flip(np.swapaxes(frames, -2, -1), -2, -1),
}
ORIENTATIONS = tuple(_WAYS)
"""`flip_rows` reverses the order of rows; `rotate_90` turns counterclockwise as shown
with the first row on top; `anti_transpose` mirrors at the other diagonal."""

TWIN = {
    "none": "rotate_180", "flip_rows": "flip_columns",
    "transpose": "anti_transpose", "rotate_90": "rotate_270",
}  # fmt: skip
TWIN |= {second: first for first, second in TWIN.items()}
"""The one that differs by half a turn: for far-field frames the conjugate object."""


def apply_orientation(frames: Frames, name: str) -> Frames:
    """Turn frames or a mask (..., row, column) as a name says.

    The zero frequency stays at n // 2. Gives a view or a copy. Raises
    InputError for an unknown name.
    """
    if name not in _WAYS:
        raise unknown("orientation", name, _WAYS)
    return _WAYS[name](frames)


def combined_orientation(first: str, then: str) -> str:
    """Give the one orientation that does what two do, one after the other."""
    marks = np.arange(9).reshape(3, 3)
    wanted = apply_orientation(apply_orientation(marks, first), then)
    return next(
        name for name in _WAYS if (apply_orientation(marks, name) == wanted).all()
    )


def inverse_orientation(name: str) -> str:
    """Give what undoes an orientation: itself, but for the quarter turns."""
    if name not in _WAYS:
        raise unknown("orientation", name, _WAYS)
    return {"rotate_90": "rotate_270", "rotate_270": "rotate_90"}.get(name, name)
