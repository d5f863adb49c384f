"""Diffraction frames on a GPU, as they came: two bytes a pixel."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from daiss_bluesky.kernels.cuda.queue import Array, Queue
from daiss_bluesky.kernels.ptychography_work import page_frames

RESERVE_BYTES = 1 << 30
"""Of the device's memory, left for all that is not frames."""


class Pages:
    """Frames (frame, row, column) in pages of one size, which never move.

    Pages that the device has no room for lie in pinned memory of the host; kernels read
    their frames from there, once for each visit.
    """

    def __init__(
        self, queue: Queue, shape: tuple[int, int], most_bytes: int | None = None
    ) -> None:
        """Begin empty; `most_bytes` of the device, or as many as it has to spare."""
        self._queue, self._shape, self._most_bytes = queue, shape, most_bytes
        self._each = page_frames(shape)
        self._pages: list[Array] = []
        self._on_host: set[int] = set()
        self.table = queue.xp.zeros(0, np.uint64)
        """Where the pages begin, on the device; it may have room for more."""
        self.count = 0

    @property
    def host_bytes(self) -> int:
        """Tell how much lies in the host's memory."""
        return sum(int(self._pages[number].nbytes) for number in self._on_host)

    def add(self, frames: NDArray[np.uint16]) -> None:
        """Keep frames; what was given may be changed afterwards."""
        while len(frames):
            at = self.count % self._each
            if at == 0:
                self._open()
            part = frames[: self._each - at]
            number = len(self._pages) - 1
            placed = part if number in self._on_host else self._queue.xp.asarray(part)
            self._pages[number][at : at + len(part)] = placed
            self.count += len(part)
            frames = frames[len(part) :]

    def _open(self) -> None:
        size = (self._each, *self._shape)
        if self._has_room(2 * int(np.prod(size))):
            page = self._queue.xp.zeros(size, np.uint16)
        else:
            page = self._queue.pinned(size, np.uint16)
            self._on_host.add(len(self._pages))
        self._pages.append(page)
        known = [self._queue.address(page) for page in self._pages]
        room = max(len(known), len(self.table))
        if len(known) > len(self.table):
            room = 2 * len(known)
        # Work that was begun may still read the old table.
        table = np.zeros(room, np.uint64)
        table[: len(known)] = known
        self.table = self._queue.xp.asarray(table)

    def _has_room(self, more_bytes: int) -> bool:
        if self._most_bytes is None:
            return self._queue.free_bytes() - more_bytes > RESERVE_BYTES
        return (len(self._pages) + 1) * more_bytes <= self._most_bytes

    def take(self, group: NDArray[np.int64]) -> NDArray[np.uint16]:
        """Give frames of these numbers; a copy on the host."""
        found = np.empty((len(group), *self._shape), np.uint16)
        for number in np.unique(group // self._each):
            chosen = np.flatnonzero(group // self._each == number)
            page, at = self._pages[number], group[chosen] % self._each
            if number in self._on_host:
                found[chosen] = page[at]
            else:
                found[chosen] = self._get(page, at)
        return found

    def _get(self, page: Array, at: NDArray[np.int64]) -> NDArray[Any]:
        return self._queue.get(page[self._queue.xp.asarray(at)])
