"""What came by all lanes, put together; sources write it, windows read it."""

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from threading import RLock
from typing import Any

from numpy.typing import NDArray

from daiss_bluesky.viewers.model.catalog import Catalog
from daiss_bluesky.viewers.model.connection import Connection, Lane, State
from daiss_bluesky.viewers.model.mailbox import Mailbox
from daiss_bluesky.viewers.model.meter import Meter
from daiss_bluesky.viewers.model.picture import Picture
from daiss_bluesky.viewers.model.showing import Showing
from daiss_bluesky.viewers.sources.tiled_reader import Array


class Intake:
    """The state behind a view model; a Sink for sources, safe from any thread."""

    def __init__(self, mailbox: Mailbox, keep: Callable[[Picture], None]) -> None:
        """`keep` is given every picture besides the mailbox."""
        self.catalog = Catalog()
        self.showing: Showing | None = None
        self.pinned: str | None = None
        self.on_choice: Callable[[str], None] = lambda _: None
        """Called with the uid of another result to be shown; must not wait."""
        self.on_view: Callable[[str], None] = lambda _: None
        """Called with the name of a view that came."""
        self.lock = RLock()
        self._mailbox = mailbox
        self._keep = keep
        self._connection = Connection(since_s=time.time())
        self._meter = Meter()

    def connection(self) -> Connection:
        """Say how the line is."""
        with self.lock:
            per_s, found = self._meter.per_s(), self._connection
        overtaken = self._mailbox.overtaken
        return replace(found, messages_per_s=per_s, overtaken=overtaken)

    def choose(self) -> None:
        """Show the pinned result, or else the newest."""
        with self.lock:
            wanted = self.pinned or self.catalog.newest_result()
            if wanted is None or (self.showing and self.showing.uid == wanted):
                return
            self.showing = Showing(wanted, self.catalog.result_metadata(wanted))
            self._mailbox.take()
            # Under the lock, or two threads may tell their choices in another order.
            self.on_choice(wanted)

    def line(self, state: State, lane: Lane, message: str = "") -> None:
        """Take in how the line is."""
        with self.lock:
            before = self._connection
            since_s = before.since_s if before.state == state else time.time()
            self._connection = replace(
                before, state=state, source=lane, message=message, since_s=since_s
            )

    def heard(self, lane: Lane) -> None:
        """Count a message."""
        with self.lock:
            self._meter.count()
            self._connection = replace(
                self._connection, last_message_s=time.time(), source=lane
            )

    def run(
        self, uid: str, start: Mapping[str, Any], stop: Mapping[str, Any] | None
    ) -> None:
        """Take in a run."""
        self.catalog.put_run(uid, start, stop)

    def result(self, uid: str, metadata: Mapping[str, Any]) -> None:
        """Take in a result."""
        self.catalog.put_result(uid, metadata)
        with self.lock:
            if showing := self._of(uid):
                showing.metadata, showing.problem = metadata, ""
        self.choose()

    def rows(self, uid: str, rows: Sequence[Mapping[str, Any]]) -> None:
        """Take in progress."""
        with self.lock:
            if showing := self._of(uid):
                for corrected in showing.add_rows(rows):
                    self._mailbox.put(corrected)
                    self._keep(corrected)

    def arrays(self, uid: str, known: Mapping[str, Array]) -> None:
        """Take in which final arrays there are."""
        with self.lock:
            if showing := self._of(uid):
                showing.arrays = dict(known)

    def began_anew(self, uid: str) -> None:
        """Take in that updates count from 1 again."""
        with self.lock:
            if showing := self._of(uid):
                showing.begin_anew()

    def problem(self, uid: str, sentence: str) -> None:
        """Take in why a result cannot be shown."""
        with self.lock:
            if showing := self._of(uid):
                showing.problem = sentence

    def picture(
        self,
        uid: str,
        view: str,
        pixels: NDArray[Any],
        published_s: float | None,
        lane: Lane,
        number: int | None = None,
        angle_deg: float | None = None,
        place: int | None = None,
    ) -> None:
        """Take in a picture."""
        with self.lock:
            showing = self._of(uid)
            if showing is None:
                return
            made = showing.picture(
                view, pixels, published_s, lane, number, angle_deg, place
            )
            if made is not None:
                self._mailbox.put(made)
                self._keep(made)
        if lane != "pva":
            self.on_view(view)

    def _of(self, uid: str) -> Showing | None:
        return self.showing if self.showing and self.showing.uid == uid else None
