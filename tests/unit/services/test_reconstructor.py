"""Documents reach the callback of their run, whatever other runs bring."""

import json
import subprocess
import sys
from collections.abc import Callable, Mapping
from concurrent.futures import Future
from pathlib import Path
from typing import Any

import pytest

from daiss_bluesky.core.errors import InputError, UnavailableError
from daiss_bluesky.core.reconstruction import Reconstruction, Reread
from daiss_bluesky.core.registry import load
from daiss_bluesky.services import reconstructor
from daiss_bluesky.services.control import ControlServer
from daiss_bluesky.services.control_client import ControlClient
from daiss_bluesky.services.journal import Record
from daiss_bluesky.services.position import Position
from daiss_bluesky.services.reconstructor import Reconstructor
from daiss_bluesky.services.run_wishes import RunWishes
from tests.unit.services.running_scan import fresh_address

Documents = list[tuple[str, dict[str, Any]]]


class Callback:
    """Notes what it is given; documents marked as bad it cannot take."""

    result_uid = "result"
    wishes = RunWishes()

    def __init__(self) -> None:
        self.taken: list[str] = []
        self.stopped = False

    def __call__(self, name: str, doc: Mapping[str, Any]) -> None:
        if doc.get("bad"):
            raise KeyError("exit_status")
        self.taken.append(name)

    def ask(self, question: Callable[[Reconstruction], Any]) -> "Future[Any]":
        future: Future[Any] = Future()
        future.set_exception(UnavailableError("no frame has come yet"))
        return future

    def ask_reading(self, question: Callable[[Any, Reread], Any]) -> "Future[Any]":
        return self.ask(lambda one: question(one, lambda keys: iter(())))

    def abort(self, message: str) -> None:
        self.taken.append("stop")

    def done(self) -> bool:
        return "stop" in self.taken

    def stop(self) -> None:
        self.stopped = True


class Service:
    """A reconstructor with callbacks to look at; its journal begins at 100."""

    def __init__(self, path: Path) -> None:
        self.position = Position(path, "journal")
        self.callbacks: dict[str, Callback] = {}
        self.reconstructor = Reconstructor(self.position, self._make)
        self._sequence = 100

    def _make(self, start: Mapping[str, Any]) -> Callback | None:
        if start.get("plan") == "refused":
            raise InputError("the record is wrong")
        if start.get("plan") == "broken":
            raise TypeError("not what it seems")
        if start.get("plan") == "other":
            return None
        return self.callbacks.setdefault(start["uid"], Callback())

    def receive(self, documents: Documents) -> None:
        for name, doc in documents:
            self.reconstructor.receive([Record(self._sequence, 0.0, name, doc)])
            self._sequence += 1


def run(uid: str, **event: Any) -> Documents:
    return [
        ("start", {"uid": uid}),
        ("descriptor", {"uid": f"d{uid}", "run_start": uid}),
        ("event", {"uid": f"e{uid}", "descriptor": f"d{uid}", **event}),
        ("stop", {"uid": f"s{uid}", "run_start": uid}),
    ]


@pytest.fixture
def service(tmp_path: Path) -> Service:
    return Service(tmp_path / "position")


def test_documents_of_runs_begun_before_are_skipped(service: Service) -> None:
    late: Documents = [
        ("datum", {"datum_id": "r/0", "resource": "r"}),
        ("stream_datum", {"uid": "x", "stream_resource": "y", "descriptor": "z"}),
        ("event_page", {"uid": ["e"], "descriptor": "dlost"}),
    ]
    service.receive([*run("lost")[1:], *late, *run("a")])
    assert service.callbacks.keys() == {"a"}
    assert service.callbacks["a"].taken == ["start", "descriptor", "event", "stop"]
    assert service.position.resume_sequence == 110


def test_interleaved_runs_hold_the_position_at_the_older(service: Service) -> None:
    a, b = run("a"), run("b")
    service.receive([a[0], b[0], a[1], b[1], b[2], b[3], a[2]])
    assert service.callbacks["b"].done()
    assert service.position.resume_sequence == 100
    service.receive([a[3]])
    assert service.callbacks["a"].taken == ["start", "descriptor", "event", "stop"]
    assert service.position.resume_sequence == 108


