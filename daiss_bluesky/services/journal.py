"""The journal: every document on disk before anyone is told of it.

One directory of segments, each named by the sequence of its first record. A record is
its length and CRC-32 (little-endian, 4 bytes each), then msgpack [sequence, time, name,
doc]. Written with one write call into the page cache, so that it outlives a process
that is killed; flushed to the disk itself at the end of each run.
"""

import errno
import fcntl
import os
import struct
import time
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, Self
from uuid import uuid4

from daiss_bluesky.core.errors import InputError, UnavailableError
from daiss_bluesky.core.wire import pack, unpack

FIRST_SEQUENCE = 1
SEGMENT_BYTES = 64 * 2**20
_HEAD = struct.Struct("<II")
_SUFFIX = ".journal"


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
        self._lock = _lock(directory)
        try:
            self.identity = _make_identity(directory)
            self._fd, self._end, self._next = _open_last(directory)
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
        except TypeError as error:
            raise InputError(f"a {name} document cannot be recorded: {error}") from None
        if self._end + _HEAD.size + len(data) > self._segment_bytes and self._end:
            self._rotate()
        self._put(_HEAD.pack(len(data), zlib.crc32(data)) + data)
        if name == "stop":
            os.fsync(self._fd)
        self._next += 1
        return Written(self._next - 1, data)

    def close(self) -> None:
        """Let another writer have the directory; harmless when repeated."""
        if self._fd >= 0:
            os.close(self._fd)
            os.close(self._lock)
            self._fd = self._lock = -1

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

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
        fd = _create_segment(self._directory, self._next)
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

    def read(self, from_sequence: int = FIRST_SEQUENCE) -> Iterator[Record]:
        """Yield the records there are now; call again for those that come later."""
        if self._seek(from_sequence):
            for data in self._payloads():
                yield Record.from_bytes(data)

    def identity(self) -> str | None:
        """Tell which journal this is; None before it exists."""
        return _read_identity(self._directory)

    def close(self) -> None:
        """Close the segment."""
        if self._fd >= 0:
            os.close(self._fd)
            self._fd = -1

    def _seek(self, sequence: int) -> bool:
        if self._fd < 0 or sequence < self._next or self._in_later_segment(sequence):
            first = _segment_holding(self._directory, sequence)
            if first is None:
                return False
            self._enter(first)
        if self._next < sequence:
            for _ in self._payloads(stop=sequence):
                pass
        return self._next == sequence

    def _in_later_segment(self, sequence: int) -> bool:
        # Only a far jump is worth a listing of the directory.
        return sequence > self._next + 1000

    def _enter(self, first: int) -> None:
        self.close()
        self._fd = os.open(self._directory / _segment_name(first), os.O_RDONLY)
        self._offset, self._next = 0, first

    def _payloads(self, stop: int | None = None) -> Iterator[bytes]:
        while stop is None or self._next < stop:
            data = _read_record(self._fd, self._offset)
            if data is None:
                following = self._directory / _segment_name(self._next)
                if self._offset == 0 or not following.exists():
                    return
                self._enter(self._next)
                continue
            self._offset += _HEAD.size + len(data)
            self._next += 1
            yield data


def find_open_runs(reader: JournalReader) -> dict[str, int]:
    """Give the uid and start sequence of every run that has not been stopped."""
    runs: dict[str, int] = {}
    for record in reader.read():
        if record.name == "start":
            runs[record.doc["uid"]] = record.sequence
        elif record.name == "stop":
            runs.pop(record.doc["run_start"], None)
    return runs


def _segment_name(first: int) -> str:
    return f"{first:016d}{_SUFFIX}"


def _segments(directory: Path) -> list[int]:
    if not directory.is_dir():
        return []
    return sorted(int(path.stem) for path in directory.glob(f"*{_SUFFIX}"))


def _segment_holding(directory: Path, sequence: int) -> int | None:
    before = [first for first in _segments(directory) if first <= sequence]
    return before[-1] if before else None


def _read_record(fd: int, offset: int) -> bytes | None:
    """Give the record at an offset; None where there is no whole one."""
    chunk = os.pread(fd, 4096, offset)
    if len(chunk) < _HEAD.size:
        return None
    length, crc = _HEAD.unpack_from(chunk)
    end = _HEAD.size + length
    if end > len(chunk):
        chunk = os.pread(fd, end, offset)
    data = chunk[_HEAD.size : end]
    if length == 0 or len(data) < length or zlib.crc32(data) != crc:
        return None
    return data


def _lock(directory: Path) -> int:
    fd = os.open(directory / "lock", os.O_RDWR | os.O_CREAT, 0o644)
    try:
        fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        pid = os.read(fd, 32).decode() or "unknown"
        os.close(fd)
        raise UnavailableError(
            f"the document journal {directory} is being written by process {pid}"
        ) from None
    os.ftruncate(fd, 0)
    os.write(fd, str(os.getpid()).encode())
    return fd


def _open_last(directory: Path) -> tuple[int, int, int]:
    """Open the newest segment behind its last whole record; cut a torn one."""
    segments = _segments(directory)
    if not segments:
        return _create_segment(directory, FIRST_SEQUENCE), 0, FIRST_SEQUENCE
    path = directory / _segment_name(segments[-1])
    fd = os.open(path, os.O_RDWR)
    end, following = 0, segments[-1]
    while (data := _read_record(fd, end)) is not None:
        end += _HEAD.size + len(data)
        following += 1
    try:
        _refuse_damage(fd, end, path)
    except UnavailableError:
        os.close(fd)
        raise
    os.ftruncate(fd, end)
    os.lseek(fd, end, os.SEEK_SET)
    return fd, end, following


def _refuse_damage(fd: int, end: int, path: Path) -> None:
    """Tell a torn last record, which is cut, from damage before good ones."""
    rest = os.fstat(fd).st_size - end
    head = os.pread(fd, _HEAD.size, end)
    if len(head) < _HEAD.size:
        return
    length, _ = _HEAD.unpack(head)
    if length and _HEAD.size + length < rest:
        raise UnavailableError(
            f"the document journal is damaged at byte {end} of {path};"
            " move the journal's directory aside to begin a new one"
        )


def _create_segment(directory: Path, first: int) -> int:
    path = directory / _segment_name(first)
    try:
        return os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o644)
    except OSError as error:
        raise UnavailableError(
            f"the document journal {path} cannot be made: {error.strerror}"
        ) from None


def _make_identity(directory: Path) -> str:
    found = _read_identity(directory)
    if found is None:
        found = uuid4().hex[:16]
        draft = directory / "identity.new"
        draft.write_text(found)
        draft.replace(directory / "identity")
    return found


def _read_identity(directory: Path) -> str | None:
    try:
        return (directory / "identity").read_text()
    except FileNotFoundError:
        return None
