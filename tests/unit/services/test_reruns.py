"""Runs are reconstructed once more from the journal, one at a time, scans first."""

import json
import threading
from collections.abc import Callable, Mapping
from concurrent.futures import Future
from pathlib import Path
from typing import Any

import pytest

from daiss_bluesky.core.errors import InputError
from daiss_bluesky.core.pipeline import Pipeline
from daiss_bluesky.core.reconstruction import Reread
from daiss_bluesky.core.results import result_uid
from daiss_bluesky.services.journal import JournalWriter
from daiss_bluesky.services.live_runs import changed, run_meant
from daiss_bluesky.services.reruns import RerunRequest, Reruns
from daiss_bluesky.services.run_wishes import RunWishes
from tests.conftest import wait_until


class Run:
    """Notes its documents; done when the test says so."""

    wishes = RunWishes()

    def __init__(self, start: Mapping[str, Any], request: RerunRequest) -> None:
        self.request = request
        self.taken: list[str] = []
        self.is_done, self.stopped = threading.Event(), threading.Event()

    def __call__(self, name: str, doc: Mapping[str, Any]) -> None:
        self.taken.append(f"{name} {doc.get('uid')}")

    def ask(self, question: Callable[[Any], Any]) -> "Future[Any]":
        raise NotImplementedError

    def ask_reading(self, question: Callable[[Any, Reread], Any]) -> "Future[Any]":
        raise NotImplementedError

    def abort(self, message: str) -> None:
        self.is_done.set()

    def done(self) -> bool:
        return self.is_done.is_set()

    def stop(self) -> None:
        self.stopped.set()


