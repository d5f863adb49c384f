"""Diffraction frames as a file has them, read as (frame, row, column), centered."""

from typing import Any

import numpy as np
from numpy.typing import NDArray


class FlatFrames:
    """A raster (slow, fast, row, column) as one stack, by index, slice or indices."""

    def __init__(self, raster: Any) -> None:
        """Take an array or dataset with two or more axes before row and column."""
        self._raster = raster
        self._points: tuple[int, ...] = raster.shape[:-2]
        self.shape: tuple[int, ...] = (
            int(np.prod(self._points)),
            *raster.shape[-2:],
        )
        self.dtype: np.dtype[Any] = raster.dtype

    def __len__(self) -> int:
        """Count the frames."""
        return self.shape[0]

    def __getitem__(self, key: Any) -> NDArray[Any]:
        """Read frames."""
        first, *rest = key if isinstance(key, tuple) else (key,)
        wanted = np.arange(len(self))[first]
        flat = np.atleast_1d(wanted)
        found = np.empty((flat.size, *self.shape[1:]), self.dtype)
        for i, point in enumerate(flat):
            found[i] = self._raster[np.unravel_index(point, self._points)]
        found = found[(slice(None), *rest)]
        return found if np.ndim(wanted) else np.asarray(found[0])

    def close(self) -> None:
        """Close the file behind it."""
        self._raster.close()


class CenteredFrames:
    """Frames with the zero frequency at the corner, read with it in the middle."""

    def __init__(self, frames: Any) -> None:
        """Take an array or dataset (frame, row, column)."""
        self._frames = frames
        self.shape: tuple[int, ...] = frames.shape
        self.dtype: np.dtype[Any] = frames.dtype

    def __len__(self) -> int:
        """Count the frames."""
        return self.shape[0]

    def __getitem__(self, key: Any) -> NDArray[Any]:
        """Read whole frames, then what is wanted of them."""
        first, *rest = key if isinstance(key, tuple) else (key,)
        whole = np.fft.fftshift(self._frames[first], axes=(-2, -1))
        if not rest:
            return whole
        return np.asarray(whole[(slice(None),) * (whole.ndim - 2) + tuple(rest)])

    def close(self) -> None:
        """Close the file behind it."""
        self._frames.close()
