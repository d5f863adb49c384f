"""The journal: what is appended is read back, through crashes and full disks."""

import errno
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from daiss_bluesky.core.errors import InputError, UnavailableError
from daiss_bluesky.services.journal import (
    JournalReader,
    JournalWriter,
    find_open_runs,
)


def sequences(reader: JournalReader, start: int = 1) -> list[int]:
    return [record.sequence for record in reader.read(start)]


def test_records_come_back_in_order_with_their_arrays(tmp_path: Path) -> None:
    image = np.arange(12, dtype=np.uint16).reshape(3, 4)
    with JournalWriter(tmp_path) as writer:
        assert writer.append("start", {"uid": "a", "n": 1}) == 1
        assert writer.append("event", {"data": {"image": image}}) == 2
    first, second = JournalReader(tmp_path).read()
    assert (first.sequence, first.name, first.doc) == (1, "start", {"uid": "a", "n": 1})
    np.testing.assert_array_equal(second.doc["data"]["image"], image)


def test_segments_rotate_and_any_sequence_is_found(tmp_path: Path) -> None:
    with JournalWriter(tmp_path, segment_bytes=500) as writer:
        for i in range(100):
            writer.append("event", {"i": i, "text": "x" * 40})
    assert len(list(tmp_path.glob("*.journal"))) > 5
    reader = JournalReader(tmp_path)
    assert sequences(reader) == list(range(1, 101))
    assert sequences(reader, 57) == list(range(57, 101))
    assert sequences(reader, 3) == list(range(3, 101))
    assert sequences(reader, 101) == []


def test_a_reader_follows_the_tail_across_segments(tmp_path: Path) -> None:
    reader = JournalReader(tmp_path / "later")
    assert sequences(reader) == []
    with JournalWriter(tmp_path / "later", segment_bytes=300) as writer:
        seen: list[int] = []
        for i in range(30):
            writer.append("event", {"i": i, "text": "x" * 40})
            seen += sequences(reader, len(seen) + 1)
        assert seen == list(range(1, 31))


def test_numbering_goes_on_after_reopening(tmp_path: Path) -> None:
    with JournalWriter(tmp_path) as writer:
        writer.append("event", {})
        identity = writer.identity
    with JournalWriter(tmp_path) as writer:
        assert writer.append("event", {}) == 2
        assert writer.identity == identity == JournalReader(tmp_path).identity()


@pytest.mark.parametrize("torn_bytes", [1, 7, 8, 20])
def test_a_torn_last_record_is_cut(tmp_path: Path, torn_bytes: int) -> None:
    with JournalWriter(tmp_path) as writer:
        writer.append("event", {"i": 0})
        writer.append("event", {"i": 1, "text": "y" * 50})
    (segment,) = tmp_path.glob("*.journal")
    reader = JournalReader(tmp_path)
    first = segment.read_bytes()
    whole = len(first)
    os.truncate(segment, whole - 50 - torn_bytes + 8)
    assert sequences(reader) == [1]
    with JournalWriter(tmp_path) as writer:
        assert writer.append("event", {"i": "new"}) == 2
    assert [r.doc for r in reader.read(2)] == [{"i": "new"}]


def test_damage_before_good_records_is_refused(tmp_path: Path) -> None:
    with JournalWriter(tmp_path) as writer:
        for i in range(3):
            writer.append("event", {"i": i})
    (segment,) = tmp_path.glob("*.journal")
    data = bytearray(segment.read_bytes())
    data[12] ^= 0xFF
    segment.write_bytes(data)
    with pytest.raises(UnavailableError, match="damaged at byte 0"):
        JournalWriter(tmp_path)


@pytest.mark.parametrize("byte", [0, 130])
def test_damage_in_an_old_segment_costs_only_its_rest(
    tmp_path: Path, byte: int, caplog: pytest.LogCaptureFixture
) -> None:
    with JournalWriter(tmp_path, segment_bytes=300) as writer:
        for _ in range(12):
            writer.append("event", {"text": "x" * 60})
    _, second, third, *_ = sorted(tmp_path.glob("*.journal"))
    data = bytearray(second.read_bytes())
    data[byte] ^= 0xFF
    second.write_bytes(data)
    lost = range(int(second.stem) + (byte > 0), int(third.stem))
    left = [n for n in range(1, 13) if n not in lost]
    with JournalReader(tmp_path) as reader:
        assert sequences(reader) == left
        assert sequences(reader, lost[0]) == [n for n in left if n > lost[0]]
    assert f"documents {lost[0]} to {lost[-1]} are lost" in caplog.text


def test_a_second_writer_is_refused_by_name(tmp_path: Path) -> None:
    with (
        JournalWriter(tmp_path),
        pytest.raises(UnavailableError, match=f"process {os.getpid()}"),
    ):
        JournalWriter(tmp_path)
    JournalWriter(tmp_path).close()


def test_a_full_disk_is_one_sentence_and_leaves_nothing_behind(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with JournalWriter(tmp_path) as writer:
        writer.append("event", {"i": 0})
        write = os.write

        def fill_up(fd: int, data: memoryview) -> int:
            if len(data) > 10:
                return write(fd, data[:10])
            raise OSError(errno.ENOSPC, "No space left on device")

        with monkeypatch.context() as patch:
            patch.setattr(os, "write", fill_up)
            # 13 bytes: the first part fits, the rest does not.
            with pytest.raises(UnavailableError, match="the disk is full"):
                writer.append("event", {"text": "z" * 24})
        assert sequences(JournalReader(tmp_path)) == [1]
        assert writer.append("event", {"i": 1}) == 2
    assert [r.doc["i"] for r in JournalReader(tmp_path).read()] == [0, 1]


@pytest.mark.parametrize("bad", [object(), {(1, 2): 3}])
def test_a_document_that_cannot_travel_is_refused(tmp_path: Path, bad: object) -> None:
    with JournalWriter(tmp_path) as writer:
        with pytest.raises(InputError, match="event document cannot be recorded"):
            writer.append("event", {"bad": bad})
        assert writer.append("event", {}) == 1


def test_records_survive_the_death_of_the_writer(tmp_path: Path) -> None:
    code = (
        "import os, signal, sys; from pathlib import Path\n"
        "from daiss_bluesky.services.journal import JournalWriter\n"
        "w = JournalWriter(Path(sys.argv[1]))\n"
        "for i in range(50): w.append('event', {'i': i})\n"
        "os.kill(os.getpid(), signal.SIGKILL)\n"
    )
    subprocess.run([sys.executable, "-c", code, str(tmp_path)], check=False)
    assert sequences(JournalReader(tmp_path)) == list(range(1, 51))
    with JournalWriter(tmp_path) as writer:
        assert writer.append("event", {}) == 51


def test_open_runs_are_those_without_a_stop(tmp_path: Path) -> None:
    with JournalWriter(tmp_path) as writer:
        writer.append("start", {"uid": "a"})
        writer.append("start", {"uid": "b"})
        writer.append("event", {})
        writer.append("stop", {"run_start": "a"})
    assert find_open_runs(JournalReader(tmp_path)) == {"b": 2}
