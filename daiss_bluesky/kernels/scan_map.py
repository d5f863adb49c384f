"""A small picture of what single frames measured, wherever they were taken."""

import numpy as np
from numpy.typing import NDArray

from daiss_bluesky.core.errors import InputError

_MARGIN = 8
"""Pixels added beyond a new frame when the picture has to grow."""
_LARGEST_PX = 4096
_REACH_PX = 1.5
"""With a pixel as large as the step of the scan no gaps are left between neighbors."""


class ScanMap:
    """Values of frames spread over a picture that grows with the scan.

    Each frame counts in the pixels near it, by a weight that falls linearly to
    nothing; a pixel is the mean of what reached it.
    Frames may come in any order; one that comes twice counts twice.
    """

    def __init__(self, n_values: int, pixel: float | tuple[float, float]) -> None:
        """Begin empty; `pixel` is its height and width in the unit of positions."""
        self._pixel = np.broadcast_to(np.asarray(pixel, np.float64), 2).copy()
        if not (np.isfinite(self._pixel).all() and (self._pixel > 0).all()):
            raise InputError(f"a map with pixels of {pixel} cannot be drawn")
        self._first = np.zeros(2, np.int64)
        self._sums = np.zeros((n_values + 1, 0, 0))

    @property
    def shape(self) -> tuple[int, int]:
        """Rows and columns so far."""
        return self._sums.shape[1], self._sums.shape[2]

    @property
    def origin(self) -> tuple[float, float]:
        """Position (row, column) of the middle of the first pixel."""
        row, column = self._first * self._pixel
        return float(row), float(column)

    @property
    def coverage(self) -> NDArray[np.float32]:
        """Give the weight that reached each pixel; 0 where nothing did."""
        return np.asarray(self._sums[-1], np.float32)

    def add(self, positions: NDArray[np.float64], values: NDArray[np.floating]) -> None:
        """Spread values (frame, value) at positions (frame, 2: row, column).

        A frame with a value that is no number (one without light) counts nowhere.
        """
        if values.shape != (len(positions), len(self._sums) - 1):
            raise InputError(
                f"values of shape {values.shape} for {len(positions)} positions and a"
                f" map of {len(self._sums) - 1}"
            )
        sound = np.isfinite(values).all(axis=1) & np.isfinite(positions).all(axis=1)
        if not sound.any():
            return
        at = positions[sound] / self._pixel
        self._grow(at)
        ones = np.ones((np.count_nonzero(sound), 1))
        self._spread(at - self._first, np.concatenate([values[sound], ones], axis=1))

    def make_room(self, positions: NDArray[np.float64]) -> None:
        """Let the picture reach these positions (n, 2) from the beginning."""
        self._grow(np.asarray(positions) / self._pixel)

    def image(self, empty: float = 0.0) -> NDArray[np.float32]:
        """Give the picture (value, row, column), `empty` where nothing was measured."""
        weight = self._sums[-1]
        found = np.full(self._sums[:-1].shape, empty, np.float32)
        np.divide(
            self._sums[:-1], weight, out=found, where=weight > 0, casting="unsafe"
        )
        return found

    def _grow(self, at: NDArray[np.float64]) -> None:
        """Make room for new positions, and some more."""
        reach = int(np.ceil(_REACH_PX))
        low = np.floor(at.min(axis=0)).astype(np.int64) - reach
        high = np.ceil(at.max(axis=0)).astype(np.int64) + reach + 1
        if self._sums.shape[1]:
            old_low, old_high = self._first, self._first + self.shape
            if (low >= old_low).all() and (high <= old_high).all():
                return
            low = np.where(low < old_low, low - _MARGIN, old_low)
            high = np.where(high > old_high, high + _MARGIN, old_high)
        shape = high - low
        if shape.max() > _LARGEST_PX:
            raise InputError(
                f"a map of {shape[0]} x {shape[1]} pixels of {self._pixel[0]:g} by"
                f" {self._pixel[1]:g} is too large; positions or step are wrong"
            )
        sums = np.zeros((len(self._sums), *shape))
        down, across = self._first - low if self._sums.shape[1] else (0, 0)
        rows, columns = self.shape
        sums[:, down : down + rows, across : across + columns] = self._sums
        self._sums, self._first = sums, low

    def _spread(self, at: NDArray[np.float64], values: NDArray[np.floating]) -> None:
        reach = int(np.ceil(_REACH_PX))
        nearest = np.rint(at).astype(np.int64)
        for dy in range(-reach, reach + 1):
            for dx in range(-reach, reach + 1):
                place = nearest + np.array([dy, dx])
                distance = np.hypot(*(place - at).T)
                weight = np.maximum(0.0, 1.0 - distance / _REACH_PX)
                part = (values * weight[:, None]).T
                for total, values_of_one in zip(self._sums, part, strict=True):
                    np.add.at(total, (place[:, 0], place[:, 1]), values_of_one)
