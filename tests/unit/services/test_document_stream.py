"""Documents across a proxy: once, in order, whoever is late or away."""

import errno
import os
import threading
from pathlib import Path
from threading import Thread
from typing import Any

import numpy as np
import pytest
from bluesky import RunEngine
from bluesky import plan_stubs as bps
from bluesky.plans import count
from bluesky.preprocessors import stage_decorator
from ophyd.sim import SynSignalWithRegistry, det

from daiss_bluesky.core.errors import UnavailableError
from daiss_bluesky.services.document_stream import DocumentStream
from daiss_bluesky.services.epics_environment import LOOPBACK, free_ports
from daiss_bluesky.services.journal import JournalReader, JournalWriter, Record
from daiss_bluesky.services.position import Position
from daiss_bluesky.services.run_documents import RunDocuments
from daiss_callbacks.document_publisher import LARGEST_SENT_BYTES, DocumentPublisher
from tests.conftest import Proxy


def take(stream: DocumentStream, n: int) -> list[Record]:
    found: list[Record] = []
    for record in stream:
        found.append(record)
        if len(found) == n:
            break
    return found


def test_documents_arrive_once_and_in_order(tmp_path: Path, proxy: Proxy) -> None:
    proxy.start()
    stream = DocumentStream(tmp_path, proxy.out_address)
    with DocumentPublisher(tmp_path, proxy.in_address) as publisher:
        for i in range(200):
            publisher("event", {"i": i})
        assert [r.doc["i"] for r in take(stream, 200)] == list(range(200))
        publisher("event", {"i": 200})
        (record,) = take(stream, 1)
    assert (record.sequence, record.doc) == (201, {"i": 200})
    stream.close()


def test_a_proxy_that_is_away_costs_nothing(tmp_path: Path, proxy: Proxy) -> None:
    stream = DocumentStream(tmp_path, proxy.out_address, poll_s=0.05)
    with DocumentPublisher(tmp_path, proxy.in_address) as publisher:
        for i in range(3000):
            publisher("event", {"i": i})
        assert [r.doc["i"] for r in take(stream, 3000)] == list(range(3000))
        proxy.start()
        publisher("event", {"i": 3000})
        proxy.stop()
        publisher("event", {"i": 3001})
        proxy.start()
        publisher("event", {"i": 3002})
        assert [r.sequence for r in take(stream, 3)] == [3001, 3002, 3003]
    stream.close()


def test_large_documents_come_from_the_journal(tmp_path: Path, proxy: Proxy) -> None:
    proxy.start()
    stream = DocumentStream(tmp_path, proxy.out_address)
    image = np.ones(LARGEST_SENT_BYTES, np.uint8)
    with DocumentPublisher(tmp_path, proxy.in_address) as publisher:
        publisher("event", {"data": {"image": image}})
        publisher("stop", {"run_start": "a"})
        event, stop = take(stream, 2)
    np.testing.assert_array_equal(event.doc["data"]["image"], image)
    assert stop.name == "stop"
    stream.close()


def test_a_stream_stops_when_told(tmp_path: Path) -> None:
    stream = DocumentStream(tmp_path, None)
    threading.Timer(0.1, stream.stop).start()
    assert list(stream) == []
    stream.close()


def test_strangers_on_the_proxy_are_not_heard(tmp_path: Path, proxy: Proxy) -> None:
    proxy.start()
    stream = DocumentStream(tmp_path / "a", proxy.out_address)
    with (
        DocumentPublisher(tmp_path / "a", proxy.in_address) as ours,
        DocumentPublisher(tmp_path / "b", proxy.in_address) as theirs,
    ):
        for i in range(50):
            theirs("event", {"i": -1})
            ours("event", {"i": i})
        assert [r.doc["i"] for r in take(stream, 50)] == list(range(50))
    stream.close()


