"""Segments of a journal: files of records, each with its length and checksum.

A segment is named by the sequence of its first record. A record is its length and
CRC-32 (little-endian, 4 bytes each), then its data.
"""

import contextlib
import fcntl
import os
import struct
import zlib
from pathlib import Path
from uuid import uuid4

from daiss_bluesky.core.errors import UnavailableError

FIRST_SEQUENCE = 1
HEAD = struct.Struct("<II")
_SUFFIX = ".journal"


def segment_name(first: int) -> str:
    """Give the name of the segment that begins with a sequence."""
    return f"{first:016d}{_SUFFIX}"


def segments(directory: Path) -> list[int]:
    """List the first sequences of the segments there are."""
    if not directory.is_dir():
        return []
    return sorted(int(path.stem) for path in directory.glob(f"*{_SUFFIX}"))


def segment_holding(directory: Path, sequence: int) -> int | None:
    """Tell which segment a sequence lies in, by its first one."""
    before = [first for first in segments(directory) if first <= sequence]
    return before[-1] if before else None


def read_record(fd: int, offset: int) -> bytes | None:
    """Give the record at an offset; None where there is no whole one."""
    chunk = os.pread(fd, 4096, offset)
    if len(chunk) < HEAD.size:
        return None
    length, crc = HEAD.unpack_from(chunk)
    end = HEAD.size + length
    if end > len(chunk):
        chunk = os.pread(fd, end, offset)
    data = chunk[HEAD.size : end]
    if length == 0 or len(data) < length or zlib.crc32(data) != crc:
        return None
    return data


def lock(directory: Path) -> int:
    """Take the directory for this process; the file descriptor holds it."""
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


def open_last(directory: Path) -> tuple[int, int, int]:
    """Open the newest segment behind its last whole record; cut a torn one."""
    found = segments(directory)
    if not found:
        return create_segment(directory, FIRST_SEQUENCE), 0, FIRST_SEQUENCE
    path = directory / segment_name(found[-1])
    fd = os.open(path, os.O_RDWR)
    end, following = 0, found[-1]
    while (data := read_record(fd, end)) is not None:
        end += HEAD.size + len(data)
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
    head = os.pread(fd, HEAD.size, end)
    if len(head) < HEAD.size:
        return
    length, _ = HEAD.unpack(head)
    if length and HEAD.size + length < rest:
        raise UnavailableError(
            f"the document journal is damaged at byte {end} of {path};"
            " move the journal's directory aside to begin a new one"
        )


def create_segment(directory: Path, first: int) -> int:
    """Begin a segment; gives its file descriptor."""
    path = directory / segment_name(first)
    try:
        return os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o644)
    except OSError as error:
        raise UnavailableError(
            f"the document journal {path} cannot be made: {error.strerror}"
        ) from None


def read_or_make_identity(directory: Path) -> str:
    """Give the journal its name; whoever comes first chooses it."""
    path = directory / "identity"
    if not path.exists():
        directory.mkdir(parents=True, exist_ok=True)
        draft = directory / f"identity.{os.getpid()}"
        draft.write_text(uuid4().hex[:16])
        # Unlike a rename, a link leaves what another process made meanwhile.
        with contextlib.suppress(FileExistsError):
            os.link(draft, path)
        draft.unlink()
    return path.read_text()
