"""Questions to a reconstruction from other threads, answered by its own."""

import threading
from collections import deque
from collections.abc import Callable
from concurrent.futures import Future
from typing import Any

from daiss_bluesky.core.errors import UnavailableError
from daiss_bluesky.core.reconstruction import Reconstruction

Question = Callable[[Any], Any]
"""Is given the reconstruction, of whatever kind it is."""


class Questions:
    """Those that wait for their turn between two batches."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._waiting: deque[tuple[Question, Future[Any]]] = deque()
        self._closed = False

    def put(self, question: Question) -> "Future[Any]":
        """Leave a question; its future holds the answer, or why there is none."""
        future: Future[Any] = Future()
        with self._lock:
            if self._closed:
                future.set_exception(_over())
            else:
                self._waiting.append((question, future))
        return future

    def answer(self, reconstruction: Reconstruction | None) -> bool:
        """Answer all that wait; tells whether there were any."""
        with self._lock:
            taken = list(self._waiting)
            self._waiting.clear()
        for question, future in taken:
            if not future.set_running_or_notify_cancel():
                continue
            if reconstruction is None:
                future.set_exception(UnavailableError("no frame has come yet"))
                continue
            try:
                future.set_result(question(reconstruction))
            except Exception as error:  # noqa: BLE001 - the asker's, not the scan's
                future.set_exception(error)
        return bool(taken)

    def close(self) -> None:
        """Refuse those that wait and all to come."""
        with self._lock:
            self._closed = True
            taken = list(self._waiting)
            self._waiting.clear()
        for _, future in taken:
            future.set_exception(_over())


def _over() -> UnavailableError:
    return UnavailableError("this reconstruction has ended; its volume is in Tiled")
