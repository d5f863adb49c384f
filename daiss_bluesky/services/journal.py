"""The journal: every document on disk before anyone is told of it.

A record is msgpack [sequence, time, name, doc]. It is written into the page cache and
so outlives a process that is killed; the disk itself is waited for at the end of a run.
"""

import contextlib
import errno
import logging
import os
import time
import zlib
from collections.abc import Container, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

import msgpack

from daiss_bluesky.core.errors import InputError, UnavailableError
from daiss_bluesky.core.wire import pack, unpack
from daiss_bluesky.services.journal_segments import (
    FIRST_SEQUENCE,
    HEAD,
    create_segment,
    lock,
    open_last,
    read_or_make_identity,
    read_record,
    segment_holding,
    segment_name,
    segments,
)

logger = logging.getLogger(__name__)

SEGMENT_BYTES = 64 * 2**20


@dataclass(frozen=True, slots=True)
class Record:
    """One document with its place in the journal; sequences have no gaps."""

    sequence: int
    time_s: float
    name: str
    doc: Any

    def to_bytes(self) -> bytes:
        """Encode for the wire and, behind its head, for the disk."""
        return pack([self.sequence, self.time_s, self.name, self.doc])

    @classmethod
    def from_bytes(cls, data: bytes | memoryview) -> Self:
        """Decode what to_bytes made; InputError for anything else."""
        match unpack(data):
            case [int() as sequence, float() as time_s, str() as name, doc]:
                return cls(sequence, time_s, name, doc)
        raise InputError("not a journal record of ours")


class JournalWriter:
    """Appends documents; one writer to a directory at a time."""

    def __init__(self, directory: Path, segment_bytes: int = SEGMENT_BYTES) -> None:
        self._directory = directory
        self._segment_bytes = segment_bytes
        directory.mkdir(parents=True, exist_ok=True)
        self._lock = lock(directory)
        try:
            self.identity = read_or_make_identity(directory)
            self._fd, self._end, self._next = open_last(directory)
            with JournalReader(directory) as reader:
                self.open_runs = find_open_runs(reader, self._oldest())
            """Start sequences of the runs that have no stop document."""
        except BaseException:
            os.close(self._lock)
            raise

    def append(self, name: str, doc: Any) -> int:
        """Write one document and return its sequence."""
        return self.write(name, doc).sequence

    def write(self, name: str, doc: Any) -> "Written":
        """Write one document; gives its encoded form too, to be sent as it is.

        A document that cannot be encoded is an InputError; one that cannot be stored
        an UnavailableError. Either way nothing of it stays in the file.
        """
        try:
            data = Record(self._next, time.time(), name, doc).to_bytes()
        except (TypeError, ValueError, RecursionError) as error:
            raise InputError(f"a {name} document cannot be recorded: {error}") from None
        if self._end + HEAD.size + len(data) > self._segment_bytes and self._end:
            self._rotate()
        self._put(HEAD.pack(len(data), zlib.crc32(data)) + data)
        self._next += 1
        if name == "start":
            self.open_runs[doc["uid"]] = self._next - 1
            self._remember_oldest()
        elif name == "stop":
            os.fsync(self._fd)
            self.open_runs.pop(doc["run_start"], None)
            self._remember_oldest()
        return Written(self._next - 1, data)

    def close(self) -> None:
        """Let another writer have the directory; harmless when repeated."""
        if self._fd >= 0:
            os.close(self._fd)
            os.close(self._lock)
            self._fd = self._lock = -1

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _oldest(self) -> int:
        """Read before which sequence every run was stopped."""
        try:
            return min(int((self._directory / "oldest").read_text()), self._next)
        except (FileNotFoundError, ValueError):
            return FIRST_SEQUENCE

    def _remember_oldest(self) -> None:
        # Saves whoever opens a journal of many runs from reading all of it.
        oldest = min(self.open_runs.values(), default=self._next)
        draft = self._directory / "oldest.new"
        with contextlib.suppress(OSError):
            draft.write_text(str(oldest))
            draft.replace(self._directory / "oldest")

    def _put(self, data: bytes) -> None:
        rest = memoryview(data)
        try:
            while rest:
                # A disk that fills up takes a part first and complains the next time.
                rest = rest[os.write(self._fd, rest) :]
        except OSError as error:
            os.ftruncate(self._fd, self._end)
            os.lseek(self._fd, self._end, os.SEEK_SET)
            why = "the disk is full" if error.errno == errno.ENOSPC else error.strerror
            raise UnavailableError(
                f"the document journal {self._directory} cannot be written: {why}"
            ) from None
        self._end += len(data)

    def _rotate(self) -> None:
        os.fsync(self._fd)
        fd = create_segment(self._directory, self._next)
        os.close(self._fd)
        self._fd, self._end = fd, 0


