"""Puts a thread between a reconstruction and a publisher that may be slow or away."""

import logging
import threading
import time
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from typing import TypeVar

import numpy as np

from daiss_bluesky.core.errors import InputError, UnavailableError
from daiss_bluesky.core.results import (
    ArrayKeeping,
    Final,
    Publisher,
    Result,
    Update,
)

logger = logging.getLogger(__name__)

FIRST_RETRY_S = 0.2
LONGEST_RETRY_S = 2.0
_CLOSE_TIMEOUT_S = 60.0

LONGEST_REST_S = 0.3

Published = Callable[[Update, float], None]
Shown = TypeVar("Shown", Update, Final)


class PacedPublisher:
    """A publisher whose calls return at once: the newest update wins.

    What cannot be delivered is tried again until it can: of a server that is away for
    a while only the newest state arrives, and the end of the run always does. A
    refusal (InputError) ends it with one line in the log. For one result.
    """

    def __init__(
        self,
        publisher: Publisher,
        *,
        on_published: Published | None = None,
    ) -> None:
        """Wrap a publisher; `on_published` gets each update and when it was readable.

        `on_published` is called from the publishing thread with seconds since the
        epoch, right after the update became readable.
        """
        self.name = publisher.name
        self.settled = threading.Event()
        """Set when the end of the run is published, or was given up for good."""
        self.failure: InputError | None = None
        self._publisher = publisher
        self._on_published = on_published
        self._changed = threading.Condition()
        self._given_up = threading.Event()
        self._update: Update | None = None
        self._final: Final | None = None
        self._thread: threading.Thread | None = None

    def open(self, result: Result) -> None:
        """Begin; the place is made in the background."""
        self._thread = threading.Thread(
            target=self._publish, args=(result,), name=f"publish-{self.name}"
        )
        # A server that never comes back must not keep the process.
        self._thread.daemon = True
        self._thread.start()

    def write(self, update: Update) -> None:
        """Leave an update to be published; replaces one still waiting."""
        with self._changed:
            if not self.settled.is_set():
                self._update = _after(self._update, update)
                self._changed.notify()

    def close(self, final: Final) -> None:
        """Leave the end to be published, and wait for it a bounded time.

        Longer absences of a server are waited for in the background; see `settled`.
        """
        if self._thread is None:
            self.settled.set()
            return
        with self._changed:
            if self.settled.is_set():
                return
            self._final = final
            self._changed.notify()
        if not self.settled.wait(_CLOSE_TIMEOUT_S):
            logger.warning("%s: still waiting to publish the end of a run", self.name)

    def stop(self) -> None:
        """Give up; what was not delivered is not."""
        self._given_up.set()
        with self._changed:
            self._changed.notify()
        if self._thread is not None:
            self._thread.join(_CLOSE_TIMEOUT_S)

    def _publish(self, result: Result) -> None:
        try:
            self._persist(partial(self._publisher.open, result))
            while not self._given_up.is_set():
                self._await_work()
                if self._update is not None:
                    self._persist(self._write_newest)
                elif self._final is not None:
                    self._persist(self._publish_end)
                    return
        except InputError as error:
            logger.error("%s: result %s is refused: %s", self.name, result.uid, error)
            self.failure = error
        except Exception as error:  # nobody else would say why there is no result
            logger.exception("%s: result %s is given up", self.name, result.uid)
            self.failure = InputError(f"internal error: {error!r}")
        finally:
            self._settle()

    def _settle(self) -> None:
        """End, and let go of the arrays: whoever asks later still holds this."""
        with self._changed:
            self._update = self._final = None
            self.settled.set()

    def _await_work(self) -> None:
        with self._changed:
            self._changed.wait_for(self._has_work)
            if self._final is not None and self._final.views and self._update:
                # They are newer than the update, which nobody will miss.
                self._final = _after(self._update, self._final)
                self._update = None

    def _has_work(self) -> bool:
        return bool(self._update or self._final or self._given_up.is_set())

    def _write_newest(self) -> None:
        with self._changed:
            update, self._update = self._update, None
        if update is None:
            return
        began_s = time.monotonic()
        try:
            self._publisher.write(update)
        except UnavailableError:
            with self._changed:
                newer = self._update
                self._update = _after(update, newer) if newer else update
            raise
        if self._on_published is not None:
            self._on_published(update, time.time())
        self._rest(time.monotonic() - began_s)

    def _publish_end(self) -> None:
        if self._final is not None:
            self._publisher.close(self._final)

    def _lighten(self) -> None:
        """Let go of the arrays of an end that has to wait for its server.

        Each run that ends meanwhile would hold a volume in memory.
        """
        publisher, final = self._publisher, self._final
        if final is None or not final.arrays or not isinstance(publisher, ArrayKeeping):
            return
        try:
            self._final = publisher.keep(final)
        except UnavailableError as error:
            logger.warning("%s: %s", self.name, error)

    def _rest(self, worked_s: float) -> None:
        """Leave a busy server some time for others."""
        with self._changed:
            self._changed.wait_for(
                lambda: self._final is not None or self._given_up.is_set(),
                min(worked_s / 2, LONGEST_REST_S),
            )

    def _persist(self, attempt: Callable[[], None]) -> None:
        delay_s = FIRST_RETRY_S
        while not self._given_up.is_set():
            try:
                attempt()
            except UnavailableError as error:
                logger.warning("%s: %s; trying again", self.name, error)
                self._lighten()
                self._given_up.wait(delay_s)
                delay_s = min(2 * delay_s, LONGEST_RETRY_S)
            else:
                return


def _after(earlier: Update | None, later: Shown) -> Shown:
    """Give the later one, which now is the first to show the earlier one's frames."""
    if earlier is None:
        return later
    times_s = np.concatenate([earlier.frame_times_s, later.frame_times_s])
    return replace(later, frame_times_s=times_s)
