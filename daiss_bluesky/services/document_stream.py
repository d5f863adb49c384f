"""Documents in another process: every one, once, in order, from any sequence on."""

import time
from collections import deque
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import zmq

from daiss_bluesky.core.errors import InputError
from daiss_bluesky.services.journal import JournalReader, Record
from daiss_bluesky.services.journal_segments import FIRST_SEQUENCE

POLL_S = 0.5
"""How long an unannounced record may lie in the journal before it is seen."""


def deserialize(data: bytes) -> Any:
    """Decode one message's document, for bluesky's own RemoteDispatcher."""
    return Record.from_bytes(data).doc


class DocumentStream:
    """Iterates over the journal and follows it; 0MQ only makes it fast.

    A message whose turn it is is used as it came; anything else (a gap, a proxy that
    is away, a late start) is read from the journal. Iterate in one thread; `stop` may
    be called from any thread or a signal handler.
    """

    def __init__(
        self,
        journal_dir: Path,
        address: str | None,
        from_sequence: int = FIRST_SEQUENCE,
        poll_s: float = POLL_S,
    ) -> None:
        self.next_sequence = from_sequence
        self._reader = JournalReader(journal_dir)
        self._poll_s = poll_s
        self._stopped = False
        self._context = zmq.Context()
        self._socket = self._context.socket(zmq.SUB)
        self._socket.setsockopt(zmq.LINGER, 0)
        self._socket.setsockopt(zmq.SUBSCRIBE, b"")
        if address is not None:
            self._socket.connect(f"tcp://{address.removeprefix('tcp://')}")

    def __iter__(self) -> Iterator[Record]:
        """Yield records until stopped."""
        while not self._stopped:
            yield from self.read_new(self._poll_s)

    def read_new(self, timeout_s: float) -> Iterator[Record]:
        """Yield what has come, waiting at most this long for the first record."""
        yield from self._from_journal()
        deadline = time.monotonic() + timeout_s
        while not self._stopped and (left := deadline - time.monotonic()) > 0:
            # In short waits, so that stop() needs no socket of its own.
            if self._socket.poll(int(1000 * min(left, 0.1)) or 1):
                yield from self._from_messages()
                return

    def stop(self) -> None:
        """End the iteration soon."""
        self._stopped = True

    def close(self) -> None:
        """Close socket and file."""
        self._stopped = True
        self._socket.close()
        self._context.destroy()
        self._reader.close()

    def _from_journal(self) -> Iterator[Record]:
        for record in self._reader.read(self.next_sequence):
            self.next_sequence = record.sequence + 1
            yield record
            if self._stopped:
                return

    def _from_messages(self) -> Iterator[Record]:
        for record in self._waiting():
            if self._stopped:
                return
            if record is None or record.sequence > self.next_sequence:
                yield from self._from_journal()
            elif record.sequence == self.next_sequence:
                self.next_sequence += 1
                yield record

    def _waiting(self) -> "deque[Record | None]":
        """Take what lies in the socket; None: look into the journal."""
        taken: deque[Record | None] = deque()
        identity = self._reader.identity().encode()
        while self._socket.poll(0):
            prefix, _, rest = self._socket.recv().partition(b" ")
            if prefix != identity:
                continue
            try:
                taken.append(Record.from_bytes(rest.partition(b" ")[2]))
            except InputError:
                taken.append(None)
        return taken