@dataclass(frozen=True, slots=True)
class Written:
    """What the journal holds now: a record's sequence and its encoded form."""

    sequence: int
    data: bytes


class JournalReader:
    """Reads records in order; keeps its place, so that following is cheap.

    The directory need not exist yet, and may be written meanwhile.
    """

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self._fd = -1
        self._offset = 0
        self._next = 0

    def read(
        self,
        from_sequence: int = FIRST_SEQUENCE,
        names: Container[str] | None = None,
    ) -> Iterator[Record]:
        """Yield the records there are now; call again for those that come later.

        With `names`, only documents of these; the others are not even decoded.
        """
        if self._seek(from_sequence):
            for data in self._payloads():
                if names is None or _peek_name(data) in names:
                    yield Record.from_bytes(data)

    def end(self) -> int:
        """Tell which sequence the next record will have."""
        newest = segments(self._directory)[-1:]
        if not newest:
            return FIRST_SEQUENCE
        self._enter(newest[0])
        for _ in self._payloads():
            pass
        return self._next

    def identity(self) -> str:
        """Tell which journal this is; whoever comes first gives it its name."""
        return read_or_make_identity(self._directory)

    def close(self) -> None:
        """Close the segment."""
        if self._fd >= 0:
            os.close(self._fd)
            self._fd = -1

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _seek(self, sequence: int) -> bool:
        if self._fd < 0 or sequence < self._next or self._in_later_segment(sequence):
            first = segment_holding(self._directory, sequence)
            if first is None:
                return False
            self._enter(first)
        if self._next < sequence:
            for _ in self._payloads(stop=sequence):
                pass
        return self._next >= sequence

    def _in_later_segment(self, sequence: int) -> bool:
        # Only a far jump is worth a listing of the directory.
        return sequence > self._next + 1000

    def _enter(self, first: int) -> None:
        self.close()
        self._fd = os.open(self._directory / segment_name(first), os.O_RDONLY)
        self._offset, self._next = 0, first

    def _payloads(self, stop: int | None = None) -> Iterator[bytes]:
        while stop is None or self._next < stop:
            data = read_record(self._fd, self._offset)
            if data is None:
                following = self._following()
                if following is None:
                    return
                self._enter(following)
                continue
            self._offset += HEAD.size + len(data)
            self._next += 1
            yield data

    def _following(self) -> int | None:
        """Tell which segment goes on where no whole record is; None for none yet."""
        if self._offset and (self._directory / segment_name(self._next)).exists():
            return self._next
        if os.fstat(self._fd).st_size == self._offset:
            return None
        later = [first for first in segments(self._directory) if first > self._next]
        # What has a segment after it does not grow; it may have just now.
        if not later or read_record(self._fd, self._offset) is not None:
            return None
        logger.error(
            "the document journal %s is damaged: documents %d to %d are lost",
            self._directory,
            self._next,
            later[0] - 1,
        )
        return later[0]


def find_open_runs(
    reader: JournalReader, from_sequence: int = FIRST_SEQUENCE
) -> dict[str, int]:
    """Give the uid and start sequence of every run that has not been stopped."""
    runs: dict[str, int] = {}
    for record in reader.read(from_sequence, names=("start", "stop")):
        if record.name == "start":
            runs[record.doc["uid"]] = record.sequence
        else:
            runs.pop(record.doc["run_start"], None)
    return runs


def _peek_name(data: bytes) -> str:
    unpacker = msgpack.Unpacker()
    unpacker.feed(data[:64])
    unpacker.read_array_header()
    unpacker.skip()
    unpacker.skip()
    return str(unpacker.unpack())