def test_a_run_engine_publishes_and_a_full_disk_ends_its_plan(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    engine = RunEngine({}, context_managers=[])
    with DocumentPublisher(tmp_path, f"{LOOPBACK}:{free_ports(1)[0]}") as publisher:
        engine.subscribe(publisher)
        engine(count([det], 3))
        names = [r.name for r in JournalReader(tmp_path).read()]
        assert names == ["start", "descriptor", "event", "event", "event", "stop"]
        write = publisher._journal.write

        def fail_on_events(name: str, doc: Any) -> Any:
            if name == "event":
                raise UnavailableError("the journal cannot be written: full disk")
            return write(name, doc)

        monkeypatch.setattr(publisher._journal, "write", fail_on_events)
        with pytest.raises(UnavailableError, match="full disk"):
            engine(count([det], 3))
    *_, stop = JournalReader(tmp_path).read()
    assert (stop.name, stop.doc["exit_status"]) == ("stop", "fail")


def test_a_camera_that_stays_staged_is_known_to_each_of_its_runs(
    tmp_path: Path,
) -> None:
    camera = SynSignalWithRegistry(
        func=lambda: np.ones((3, 4)), name="camera", save_path=str(tmp_path)
    )

    @stage_decorator([camera])
    def two_runs() -> Any:
        for _ in range(2):
            yield from bps.open_run()
            yield from bps.trigger_and_read([camera])
            yield from bps.close_run()

    engine = RunEngine({}, context_managers=[])
    with DocumentPublisher(tmp_path, f"{LOOPBACK}:{free_ports(1)[0]}") as publisher:
        engine.subscribe(publisher)
        engine(two_runs())
    documents, runs = RunDocuments(), []
    for record in JournalReader(tmp_path).read():
        run = documents.run_of(record.name, record.doc)
        runs += [run] if record.name in {"resource", "datum"} else []
    assert len(runs) == 4
    assert len(set(runs)) == 2
    assert None not in runs


def test_runs_of_a_dead_run_engine_are_ended(tmp_path: Path) -> None:
    nowhere = f"{LOOPBACK}:{free_ports(1)[0]}"
    with DocumentPublisher(tmp_path, nowhere) as publisher:
        publisher("start", {"uid": "a"})
        publisher("event", {"uid": "e"})
    with DocumentPublisher(tmp_path, nowhere):
        pass
    with DocumentPublisher(tmp_path, nowhere):
        pass
    *_, stop = JournalReader(tmp_path).read()
    assert stop.sequence == 3
    assert stop.doc["run_start"] == "a"
    assert stop.doc["exit_status"] == "abort"


def test_a_stop_that_found_the_disk_full_comes_before_the_next_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(fd: int, data: Any) -> int:
        raise OSError(errno.ENOSPC, "No space left on device")

    nowhere = f"{LOOPBACK}:{free_ports(1)[0]}"
    with DocumentPublisher(tmp_path, nowhere) as publisher:
        publisher("start", {"uid": "a"})
        with monkeypatch.context() as patch:
            patch.setattr(os, "write", full)
            with pytest.raises(UnavailableError, match="the disk is full"):
                publisher("stop", {"uid": "s", "run_start": "a"})
        publisher("start", {"uid": "b"})
        publisher("stop", {"uid": "t", "run_start": "b"})
    found = [(r.name, r.doc["uid"]) for r in JournalReader(tmp_path).read()]
    assert found == [("start", "a"), ("stop", "s"), ("start", "b"), ("stop", "t")]


def test_documents_of_two_threads_are_numbered_one_after_the_other(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write = os.write
    nowhere = f"{LOOPBACK}:{free_ports(1)[0]}"
    with DocumentPublisher(tmp_path, nowhere) as publisher:
        other = Thread(target=publisher, args=("event", {"uid": "monitored"}))

        def let_the_other_in(fd: int, data: Any) -> int:
            monkeypatch.undo()
            other.start()
            other.join(0.1)
            return write(fd, data)

        monkeypatch.setattr(os, "write", let_the_other_in)
        publisher("event", {"uid": "first"})
        other.join()
    found = [(r.sequence, r.doc["uid"]) for r in JournalReader(tmp_path).read()]
    assert found == [(1, "first"), (2, "monitored")]


def test_a_position_is_held_back_by_an_unfinished_run(tmp_path: Path) -> None:
    path = tmp_path / "recorder.json"
    position = Position(path, "journal-a")
    assert position.resume_sequence == 1
    position.began("x", 1)
    position.passed(1)
    position.began("y", 5)
    position.passed(7)
    assert Position(path, "journal-a").resume_sequence == 1
    position.finished("x")
    position.passed(8)
    assert Position(path, "journal-a").resume_sequence == 5
    position.finished("y")
    position.passed(9)
    assert Position(path, "journal-a").resume_sequence == 10
    assert Position(path, "journal-b").resume_sequence == 1


def test_a_position_that_finds_the_disk_full_is_stored_later(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(path: Path, target: Path) -> Path:
        raise OSError(errno.ENOSPC, "No space left on device")

    path = tmp_path / "recorder.json"
    position = Position(path, "journal")
    with monkeypatch.context() as patch:
        patch.setattr(Path, "replace", full)
        position.passed(1)
    assert position.resume_sequence == 2
    assert Position(path, "journal").resume_sequence == 1
    position.passed(1)
    assert Position(path, "journal").resume_sequence == 2


def test_a_journal_that_lost_its_end_is_heard_from_there_on(tmp_path: Path) -> None:
    path = tmp_path / "recorder.json"
    with JournalWriter(tmp_path / "journal") as writer:
        for i in range(9):
            writer.append("event", {"i": i})
    position = Position(path, writer.identity)
    position.passed(9)
    [segment] = (tmp_path / "journal").glob("*.journal")
    os.truncate(segment, segment.stat().st_size // 2)
    with JournalReader(tmp_path / "journal") as reader:
        position = Position(path, reader.identity(), reader.end())
        with JournalWriter(tmp_path / "journal") as writer:
            first = writer.append("start", {"uid": "a"})
        found = [record.doc for record in reader.read(position.resume_sequence)]
    assert (position.resume_sequence, found) == (first, [{"uid": "a"}])
