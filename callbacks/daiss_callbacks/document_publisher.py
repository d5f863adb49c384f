"""What the RunEngine's own process does with a document: store it, ring the bell."""

import time
from pathlib import Path
from types import TracebackType
from typing import Any, Self
from uuid import uuid4

import zmq
from bluesky.callbacks.zmq import Publisher

from daiss_bluesky.services.journal import JournalWriter

LARGEST_SENT_BYTES = 64 * 1024
"""A larger document is announced without its content, which the journal holds: 0MQ
keeps up to a thousand messages in the RunEngine's memory while a proxy is away."""


class DocumentPublisher:
    """Callback that appends to the journal, then publishes through a 0MQ proxy.

    Raises UnavailableError, and so stops the plan, when the journal cannot be written.
    An absent proxy is not noticed: consumers read the journal.
    """

    def __init__(self, journal_dir: Path, proxy_address: str) -> None:
        self._journal = JournalWriter(journal_dir)
        self._bell = _Bell(proxy_address, self._journal.identity)
        for run_uid in list(self._journal.open_runs):
            self("stop", _abandoned(run_uid))

    def __call__(self, name: str, doc: dict[str, Any]) -> None:
        """Take one document from the RunEngine."""
        written = self._journal.write(str(name), doc)
        small = len(written.data) <= LARGEST_SENT_BYTES
        self._bell(str(name), written.data if small else b"")

    def close(self) -> None:
        """Close journal and socket."""
        self._bell.close()
        self._journal.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
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
