"""Runs end up in Tiled whole and once, whatever is killed meanwhile."""

import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from bluesky import RunEngine
from bluesky import plan_stubs as bps
from bluesky.preprocessors import run_decorator
from ophyd.sim import SynAxis, SynGauss
from tiled.client.utils import ClientError

from daiss_bluesky.core.results import RAW_PATH
from daiss_bluesky.publishers.tiled_http import TiledHttp
from daiss_bluesky.services.recorder import RAW_SPEC
from daiss_callbacks.document_publisher import DocumentPublisher
from tests.conftest import Proxy, RecorderProcess, TiledServer, wait_until

pytestmark = pytest.mark.system
MakeRecorder = Callable[[Path, TiledServer], RecorderProcess]


class Scanner:
    """A RunEngine in a thread whose scan is advanced point by point."""

    def __init__(self, journal: Path, proxy: Proxy) -> None:
        self.engine = RunEngine({}, context_managers=[])
        self.publisher = DocumentPublisher(journal, proxy.in_address)
        self.engine.subscribe(self.publisher)
        self._go = threading.Semaphore(0)
        self.uid = ""

    def begin(self, n: int) -> None:
        motor = SynAxis(name="motor")
        det = SynGauss("det", motor, "motor", center=0, Imax=1, sigma=1)

        @run_decorator(md={"num_points": n})
        def plan() -> Iterator[Any]:
            for i in range(n):
                self._go.acquire()
                yield from bps.mv(motor, i / n)
                yield from bps.trigger_and_read([det, motor])

        def note(name: str, doc: dict[str, Any]) -> None:
            self.uid = doc["uid"]

        def run() -> None:
            self.engine(plan(), {"start": [note]})

        self._thread = threading.Thread(target=run)
        self._thread.start()
        wait_until(lambda: self.uid, "the run to begin")

    def advance(self, points: int) -> None:
        for _ in range(points):
            self._go.release()

    def finish(self) -> None:
        self._thread.join(60)
        assert not self._thread.is_alive()

    def close(self) -> None:
        self.publisher.close()


@pytest.fixture
def make_scanner(proxy: Proxy) -> Iterator[Callable[[Path], Scanner]]:
    made: list[Scanner] = []

    def make(journal: Path) -> Scanner:
        made.append(Scanner(journal, proxy))
        return made[-1]

    yield make
    for scanner in made:
        scanner.close()


def raw_of(server: TiledServer) -> Any:
    """Make the catalog of runs, as the recorder does, and give a client of it."""
    http = TiledHttp(server.uri, server.api_key)
    http.create(RAW_PATH, "container", specs=[RAW_SPEC])
    http.close()
    return server.connect(RAW_PATH)


def rows(raw: Any, uid: str) -> list[int]:
    """Sequence numbers of the rows of a run that can be read now."""
    try:
        table = raw[uid]["primary"].base["internal"].read()
    except (KeyError, ClientError, AttributeError):
        # Nothing yet; or half gone, which tiled's client cannot read: a run that was
        # interrupted is recorded anew.
        return []
    return [int(n) for n in table["seq_num"]]


def complete(raw: Any, uid: str) -> bool:
    try:
        return "stop" in raw[uid].metadata
    except KeyError:
        return False


def test_rows_are_visible_while_the_run_goes_on(
    tiled_server: TiledServer,
    tmp_path: Path,
    proxy: Proxy,
    make_recorder: MakeRecorder,
    make_scanner: Callable[[Path], Scanner],
) -> None:
    proxy.start()
    raw = raw_of(tiled_server)
    make_recorder(tmp_path, tiled_server).start()
    scanner = make_scanner(tmp_path / "journal")
    scanner.begin(6)
    scanner.advance(3)
    wait_until(lambda: rows(raw, scanner.uid) == [1, 2, 3], "three rows")
    assert not complete(raw, scanner.uid)
    scanner.advance(3)
    scanner.finish()
    wait_until(lambda: complete(raw, scanner.uid), "the end of the run")
    run = raw[scanner.uid]
    assert rows(raw, scanner.uid) == [1, 2, 3, 4, 5, 6]
    np.testing.assert_allclose(run["primary"]["motor"].read(), np.arange(6) / 6)
    names = [name for name, _ in run.documents()]
    assert names[0] == "start"
    assert names[-1] == "stop"


def test_nothing_is_lost_or_doubled_when_tiled_is_killed(
    own_tiled_server: TiledServer,
    tmp_path: Path,
    proxy: Proxy,
    make_recorder: MakeRecorder,
    make_scanner: Callable[[Path], Scanner],
) -> None:
    own_tiled_server.start()
    raw = raw_of(own_tiled_server)
    proxy.start()
    recorder = make_recorder(tmp_path, own_tiled_server)
    recorder.start()
    scanner = make_scanner(tmp_path / "journal")
    scanner.begin(12)
    scanner.advance(4)
    wait_until(lambda: len(rows(raw, scanner.uid)) == 4, "four rows")
    own_tiled_server.kill()
    scanner.advance(4)
    status = tmp_path / "recorder.status.json"
    wait_until(lambda: "waiting for Tiled" in status.read_text(), "it to be noticed")
    own_tiled_server.start()
    wait_until(lambda: len(rows(raw, scanner.uid)) == 8, "eight rows")
    scanner.advance(4)
    scanner.finish()
    wait_until(lambda: complete(raw, scanner.uid), "the end of the run")
    assert rows(raw, scanner.uid) == list(range(1, 13))
    assert len(raw) == 1
    assert recorder.terminate() == 0


def test_a_killed_recorder_and_a_missing_proxy_change_nothing(
    tiled_server: TiledServer,
    tmp_path: Path,
    proxy: Proxy,
    make_recorder: MakeRecorder,
    make_scanner: Callable[[Path], Scanner],
) -> None:
    raw = raw_of(tiled_server)
    recorder = make_recorder(tmp_path, tiled_server)
    recorder.start()
    scanner = make_scanner(tmp_path / "journal")
    scanner.begin(2)
    scanner.advance(2)
    scanner.finish()
    first = scanner.uid
    wait_until(lambda: complete(raw, first), "the first run")
    first_rows = rows(raw, first)
    scanner.begin(9)
    wait_until(lambda: scanner.uid != first, "the second run")
    proxy.start()
    scanner.advance(3)
    wait_until(lambda: len(rows(raw, scanner.uid)) == 3, "three rows")
    recorder.kill()
    scanner.advance(3)
    proxy.stop()
    recorder.start()
    wait_until(lambda: len(rows(raw, scanner.uid)) == 6, "six rows")
    scanner.advance(3)
    scanner.finish()
    wait_until(lambda: complete(raw, scanner.uid), "the end of the run")
    assert rows(raw, scanner.uid) == list(range(1, 10))
    assert rows(raw, first) == first_rows == [1, 2]


def test_a_wrong_key_is_one_sentence(
    tiled_server: TiledServer,
    tmp_path: Path,
    make_recorder: MakeRecorder,
) -> None:
    recorder = make_recorder(tmp_path, tiled_server)
    recorder.start(TILED_API_KEY="0123abcd")
    assert recorder.process is not None
    _, errors = recorder.process.communicate(timeout=90)
    assert recorder.process.returncode == 2
    (line,) = errors.decode().strip().splitlines()
    assert "refuses the API key" in line
    assert "0123abcd" not in line
