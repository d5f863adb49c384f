"""Work that waits for somebody else, done off the GUI thread."""

import logging
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from threading import Lock
from typing import Any

from qtpy.QtCore import QObject, Signal

from daiss_bluesky.core.errors import DaissError

logger = logging.getLogger(__name__)

_THREADS = 3

Work = Callable[[], Any]
Done = Callable[[Any], None]


def _nothing(_: Any) -> None:
    """Take an answer that says nothing."""


class Errands(QObject):
    """Runs named errands; of one name only the newest waiting one is done.

    `done` is called in the GUI thread. A refusal (DaissError) goes to `refused`
    as its sentence; the others of that name go on.
    """

    refused = Signal(str, str)
    """Name of the errand, and why it was not done."""
    _returned = Signal(object, object)

    def __init__(self, parent: Any = None) -> None:
        super().__init__(parent)
        self._pool = ThreadPoolExecutor(_THREADS, "errand")
        self._lock = Lock()
        self._waiting: dict[str, tuple[Work, Done]] = {}
        self._running: set[str] = set()
        self._closed = False
        self._returned.connect(self._deliver)

    def send(self, name: str, work: Work, done: Done = _nothing) -> None:
        """Have something done; replaces an errand of that name still waiting."""
        with self._lock:
            self._waiting[name] = (work, done)
            if self._closed or name in self._running:
                return
            self._running.add(name)
        self._pool.submit(self._run, name).add_done_callback(_log_failure)

    def busy(self) -> bool:
        """Tell whether an errand is under way or waits."""
        with self._lock:
            return bool(self._running or self._waiting)

    def close(self) -> None:
        """Take no more; what is under way ends by itself, and is not told."""
        with self._lock:
            self._closed = True
            self._waiting.clear()
        self._pool.shutdown(wait=False, cancel_futures=True)

    def _run(self, name: str) -> None:
        try:
            self._do_all(name)
        finally:
            with self._lock:
                self._running.discard(name)

    def _do_all(self, name: str) -> None:
        while True:
            with self._lock:
                errand = self._waiting.pop(name, None)
                if errand is None or self._closed:
                    self._running.discard(name)
                    return
            work, done = errand
            try:
                outcome, ended = work(), done
            except DaissError as error:
                outcome, ended = (name, str(error)), self._refuse
            if not self._closed:
                self._returned.emit(ended, outcome)

    def _refuse(self, refusal: tuple[str, str]) -> None:
        self.refused.emit(*refusal)

    def _deliver(self, done: Done, outcome: Any) -> None:
        if not self._closed:
            done(outcome)


def _log_failure(run: "Future[None]") -> None:
    if not run.cancelled() and (error := run.exception()) is not None:
        logger.error("an errand of the window failed", exc_info=error)