def test_a_bad_document_is_left_out(
    service: Service, caplog: pytest.LogCaptureFixture
) -> None:
    a, b = run("a", bad=True), run("b")
    service.receive([a[0], a[1], b[0], a[2], *b[1:], a[3]])
    assert service.callbacks["a"].taken == ["start", "descriptor", "stop"]
    assert service.callbacks["b"].taken == ["start", "descriptor", "event", "stop"]
    assert service.position.resume_sequence == 108
    (line,) = [record.getMessage() for record in caplog.records]
    assert line == "run a: one event document is left out"


def test_a_run_whose_end_is_bad_is_given_up(
    service: Service, caplog: pytest.LogCaptureFixture
) -> None:
    service.receive([*run("a")[:3], ("stop", {"run_start": "a", "bad": 1}), *run("b")])
    assert service.callbacks["a"].stopped
    assert service.callbacks["b"].done()
    assert service.position.resume_sequence == 108
    assert "run a: one stop document" in caplog.text


def test_a_document_without_a_run_is_nobodys(
    service: Service, caplog: pytest.LogCaptureFixture
) -> None:
    a = run("a")
    service.receive([a[0], ("event", {"uid": "e"}), ("descriptor", {}), *a[1:]])
    assert service.callbacks["a"].taken == ["start", "descriptor", "event", "stop"]
    assert "document names no run: KeyError('descriptor')" in caplog.text


@pytest.mark.parametrize("plan", ["refused", "broken", "other"])
def test_a_run_without_a_callback_does_not_hold_the_position(
    service: Service, plan: str
) -> None:
    begin: Documents = [("start", {"uid": "a", "plan": plan}), run("a")[1]]
    service.receive(begin)
    assert service.position.resume_sequence == 102
    service.receive(run("b"))
    assert service.callbacks["b"].done()


def test_an_error_frees_the_control_port(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ports = fresh_address()
    pipeline = tmp_path / "pipeline.yml"
    pipeline.write_text("publishers: []")

    def broken(*_: object) -> None:
        with (
            ControlClient.of_state(tmp_path) as client,
            pytest.raises(UnavailableError, match="no run is being reconstructed"),
        ):
            client.status()
        raise RuntimeError("the disk is gone")

    def load_quickly(reference: str) -> Any:
        return list if reference.endswith(":compile_all") else load(reference)

    told = {"control": ports.requests, "control_status": ports.status}
    (tmp_path / "services.json").write_text(json.dumps(told))
    monkeypatch.setattr(reconstructor, "follow", broken)
    monkeypatch.setattr(reconstructor, "load", load_quickly)
    with pytest.raises(RuntimeError, match="the disk is gone"):
        reconstructor.main(
            state=tmp_path,
            pipeline=[pipeline],
            tiled_uri="http://127.0.0.1:9",
            proxy_address="127.0.0.1:9",
            control_port=ports.requests,
            status_port=ports.status,
        )
    ControlServer(ports, {}).close()


def test_nothing_is_left_to_be_imported_by_the_first_row(tmp_path: Path) -> None:
    """In a process of its own: this one has imported it all."""
    told = subprocess.run(
        [sys.executable, "-c", FIRST_ROW, str(tmp_path)],
        check=True,
        capture_output=True,
        text=True,
    )
    assert told.stdout.split() == ["0"]


FIRST_ROW = """
import sys
from pathlib import Path
from daiss_bluesky.core.pipeline import Pipeline
from daiss_bluesky.core.reconstruction import Progress
from daiss_bluesky.publishers.progress_table import progress_row
from daiss_bluesky.publishers.tiled_http import TiledHttp
from daiss_bluesky.services.reconstructor import make_publishers, publishers_of
from daiss_bluesky.services.state import StateDirectory

state = StateDirectory(Path(sys.argv[1]))
known = publishers_of(state, TiledHttp("http://127.0.0.1:9", "key"), "X:")
make_publishers(Pipeline(publishers=["tiled"]), known)
before = len(sys.modules)
progress_row(1, 2.0, Progress(), 3.0)
print(len(sys.modules) - before)
"""
