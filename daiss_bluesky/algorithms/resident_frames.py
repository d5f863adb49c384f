"""Raw frames that stay where they are reconstructed, as they came.

On the device as far as its share goes, beyond that in the host's memory, from where
they are brought back a few at a time.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from daiss_bluesky.core.array_store import ArrayStore
from daiss_bluesky.kernels.operators import Array, Operators

CHUNK_BYTES = 1 << 31
"""Frames are given memory so much at a time."""

_FEW = 16
"""Frames beyond those expected, that are given memory at a time."""

DEVICE_TYPES = ("uint8", "uint16", "float32")
"""Others become float32."""


@dataclass(frozen=True, slots=True, eq=False)
class RawBlock:
    """Some frames on the device."""

    numbers: slice
    """In the order they came."""
    raw: Array
    """(frame, row, column), contiguous."""
    first_row: int
    """Of the detector."""


@dataclass(slots=True, eq=False)
class _Chunk:
    frames: Array
    on_device: bool
    first: int
    count: int = 0

    @property
    def room(self) -> int:
        return len(self.frames) - self.count


class ResidentFrames:
    """Some rows of all frames of a scan."""

    def __init__(
        self,
        operators: Operators,
        store: ArrayStore,
        name: str,
        rows: slice,
        columns: int,
        device_bytes: int,
        expected: int | None,
    ) -> None:
        """Begin; `name` is their name in the store, device_bytes their share."""
        self._operators = operators
        self._store = store
        self._name = name
        self._rows = rows
        self._columns = columns
        self._device_bytes = device_bytes
        self._expected = expected
        self._chunks: list[_Chunk] = []
        self._scratch: Array | None = None

    def __len__(self) -> int:
        """Count the frames."""
        return sum(chunk.count for chunk in self._chunks)

    def clear(self) -> None:
        """Forget them."""
        self._chunks.clear()
        self._scratch = None
        self._store.release(self._name)

    def add(self, pixels: NDArray[Any]) -> None:
        """Take in frames (frame, row, column) of these rows."""
        if str(pixels.dtype) not in DEVICE_TYPES:
            pixels = pixels.astype(np.float32)
        while len(pixels):
            chunk = self._chunk_for(pixels.dtype)
            some, pixels = pixels[: chunk.room], pixels[chunk.room :]
            target = chunk.frames[chunk.count : chunk.count + len(some)]
            if chunk.on_device:
                self._operators.upload(some, target)
            else:
                target[...] = some
            chunk.count += len(some)

    def _chunk_for(self, dtype: np.dtype[Any]) -> _Chunk:
        if self._chunks:
            last = self._chunks[-1]
            if last.room and last.frames.dtype == dtype:
                return last
        self._chunks.append(self._new_chunk(dtype))
        return self._chunks[-1]

    def _new_chunk(self, dtype: np.dtype[Any]) -> _Chunk:
        rows = self._rows.stop - self._rows.start
        frame = rows * self._columns * dtype.itemsize
        count = max(1, CHUNK_BYTES // frame)
        if self._expected is not None:
            count = min(count, max(_FEW, self._expected - len(self)))
        ops, on_device = self._operators, self._device_bytes >= frame
        place, make = (ops.place, ops.empty) if on_device else ("cpu", np.empty)
        left = self._device_bytes if on_device else self._store.room("cpu")
        count = max(1, min(count, left // frame))
        name = f"{self._name} from {len(self)}"
        shape = count, rows, self._columns
        frames = self._store.make(
            name, place, count * frame, lambda: make(shape, dtype)
        )
        if on_device:
            self._device_bytes -= count * frame
        return _Chunk(frames, on_device, len(self))

    def blocks(self, rows: slice, first: int, work_frames: int) -> Iterator[RawBlock]:
        """Give frames from number `first` on, so many at a time or fewer.

        Rows of the detector are those asked for, and maybe others.
        """
        for chunk in self._chunks:
            begin = max(first - chunk.first, 0)
            for start in range(begin, chunk.count, work_frames):
                part = slice(start, min(start + work_frames, chunk.count))
                numbers = slice(chunk.first + part.start, chunk.first + part.stop)
                if chunk.on_device:
                    yield RawBlock(numbers, chunk.frames[part], self._rows.start)
                else:
                    yield self._bring(chunk, part, numbers, rows, work_frames)

    def _bring(
        self,
        chunk: _Chunk,
        part: slice,
        numbers: slice,
        rows: slice,
        work_frames: int,
    ) -> RawBlock:
        """Bring frames of a chunk on the host to the device."""
        top = self._rows.start
        some = chunk.frames[part, rows.start - top : rows.stop - top]
        shape = (work_frames, *some.shape[1:])
        target = self._scratch_for(shape, some.dtype)[: len(some)]
        self._operators.upload(some, target, is_read=True)
        return RawBlock(numbers, target, rows.start)

    def _scratch_for(self, shape: tuple[int, ...], dtype: np.dtype[Any]) -> Array:
        found = self._scratch
        if found is None or found.shape != shape or found.dtype != dtype:
            # So that there are never two.
            self._scratch = found = None
            self._scratch = found = self._operators.empty(shape, dtype)
        return found
