"""Frames of several files as one stack."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from daiss_bluesky.core.errors import InputError


class ChainedFrames:
    """Stacks one after the other, read by index, slice or ascending indices."""

    def __init__(
        self, stacks: Sequence[Any], counts: Sequence[int], path: Path
    ) -> None:
        """Take the first `counts` frames of each; all must have one shape."""
        shapes = {tuple(stack.shape[1:]) for stack in stacks}
        if len(shapes) > 1:
            raise InputError(
                f"the files of the scan that begins with {path} have frames of"
                f" different shapes: {', '.join(map(str, sorted(shapes)))}"
            )
        self._stacks = stacks
        self._starts = np.concatenate([[0], np.cumsum(counts)])
        self.shape: tuple[int, ...] = (int(self._starts[-1]), *stacks[0].shape[1:])
        self.dtype: np.dtype[Any] = stacks[0].dtype

    def __len__(self) -> int:
        """Count the frames."""
        return self.shape[0]

    def __getitem__(self, key: Any) -> NDArray[Any]:
        """Read frames, as an array or an HDF5 dataset would."""
        first, *rest = key if isinstance(key, tuple) else (key,)
        if isinstance(first, int | np.integer):
            one: NDArray[Any] = self[(slice(int(first), int(first) + 1), *rest)]
            return np.asarray(one[0])
        wanted = np.arange(len(self))[first]
        owner = np.searchsorted(self._starts, wanted, side="right") - 1
        found = [
            self._read(int(i), wanted[owner == i] - self._starts[i], rest)
            for i in np.unique(owner)
        ]
        if not found:
            return np.zeros((0, *self.shape[1:]), self.dtype)
        return np.concatenate(found)

    def _read(
        self, i: int, indices: NDArray[np.int64], rest: list[Any]
    ) -> NDArray[Any]:
        which: Any = indices
        if indices[-1] - indices[0] + 1 == indices.size:
            which = slice(int(indices[0]), int(indices[-1]) + 1)
        frames: NDArray[Any] = self._stacks[i][(which, *rest)]
        return frames

    def close(self) -> None:
        """Close the files behind it."""
        for stack in self._stacks:
            stack.close()
