"""The view model: what every window shows, without a toolkit."""

import asyncio
import time
from collections import deque
from collections.abc import Mapping, Sequence
from concurrent.futures import Future
from dataclasses import replace
from threading import Lock, Thread
from typing import Any

from numpy.typing import NDArray

from daiss_bluesky.core.errors import InputError
from daiss_bluesky.publishers.tiled_http import TiledHttp
from daiss_bluesky.viewers.model.catalog import Catalog
from daiss_bluesky.viewers.model.connection import Connection, Lane, State
from daiss_bluesky.viewers.model.curves import Curves
from daiss_bluesky.viewers.model.entries import RunEntry
from daiss_bluesky.viewers.model.followed import Followed
from daiss_bluesky.viewers.model.honesty import Honesty
from daiss_bluesky.viewers.model.mailbox import Mailbox
from daiss_bluesky.viewers.model.query import Query
from daiss_bluesky.viewers.model.showing import Showing
from daiss_bluesky.viewers.sources.polling import Polling
from daiss_bluesky.viewers.sources.tiled_reader import TiledReader

RATE_OVER_S = 5.0


class ViewModel:
    """Runs, results and the pictures of the one that is followed.

    Threads: all that waits is in threads of the model's own. A window polls it from a
    timer of its GUI thread (`mailbox.take()`, `honesty()`, `connection()`, `followed()`
    ...); every one of these calls returns at once, may be made from any thread, and
    nothing ever calls back. What takes time gives a Future, to be polled as well.
    """

    def __init__(self, uri: str, api_key: str) -> None:
        """Begin to connect; a server that is away shows in `connection()`."""
        self.mailbox = Mailbox()
        """Newest picture of each view of the followed result."""
        self._lock = Lock()
        self._catalog = Catalog()
        self._connection = Connection(since_s=time.time())
        self._arrivals: deque[float] = deque(maxlen=1000)
        self._showing: Showing | None = None
        self._pinned: str | None = None
        self._reader = TiledReader(TiledHttp(uri, api_key))
        self._source = Polling(self._reader, self)
        self._thread = Thread(target=self._serve, name="view-model", daemon=True)
        self._thread.start()

    def close(self) -> None:
        """End the threads and close the connections."""
        self._source.stop()
        self._thread.join()
        self._reader.http.close()

    def connection(self) -> Connection:
        """Say how the line is."""
        now_s = time.time()
        with self._lock:
            n = sum(now_s - at_s < RATE_OVER_S for at_s in self._arrivals)
            found = replace(self._connection, messages_per_s=n / RATE_OVER_S)
        return replace(found, overtaken=self.mailbox.overtaken)

    def runs(self, query: Query | None = None) -> tuple[RunEntry, ...]:
        """List the runs asked for, newest first, with their results."""
        return self._catalog.runs(query or Query())

    @property
    def catalog_changes(self) -> int:
        """Grows when `runs` may give something else; cheap to look at."""
        return self._catalog.changes

    def follow(self, result_uid: str | None) -> None:
        """Follow one result from now on, or (None) the newest as they come.

        What cannot be shown is told in `followed().problem`.
        """
        with self._lock:
            self._pinned = result_uid
        self._choose()

    def followed(self) -> Followed:
        """Say which result is shown, and how many newer ones there are."""
        with self._lock:
            showing, pinned = self._showing, self._pinned is not None
        if showing is None:
            return Followed(pinned=pinned)
        metadata = showing.metadata
        return Followed(
            result_uid=showing.uid,
            raw_uid=str(metadata.get("raw_uid") or ""),
            technique=str(metadata.get("technique") or ""),
            scan_id=metadata.get("scan_id"),
            sample=str(metadata.get("sample") or ""),
            metadata=metadata,
            pinned=pinned,
            behind=self._catalog.newer_than(showing.uid),
            arrays=showing.arrays,
            problem=showing.problem,
        )

    @property
    def behind(self) -> int:
        """Results that are newer than the one shown."""
        return self.followed().behind

    def honesty(self) -> Honesty:
        """Say how much is in the pictures, and how good it is."""
        with self._lock:
            return Honesty() if self._showing is None else self._showing.honesty()

    def curves(self) -> Curves:
        """Give error, lag, coverage ... by update; the same object if unchanged."""
        with self._lock:
            return Curves() if self._showing is None else self._showing.curves()

    def slices(self, z: int, y: int, x: int) -> "Future[dict[str, Any]]":
        """Ask for three slices (Picture by view) through a place."""
        failed: Future[dict[str, Any]] = Future()
        failed.set_exception(InputError(f"no slices at {z}, {y}, {x} yet"))
        return failed

    # What sources call (Sink).

    def line(self, state: State, lane: Lane, message: str = "") -> None:
        """Take in how the line is."""
        with self._lock:
            before = self._connection
            since_s = before.since_s if before.state == state else time.time()
            self._connection = replace(
                before, state=state, source=lane, message=message, since_s=since_s
            )

    def heard(self, lane: Lane) -> None:
        """Count a message."""
        now_s = time.time()
        with self._lock:
            self._arrivals.append(now_s)
            self._connection = replace(
                self._connection, last_message_s=now_s, source=lane
            )

    def run(
        self, uid: str, start: Mapping[str, Any], stop: Mapping[str, Any] | None
    ) -> None:
        """Take in a run."""
        self._catalog.put_run(uid, start, stop)

    def result(self, uid: str, metadata: Mapping[str, Any]) -> None:
        """Take in a result."""
        self._catalog.put_result(uid, metadata)
        with self._lock:
            if self._showing is not None and self._showing.uid == uid:
                self._showing.metadata = metadata
        self._choose()

    def rows(self, uid: str, rows: Sequence[Mapping[str, Any]]) -> None:
        """Take in progress."""
        with self._lock:
            if self._showing is not None and self._showing.uid == uid:
                self._showing.add_rows(rows)

    def arrays(self, uid: str, names: Sequence[str]) -> None:
        """Take in which final arrays there are."""
        with self._lock:
            if self._showing is not None and self._showing.uid == uid:
                self._showing.arrays = tuple(names)

    def problem(self, uid: str, sentence: str) -> None:
        """Take in why a result cannot be shown."""
        with self._lock:
            if self._showing is not None and self._showing.uid == uid:
                self._showing.problem = sentence

    def picture(
        self,
        uid: str,
        view: str,
        pixels: NDArray[Any],
        published_s: float,
        lane: Lane,
        number: int | None = None,
        angle_deg: float | None = None,
    ) -> None:
        """Take in a picture."""
        with self._lock:
            showing = self._showing
            if showing is None or showing.uid != uid:
                return
            made = showing.picture(view, pixels, published_s, lane, number, angle_deg)
            if made is not None:
                self.mailbox.put(made)

    def _choose(self) -> None:
        with self._lock:
            wanted = self._pinned or self._catalog.newest_result()
            if wanted is None:
                return
            if self._showing is not None and self._showing.uid == wanted:
                return
            self._showing = Showing(wanted, {})
            self.mailbox.take()
        self._source.follow(wanted)

    def _serve(self) -> None:
        asyncio.run(self._source.run())