class Beamline:
    """A journal with a finished run `a`, a run `b` beside it, and `c` that goes on."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.made: list[Run] = []
        self.settled: list[str] = []
        with JournalWriter(root / "journal") as journal:
            for name, doc in DOCUMENTS:
                journal.append(name, doc)

    def make(self, start: Mapping[str, Any], request: RerunRequest) -> Run:
        assert start["uid"] == request.of
        if request.parameters.get("bad"):
            raise InputError("cannot be made")
        if request.parameters.get("worse"):
            raise ZeroDivisionError
        self.made.append(Run(start, request))
        return self.made[-1]

    def reruns(self) -> Reruns:
        root = self.root
        return Reruns(root / "reruns", root / "journal", self.make, self.settled.append)

    def waiting(self) -> list[Path]:
        return list((self.root / "reruns").glob("*.json"))


DOCUMENTS: list[tuple[str, dict[str, Any]]] = [
    ("start", {"uid": "a"}),
    ("descriptor", {"uid": "da", "run_start": "a"}),
    ("start", {"uid": "b"}),
    ("descriptor", {"uid": "db", "run_start": "b"}),
    ("event", {"uid": "ea", "descriptor": "da"}),
    ("event", {"uid": "eb", "descriptor": "db"}),
    ("stop", {"uid": "sa", "run_start": "a"}),
    ("stop", {"uid": "sb", "run_start": "b"}),
    ("start", {"uid": "c"}),
]
OF_A = ["start a", "descriptor da", "event ea", "stop sa"]


@pytest.fixture
def beamline(tmp_path: Path) -> Beamline:
    return Beamline(tmp_path)


def test_a_run_comes_again_with_its_documents_only(beamline: Beamline) -> None:
    reruns = beamline.reruns()
    uid = reruns.request("a", {"filter": "hann"}, "jane")
    reruns.step(busy=True)
    assert beamline.made == []
    reruns.step(busy=False)
    [run] = beamline.made
    wait_until(lambda: len(run.taken) == 4, "the documents")
    assert run.taken == OF_A
    assert run.request.facts["parameters"] == {"filter": "hann"}
    assert (run.request.by, run.request.result_uid) == ("jane", uid)
    run.is_done.set()
    reruns.step(busy=False)
    assert beamline.settled == [uid]
    assert beamline.waiting() == []
    assert reruns.active is None


def test_one_gives_way_to_a_scan_and_begins_again(beamline: Beamline) -> None:
    reruns = beamline.reruns()
    uids = [reruns.request(run, {}, "jane") for run in ("a", "b")]
    reruns.step(busy=False)
    reruns.step(busy=True)
    [first] = beamline.made
    assert first.stopped.wait(30)

    def has_given_way() -> bool:
        reruns.step(busy=True)
        return reruns.active is None

    wait_until(has_given_way, "the way")
    assert len(beamline.waiting()) == 2
    for _ in uids:
        reruns.step(busy=False)
        beamline.made[-1].is_done.set()
        reruns.step(busy=False)
    assert beamline.settled == uids
    assert [run.request.of for run in beamline.made] == ["a", "a", "b"]


def test_what_was_asked_for_outlives_the_process(beamline: Beamline) -> None:
    first = beamline.reruns()
    first.request("b", {}, "jane")
    first.step(busy=False)
    first.stop()
    assert beamline.made[0].stopped.is_set()
    beamline.reruns().step(busy=False)
    assert [run.request.of for run in beamline.made] == ["b", "b"]


def test_what_cannot_be_made_does_not_hold_up_the_next(
    beamline: Beamline, caplog: pytest.LogCaptureFixture
) -> None:
    reruns = beamline.reruns()
    reruns.request("a", {"bad": True}, "jane")
    reruns.request("a", {"worse": True}, "jane")
    # As one that is forgotten while the others are listed.
    (beamline.root / "reruns" / "gone.json").symlink_to("nowhere")
    (beamline.root / "reruns" / "x.json").write_text(json.dumps({"of": 3}))
    reruns.request("b", {}, "jane")
    reruns.step(busy=False)
    assert [run.request.of for run in beamline.made] == ["b"]
    assert len(beamline.waiting()) == 1
    assert "cannot be made" in caplog.text


def test_one_that_waits_can_be_forgotten(beamline: Beamline) -> None:
    reruns = beamline.reruns()
    first, second = (reruns.request(run, {}, "jane") for run in ("a", "b"))
    reruns.step(busy=False)
    assert not reruns.cancel(first)
    assert not reruns.cancel("../reruns/x")
    assert reruns.cancel(second)
    beamline.made[0].is_done.set()
    for _ in range(3):
        reruns.step(busy=False)
    assert [run.request.result_uid for run in beamline.made] == [first]


@pytest.mark.parametrize(
    ("uid", "said"), [("x", "holds no run 'x'"), ("c", "the scan of run c goes on")]
)
def test_a_run_that_is_not_there_to_its_end_is_refused(
    beamline: Beamline, uid: str, said: str
) -> None:
    with pytest.raises(InputError, match=said):
        beamline.reruns().request(uid, {}, "jane")
    assert not (beamline.root / "reruns").exists()


def test_another_algorithm_begins_with_parameters_of_its_own() -> None:
    pipeline = Pipeline(parameters={"filter": "hann"}, publishers=["tiled", "pva"])
    same = changed(pipeline, {"center_px": 3.0})
    assert same.parameters == {"filter": "hann", "center_px": 3.0}
    assert same.publishers == ["tiled"]
    other = changed(pipeline, {"algorithm": "sirt", "iterations": 5})
    assert (other.algorithm, other.parameters) == ("sirt", {"iterations": 5})
    with pytest.raises(InputError, match="algorithm is a name"):
        changed(pipeline, {"algorithm": 3})


@pytest.mark.parametrize("of", ["run2", "12", result_uid("run2", "digest")])
def test_a_run_is_found_by_any_of_its_names(of: str) -> None:
    starts = [{"uid": f"run{n}", "scan_id": 10 + n} for n in (1, 2, 3)]
    assert run_meant(of, starts, ["digest"]) == "run2"
    with pytest.raises(InputError, match="no run and no result '7'"):
        run_meant("7", starts, ["digest"])
