"""The object of a ptychographic scan, as large as the positions so far ask for."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from daiss_bluesky.core.errors import InputError
from daiss_bluesky.kernels.lanes import LANES

_MARGIN = 16
"""Pixels to spare on each side, so that refined positions rarely make it grow."""

_MOST = 20_000
"""Pixels on a side; wrong positions are found before they fill the memory."""

_PAGE = 512
"""Pixels of 4 KiB: rows so far apart share their place in the first cache."""


def _away_from_page(width: int) -> int:
    """Give what makes a width a good one."""
    return (
        2 * _MARGIN if abs((width + _PAGE // 2) % _PAGE - _PAGE // 2) < _MARGIN else 0
    )


def _check_size(size: NDArray[np.int64]) -> None:
    if size.max() > _MOST:
        raise InputError(
            f"positions span an object of {size[0]} x {size[1]} pixels, more than"
            f" {_MOST} on a side: are they in pixels of the object?"
        )


class Canvas:
    """Complex transmission (row, column) that grows on any side.

    Growth leaves what is there as it is, to the bit; new pixels are 1.
    """

    def __init__(self, shape: tuple[int, int], xp: Any = np) -> None:
        """Start empty, for patches of a shape (rows, columns) in arrays of `xp`."""
        # Kernels work on whole blocks of lanes beyond the patch's right edge.
        self._reach = np.array(
            [shape[0] + 1, -(-shape[1] // LANES) * LANES + 2 * LANES]
        )
        self._xp = xp
        self.array = xp.empty((0, 0), np.complex64)
        """The pixels where they lie; a larger one when it grows."""
        self.origin: tuple[int, int] = (0, 0)
        """The position (row, column) of pixel [0, 0]."""

    @property
    def pixels(self) -> NDArray[np.complex64]:
        """The pixels themselves."""
        array: NDArray[np.complex64] = self.array
        return array

    @pixels.setter
    def pixels(self, pixels: NDArray[np.complex64]) -> None:
        self.array = pixels

    @property
    def shape(self) -> tuple[int, int]:
        """Rows and columns."""
        rows, columns = self.array.shape
        return int(rows), int(columns)

    @property
    def width(self) -> int:
        """Columns."""
        return self.shape[1]

    def corners(self, positions: NDArray[np.float64]) -> NDArray[np.float64]:
        """Give where positions (frame, 2) lie on the canvas, grown to hold them."""
        self._cover(
            np.floor(positions.min(axis=0)).astype(int),
            np.floor(positions.max(axis=0)).astype(int) + self._reach,
        )
        return np.asarray(positions - np.array(self.origin), np.float64)

    def _cover(self, first: NDArray[np.int64], last: NDArray[np.int64]) -> None:
        low, size = np.array(self.origin), np.array(self.shape)
        if size.any() and (first >= low).all() and (last <= low + size).all():
            return
        if not size.any():
            low = first + _MARGIN
        spare = np.maximum(_MARGIN, size // 4)
        before = np.where(first < low, low - first + spare, 0)
        after = np.where(last > low + size, last - low - size + spare, 0)
        after[1] += _away_from_page(int(size[1] + before[1] + after[1]))
        _check_size(size + before + after)
        grown = tuple(int(n) for n in size + before + after)
        larger = self._xp.ones(grown, np.complex64)
        (y, x), (rows, columns) = before, size
        larger[y : y + rows, x : x + columns] = self.array
        self.array = larger
        self.origin = (int(low[0] - before[0]), int(low[1] - before[1]))
