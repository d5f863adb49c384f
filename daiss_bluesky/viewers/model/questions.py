"""Questions that take time, of which only the newest is worth an answer."""

from collections.abc import Callable
from concurrent.futures import Future
from threading import Condition, Thread
from typing import Any, TypeVar

Answer = TypeVar("Answer")


class Questions:
    """Answers one question after the other in a thread of its own.

    A newer question replaces one that waits, whose Future is then cancelled: a
    crosshair that is dragged asks faster than a server reads.
    """

    def __init__(self, name: str) -> None:
        self._changed = Condition()
        self._waiting: tuple[Callable[[], Any], Future[Any]] | None = None
        self._ended = False
        self._thread = Thread(target=self._answer, name=name, daemon=True)
        self._thread.start()

    def ask(self, question: Callable[[], Answer]) -> "Future[Answer]":
        """Put a question; its errors come out of the Future."""
        future: Future[Answer] = Future()
        with self._changed:
            if self._ended:
                future.cancel()
                return future
            if self._waiting is not None:
                self._waiting[1].cancel()
            self._waiting = question, future
            self._changed.notify()
        return future

    def close(self) -> None:
        """Take no more; does not wait for an answer under way."""
        with self._changed:
            self._ended = True
            if self._waiting is not None:
                self._waiting[1].cancel()
                self._waiting = None
            self._changed.notify()

    def _answer(self) -> None:
        while True:
            with self._changed:
                self._changed.wait_for(lambda: self._waiting or self._ended)
                if self._waiting is None:
                    return
                (question, future), self._waiting = self._waiting, None
            if not future.set_running_or_notify_cancel():
                continue
            try:
                answer = question()
            except Exception as error:  # noqa: BLE001 - whoever asked is told
                future.set_exception(error)
            else:
                future.set_result(answer)
