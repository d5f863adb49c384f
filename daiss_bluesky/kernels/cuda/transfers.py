"""Frames on their way between the host's memory and a device, beside what it computes.

The device's copy engine reads only memory that stays in place (pinned), so frames pass
through a few pinned buffers: while one is sent, threads fill the next.
"""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from daiss_bluesky.kernels.cuda.memory import pin
from daiss_bluesky.kernels.cuda.module import cupy, parts

BUFFER_BYTES = 1 << 27
BUFFERS = 3
_THREADS = 16
"""That copy together: a few alone are slower than the bus."""


@dataclass(slots=True, eq=False)
class _Buffer:
    pinned: NDArray[np.uint8]
    done: Any
    """Event after the last copy that used it."""


class Transfers:
    """Copies both ways for one device, each way in a stream of its own."""

    def __init__(self, compute: Any) -> None:
        cp = cupy()
        self._compute = compute
        self.uploads = cp.cuda.Stream(non_blocking=True)
        self._pool = ThreadPoolExecutor(_THREADS, "copy")
        self._buffers: list[_Buffer] = []
        self._turn = 0

    def get_ready(self) -> None:
        """Make the buffers, which takes longer than any copy."""
        cp = cupy()
        while len(self._buffers) < BUFFERS:
            buffer = np.frombuffer(pin(BUFFER_BYTES), np.uint8, BUFFER_BYTES)
            event = cp.cuda.Event(disable_timing=True)
            self._buffers.append(_Buffer(buffer, event))

    def _next(self) -> _Buffer:
        """Give the buffer that has been unused for longest; waits until it is free."""
        self.get_ready()
        self._turn = (self._turn + 1) % BUFFERS
        buffer = self._buffers[self._turn]
        buffer.done.synchronize()
        return buffer

    def upload(self, frames: NDArray[Any], target: Any) -> None:
        """Copy frames (frame, row, column) into a contiguous array of the device.

        Returns once the frames have been read; what is computed after it waits.
        """
        lines = (
            frames.reshape(-1, frames.shape[2]) if frames.flags.c_contiguous else None
        )
        if lines is None:
            lines = np.ascontiguousarray(frames).reshape(-1, frames.shape[2])
        flat = lines.reshape(-1)
        to = target.reshape(-1)
        each = BUFFER_BYTES // flat.itemsize
        for first in range(0, flat.size, each):
            some = flat[first : first + each]
            buffer = self._next()
            pinned = buffer.pinned[: some.nbytes].view(some.dtype)
            self._copy(some, pinned)
            to[first : first + some.size].data.copy_from_host_async(
                pinned.ctypes.data, some.nbytes, self.uploads
            )
            buffer.done.record(self.uploads)
        self._compute.wait_event(self.uploads.record())

    def wait_for_compute(self) -> None:
        """Let uploads that follow wait for all that is computed so far."""
        self.uploads.wait_event(self._compute.record())

    def download(self, array: Any, target: NDArray[Any]) -> None:
        """Copy an array to a contiguous one of the host, as soon as it is computed."""
        flat = array.reshape(-1)
        to = target.reshape(-1)
        if not np.shares_memory(to[:1], target):
            raise ValueError("what is downloaded goes into contiguous memory")
        each = BUFFER_BYTES // max(flat.itemsize, to.itemsize)
        before: tuple[_Buffer, NDArray[Any], NDArray[Any]] | None = None
        for first in range(0, to.size, each):
            part = slice(first, min(first + each, to.size))
            some = flat[part].astype(to.dtype, copy=False)
            buffer = self._next()
            pinned = buffer.pinned[: some.nbytes].view(to.dtype)
            some.data.copy_to_host_async(pinned.ctypes.data, some.nbytes, self._compute)
            buffer.done.record(self._compute)
            if before is not None:
                self._take(*before)
            before = buffer, pinned, to[part]
        if before is not None:
            self._take(*before)

    def _take(
        self, buffer: _Buffer, pinned: NDArray[Any], target: NDArray[Any]
    ) -> None:
        buffer.done.synchronize()
        self._copy(pinned, target)

    def _copy(self, source: NDArray[Any], target: NDArray[Any]) -> None:
        """Copy flat memory with several threads."""
        each = parts(source.size, _THREADS)
        if source.nbytes < _THREADS * 2**16:
            target[...] = source
            return

        def one(first: int) -> None:
            np.copyto(target[first : first + each], source[first : first + each])

        list(self._pool.map(one, range(0, source.size, each)))
