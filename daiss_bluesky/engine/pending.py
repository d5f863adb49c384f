"""Frames that wait for their turn: calibration first, repeats left out."""

import threading
from collections import deque
from collections.abc import Sequence

from daiss_bluesky.core.frames import FrameRef


class Pending:
    """A queue of frame references between the documents' thread and the worker."""

    def __init__(self) -> None:
        """Begin empty and open."""
        self._changed = threading.Condition()
        self._calibration: deque[FrameRef] = deque()
        self._sample: deque[FrameRef] = deque()
        self._ended = False
        self._stopped = False
        self._woken = False
        self.succeeded = True
        self.message = ""

    def put(self, refs: Sequence[FrameRef]) -> None:
        """Queue frames that arrived; after `stop` nobody wants them."""
        with self._changed:
            if self._stopped:
                return
            for ref in refs:
                self._queue_of(ref).append(ref)
            self._changed.notify()

    def put_back(self, refs: Sequence[FrameRef]) -> None:
        """Queue frames to be read again, before those that were never read."""
        with self._changed:
            for ref in reversed(refs):
                self._queue_of(ref).appendleft(ref)
            self._changed.notify()

    def _queue_of(self, ref: FrameRef) -> deque[FrameRef]:
        return self._sample if ref.is_sample else self._calibration

    def end(self, *, succeeded: bool, message: str) -> None:
        """No more will come."""
        with self._changed:
            self._ended = True
            self.succeeded = succeeded
            self.message = message
            self._changed.notify()

    def wake(self) -> None:
        """Let a take() that waits return, with nothing."""
        with self._changed:
            self._woken = True
            self._changed.notify()

    def stop(self) -> None:
        """Drop everything; take() ends at once."""
        with self._changed:
            self._stopped = True
            self._changed.notify()

    @property
    def ended(self) -> bool:
        """No more will come."""
        return self._ended

    @property
    def stopped(self) -> bool:
        """Given up."""
        return self._stopped

    @property
    def calibration_waits(self) -> bool:
        """Darks, flats or pair frames are queued."""
        return bool(self._calibration)

    def take(self, n: int, timeout_s: float | None) -> list[FrameRef] | None:
        """Take up to n frames of one kind and stream, oldest first.

        Empty when the timeout ran out first, or `wake` came; None when nothing will
        come any more.
        """
        with self._changed:
            self._changed.wait_for(self._ready, timeout_s)
            woken, self._woken = self._woken, False
            if self._stopped:
                return None
            queue = self._calibration or self._sample
            if not queue:
                return None if self._ended and not woken else []
            taken = [queue.popleft()]
            stream = taken[0].key.stream
            while queue and len(taken) < n and queue[0].key.stream == stream:
                if queue[0].kind != taken[0].kind:
                    break
                taken.append(queue.popleft())
            return taken

    def _ready(self) -> bool:
        waiting = self._calibration or self._sample
        return bool(waiting) or self._ended or self._stopped or self._woken
