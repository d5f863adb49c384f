"""The view model: what every window shows, without a toolkit."""

from collections.abc import Mapping
from concurrent.futures import Future
from typing import Any

from numpy.typing import NDArray

from daiss_bluesky.publishers.tiled_http import TiledHttp
from daiss_bluesky.viewers.model.connection import Connection
from daiss_bluesky.viewers.model.curves import Curves
from daiss_bluesky.viewers.model.details import Details, Reconstructor
from daiss_bluesky.viewers.model.entries import RunEntry
from daiss_bluesky.viewers.model.followed import Followed
from daiss_bluesky.viewers.model.history import LIMIT_BYTES, History
from daiss_bluesky.viewers.model.honesty import Honesty
from daiss_bluesky.viewers.model.intake import Intake
from daiss_bluesky.viewers.model.mailbox import Mailbox
from daiss_bluesky.viewers.model.picture import Picture
from daiss_bluesky.viewers.model.query import Query
from daiss_bluesky.viewers.sources.pva import PvaPlace, PvaSource
from daiss_bluesky.viewers.sources.socket import MESSAGE_LIMIT_BYTES, StreamServer
from daiss_bluesky.viewers.sources.tiled_reader import Array, TiledReader
from daiss_bluesky.viewers.sources.tiled_source import TiledSource
from daiss_bluesky.viewers.sources.volume_slices import VOLUME


class ViewModel:
    """Runs, results and the pictures of the one that is followed.

    Threads: all that waits is in threads of the model's own. A window polls it from a
    timer of its GUI thread (`mailbox.take()`, `honesty()`, `connection()`, `followed()`
    ...); every one of these calls returns at once, may be made from any thread, and
    nothing ever calls back. What takes time gives a Future, to be polled as well.
    """

    def __init__(
        self,
        uri: str,
        api_key: str,
        *,
        pva: PvaPlace | None = None,
        reconstructor: Reconstructor | None = None,
        history_bytes: int = LIMIT_BYTES,
        message_limit_bytes: int = MESSAGE_LIMIT_BYTES,
    ) -> None:
        """Begin to connect; a server that is away shows in `connection()`.

        `pva` names the fast lane, where there is one; `reconstructor` (a ControlClient)
        is asked for slices while there is no volume.
        """
        self.mailbox = Mailbox()
        """Newest picture of each view of the followed result."""
        self.history = History(history_bytes)
        """Past pictures of it."""
        self._intake = Intake(self.mailbox, self.history.keep)
        self._http = TiledHttp(uri, api_key)
        self._reader = TiledReader(self._http)
        self._details = Details(self._reader, reconstructor)
        server = StreamServer(self._http.uri, api_key, message_limit_bytes)
        self._source = TiledSource(server, self._reader, self._intake)
        self._intake.on_choice = self._source.follow
        self._pva = None if pva is None else PvaSource(pva, self._intake)
        if self._pva is not None:
            self._intake.on_view = self._pva.watch
            self._pva.start()
        self._source.start()

    def close(self) -> None:
        """End the threads and close the connections."""
        self._source.close()
        self._details.close()
        if self._pva is not None:
            self._pva.close()
        self._http.close()

    def connection(self) -> Connection:
        """Say how the line is."""
        return self._intake.connection()

    def runs(self, query: Query | None = None) -> tuple[RunEntry, ...]:
        """List the runs asked for, newest first, with their results."""
        return self._intake.catalog.runs(query or Query())

    @property
    def catalog_changes(self) -> int:
        """Grows when `runs` may give something else; cheap to look at."""
        return self._intake.catalog.changes

    def follow(self, result_uid: str | None) -> None:
        """Follow one result from now on, or (None) the newest as they come.

        What cannot be shown is told in `followed().problem`.
        """
        with self._intake.lock:
            self._intake.pinned = result_uid
        self._intake.choose()

    def followed(self) -> Followed:
        """Say which result is shown, and how many newer ones there are."""
        with self._intake.lock:
            showing, pinned = self._intake.showing, self._intake.pinned is not None
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
            behind=self._intake.catalog.newer_than(showing.uid),
            arrays={name: one.shape for name, one in showing.arrays.items()},
            problem=showing.problem,
        )

    @property
    def behind(self) -> int:
        """Results that are newer than the one shown."""
        return self.followed().behind

    def honesty(self) -> Honesty:
        """Say how much is in the pictures, and how good it is."""
        with self._intake.lock:
            showing = self._intake.showing
            return Honesty() if showing is None else showing.honesty()

    def curves(self) -> Curves:
        """Give error, lag, coverage ... by update; the same object if unchanged."""
        with self._intake.lock:
            showing = self._intake.showing
            return Curves() if showing is None else showing.curves()

    def slices(self, z: int, y: int, x: int) -> "Future[dict[str, Picture]]":
        """Ask for the slices through a place, by view.

        Of the finished volume; before that the reconstructor is asked, if it was given.
        """
        return self._details.slices(self.followed(), self._volume(), (z, y, x))

    def sinogram(self, z: int) -> "Future[Picture]":
        """Ask for the sinogram of a detector row, from the stored frames."""
        return self._details.sinogram(self.followed(), z)

    def opposite(self) -> "Future[tuple[Picture, Picture]]":
        """Ask for two stored projections half a turn apart, for an overlay."""
        return self._details.opposite(self.followed())

    def array(self, name: str) -> "Future[NDArray[Any]]":
        """Ask for a final array of the followed result: object, probe ..."""
        return self._details.array(self.followed(), name)

    def start_document(self) -> "Future[Mapping[str, Any]]":
        """Ask for the start document of the run: planned positions, angles."""
        return self._details.start_document(self.followed())

    def _volume(self) -> Array | None:
        with self._intake.lock:
            showing = self._intake.showing
            return None if showing is None else showing.arrays.get(VOLUME)
