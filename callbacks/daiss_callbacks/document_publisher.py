"""What the RunEngine's own process does with a document: store it, ring the bell."""

import threading
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Self
from uuid import uuid4

import zmq
from bluesky.callbacks.zmq import Publisher

from daiss_bluesky.core.errors import UnavailableError
from daiss_bluesky.services.journal import JournalWriter
from daiss_callbacks.shared_resources import SharedResources

LARGEST_SENT_BYTES = 64 * 1024
"""A larger document is announced without its content, which the journal holds: 0MQ
keeps up to a thousand messages in the RunEngine's memory while a proxy is away."""


class DocumentPublisher:
    """Callback that appends to the journal, then publishes through a 0MQ proxy.

    Raises UnavailableError, and so stops the plan, when the journal cannot be written.
    An absent proxy is not noticed: consumers read the journal. May be called from any
    thread: what is monitored comes from the threads of its control system.
    """

    def __init__(self, journal_dir: Path, proxy_address: str) -> None:
        self._lock = threading.Lock()
        self._resources = SharedResources()
        self._journal = JournalWriter(journal_dir)
        self._bell = _Bell(proxy_address, self._journal.identity)
        self._owed = {uid: _abandoned(uid) for uid in self._journal.open_runs}
        """Stop documents that are still to be written, by run: without its stop a run
        would never end for those who follow, and would keep all later ones waiting."""
        try:
            self._write_owed()
        except BaseException:
            self.close()
            raise

    def __call__(self, name: str, doc: dict[str, Any]) -> None:
        """Take one document from the RunEngine."""
        with self._lock:
            try:
                self._write_owed()
                if resource := self._resources.missing(str(name), doc):
                    self._write("resource", resource)
                self._write(str(name), doc)
            except UnavailableError:
                if name == "stop":
                    self._owed[doc["run_start"]] = doc
                raise

    def _write_owed(self) -> None:
        for run_uid, stop in list(self._owed.items()):
            self._write("stop", stop)
            del self._owed[run_uid]

    def _write(self, name: str, doc: Mapping[str, Any]) -> None:
        written = self._journal.write(name, doc)
        self._resources.note(name, doc)
        small = len(written.data) <= LARGEST_SENT_BYTES
        self._bell(name, written.data if small else b"")

    def close(self) -> None:
        """Close journal and socket."""
        self._bell.close()
        self._journal.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def _abandoned(run_uid: str) -> dict[str, Any]:
    """Make the stop document of a run whose process is gone.

    There is one writer to a journal at a time, so nobody else will write it.
    """
    return {
        "uid": str(uuid4()),
        "time": time.time(),
        "run_start": run_uid,
        "exit_status": "abort",
        "reason": "the RunEngine's process ended in mid-run",
        "num_events": {},
    }


class _Bell(Publisher):
    """bluesky's publisher for records that are encoded already."""

    def __init__(self, address: str, identity: str) -> None:
        super().__init__(address, prefix=identity.encode(), serializer=bytes)
        # Without it an absent proxy would hold the process at its end for ever.
        self._socket.setsockopt(zmq.LINGER, 0)
