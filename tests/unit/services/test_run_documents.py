"""Documents find their run, and those of unknown runs find none."""

from typing import Any

from daiss_bluesky.services.run_documents import RunDocuments

DOCUMENTS: list[tuple[str, dict[str, Any]]] = [
    ("start", {"uid": "a"}),
    ("descriptor", {"uid": "da", "run_start": "a"}),
    ("start", {"uid": "b"}),
    ("descriptor", {"uid": "db", "run_start": "b"}),
    ("event", {"uid": "e1", "descriptor": "da"}),
    ("stream_resource", {"uid": "s", "run_start": "b"}),
    ("stream_datum", {"uid": "s/0", "stream_resource": "s", "descriptor": "db"}),
    ("resource", {"uid": "r", "run_start": "a"}),
    ("datum", {"datum_id": "r/0", "resource": "r"}),
    ("event_page", {"uid": ["e2"], "descriptor": "db"}),
    ("resource", {"uid": "old"}),
    ("datum_page", {"datum_id": ["old/0"], "resource": "old"}),
    ("stop", {"uid": "x", "run_start": "b"}),
    ("event", {"uid": "e3", "descriptor": "da"}),
    ("stop", {"uid": "y", "run_start": "a"}),
]
RUNS = ["a", "a", "b", "b", "a", "b", "b", "a", "a", "b", "b", "b", "b", "a", "a"]


def test_interleaved_runs_are_told_apart() -> None:
    documents = RunDocuments()
    assert [documents.run_of(name, doc) for name, doc in DOCUMENTS] == RUNS
    assert documents.run_of("event", {"uid": "late", "descriptor": "da"}) is None


def test_runs_begun_before_are_nobodys() -> None:
    documents = RunDocuments()
    found = [documents.run_of(name, doc) for name, doc in DOCUMENTS[1:]]
    assert found == [None if run == "a" else run for run in RUNS[1:]]
