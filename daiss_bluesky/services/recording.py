"""Writing runs into Tiled for as long as one connection lasts."""

import logging
import time
from collections import Counter
from collections.abc import Callable, Iterable
from typing import Any

import httpx
from tiled.client import from_uri

from daiss_bluesky.core.errors import InputError, UnavailableError
from daiss_bluesky.core.results import RAW_PATH
from daiss_bluesky.publishers.tiled_http import UNAUTHORIZED, TiledHttp
from daiss_bluesky.services.journal import Record
from daiss_bluesky.services.position import Position
from daiss_bluesky.services.run_documents import RunDocuments
from daiss_bluesky.services.tiled_run_writer import TiledRunWriter

logger = logging.getLogger(__name__)

MAX_TRIES = 3
"""How often a run is begun again that the server itself failed on."""


class Recording:
    """Takes records from the position on; UnavailableError when Tiled goes away.

    Then make a new one: it removes what was written of unfinished runs and writes
    them again. A run that cannot be written for a reason of its own is left as it is,
    with a line in the log, and does not keep the others.
    """

    def __init__(
        self, http: TiledHttp, api_key: str, position: Position, tries: Counter[str]
    ) -> None:
        """Connect; `tries` counts failures of runs and outlives a connection."""
        self._http = http
        self._position = position
        self._tries = tries
        self._documents = RunDocuments()
        self._writers: dict[str, TiledRunWriter] = {}
        uri = f"{http.uri}/api/v1/metadata/{RAW_PATH}"
        try:
            self._client = from_uri(uri, api_key=api_key)
        except httpx.HTTPError as error:
            raise UnavailableError(f"Tiled does not answer ({error})") from None

    def close(self) -> None:
        """Close the connection."""
        self._client.context.http_client.close()

    def take(self, records: Iterable[Record], flush_s: float) -> None:
        """Write what has come, at least so often; all is visible on return."""
        newest: int | None = None
        due_s = time.monotonic() + flush_s
        for record in records:
            self._take_one(record)
            newest = record.sequence
            if time.monotonic() > due_s:
                self._flush()
                due_s = time.monotonic() + flush_s
        self._flush()
        if newest is not None:
            self._position.passed(newest)

    def _take_one(self, record: Record) -> None:
        try:
            run = self._documents.run_of(record.name, record.doc)
        except (KeyError, TypeError) as error:
            logger.error("a %s document names no run: %r", record.name, error)
            return
        if run is None:
            return
        if record.name == "start":
            self._position.began(run, record.sequence)
            if self._is_complete(run):
                self._position.finished(run)
                return
            self._writers[run] = TiledRunWriter(self._client)
        writer = self._writers.get(run)
        if (
            writer is not None
            and self._succeeds(run, lambda: writer(record.name, record.doc))
            and record.name == "stop"
        ):
            self._end(run)

    def _flush(self) -> None:
        for run, writer in list(self._writers.items()):
            self._succeeds(run, writer.flush)

    def _end(self, run: str) -> None:
        del self._writers[run]
        self._tries.pop(run, None)
        self._position.finished(run)

    def _is_complete(self, run: str) -> bool:
        """Tell whether a run is in Tiled to its end; removes one that is not."""
        path = f"{RAW_PATH}/{run}"
        found = self._http.get(path)
        if found is None:
            return False
        if "stop" in found["metadata"]:
            return True
        self._http.delete(path)
        return False

    def _succeeds(self, run: str, write: Callable[[], None]) -> bool:
        try:
            write()
        except httpx.TransportError as error:
            raise UnavailableError(
                f"Tiled does not answer ({type(error).__name__})"
            ) from None
        except httpx.HTTPStatusError as error:
            self._judge(run, error)
        except Exception:  # one bad run must not end the others
            logger.exception("run %s cannot be recorded further", run)
            self._end(run)
        else:
            return True
        return False

    def _judge(self, run: str, error: httpx.HTTPStatusError) -> None:
        if error.response.status_code in UNAUTHORIZED:
            raise InputError("Tiled refuses the API key") from None
        self._tries[run] += 1
        if self._tries[run] < MAX_TRIES:
            # Perhaps a server on its way down, or one that lost the run's beginning.
            raise UnavailableError(f"Tiled failed on run {run}: {error}") from None
        self._refuse(run, error)

    def _refuse(self, run: str, error: Any) -> None:
        logger.error("run %s cannot be recorded further: %s", run, error)
        self._end(run)
