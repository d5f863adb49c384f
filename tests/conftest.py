"""Real services in processes of their own, for tests that need them."""

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from bluesky import RunEngine
from tiled.client import from_uri

from daiss_bluesky.kernels.method_speeds import MethodSpeeds, speeds_path
from daiss_bluesky.publishers.tiled import TiledPublisher
from daiss_bluesky.publishers.tiled_http import TiledHttp
from daiss_bluesky.services.epics_environment import LOOPBACK, free_ports
from daiss_bluesky.services.tiled_server import (
    read_or_make_key,
    results_dir,
    server_uri,
    start_command,
)

LIMIT_S = 90.0

Documents = list[tuple[str, dict[str, Any]]]


@pytest.fixture(autouse=True)
def _ctrl_c() -> None:
    """Let Ctrl-C end processes that tests start, whoever ignored it before.

    A shell does for what it runs in the background, and the command line at its end.
    """
    signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.fixture(autouse=True, scope="session")
def _own_cache(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Keep out of the user's cache, and let every run choose methods alike."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_CACHE_HOME", str(tmp_path_factory.mktemp("cache")))
        MethodSpeeds(2, 9e-8, 3e-8, 7e-11, 1.5e-9).keep(speeds_path())
        yield


def wait_until(condition: Callable[[], object], what: str) -> None:
    """Wait for something that will come; generous, since machines are shared."""
    deadline = time.monotonic() + LIMIT_S
    while not condition():
        if time.monotonic() > deadline:
            raise TimeoutError(f"waited {LIMIT_S:g} s for {what}")
        time.sleep(0.05)


class TiledServer:
    """An embedded Tiled server that can be killed and started again."""

    def __init__(self, state_dir: Path, data_roots: list[Path]) -> None:
        self.state_dir = state_dir
        self.data_roots = data_roots
        self.port = free_ports(1)[0]
        self.uri = server_uri(self.port)
        self.api_key = read_or_make_key(state_dir)
        self.results_dir = results_dir(state_dir)
        self._ready = state_dir / "tiled.ready"
        self._process: subprocess.Popen[bytes] | None = None
        self._clients: list[Any] = []
        self._http = TiledHttp(self.uri, self.api_key)

    def connect(self, path: str = "") -> Any:
        """Give a client of tiled's own; closed with the server."""
        uri = f"{self.uri}/api/v1/metadata/{path}"
        self._clients.append(from_uri(uri, api_key=self.api_key))
        return self._clients[-1]

    def publisher(self) -> TiledPublisher:
        """Give a publisher; its connections are closed with the server."""
        return TiledPublisher(self._http, self.results_dir)

    def close(self) -> None:
        for client in self._clients:
            client.context.http_client.close()
        self._http.close()
        self.kill()

    def start(self) -> None:
        command = start_command(self.state_dir, self.port, self.data_roots)
        self._ready.unlink(missing_ok=True)
        command += ["--ready-file", str(self._ready)]
        log = (self.state_dir / "tiled.log").open("ab")
        with log:
            self._process = subprocess.Popen(command, stdout=log, stderr=log)
        # It answers earlier, but its first requests import for seconds.
        wait_until(self._is_ready, "the Tiled server")

    def _is_ready(self) -> bool:
        assert self._process is not None
        if self._process.poll() is not None:
            raise RuntimeError((self.state_dir / "tiled.log").read_text()[-2000:])
        return self._ready.exists()

    def kill(self) -> None:
        """End it without a chance to put anything in order."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process = None


class Proxy:
    """The document proxy, to be taken away and brought back."""

    def __init__(self) -> None:
        self._ports = [str(port) for port in free_ports(2)]
        self.in_address, self.out_address = (f"{LOOPBACK}:{p}" for p in self._ports)
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        command = [sys.executable, "-m", "daiss_bluesky.services.proxy"]
        command += ["--in-port", self._ports[0], "--out-port", self._ports[1]]
        self._process = subprocess.Popen(command)
        for port in self._ports:
            wait_until(partial(_listens, int(port)), f"proxy port {port}")

    def stop(self) -> None:
        if self._process is not None:
            self._process.terminate()
            self._process.wait(LIMIT_S)
            self._process = None


def _listens(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex((LOOPBACK, port)) == 0


class RecorderProcess:
    """The recorder, to be killed and started again."""

    def __init__(self, state_dir: Path, tiled: TiledServer, proxy: Proxy) -> None:
        self._command = [sys.executable, "-m", "daiss_bluesky.services.recorder"]
        self._command += ["--state", str(state_dir), "--tiled-uri", tiled.uri]
        self._command += ["--proxy-address", proxy.out_address]
        self._environment = os.environ | {"TILED_API_KEY": tiled.api_key}
        self.process: subprocess.Popen[bytes] | None = None

    def start(self, **environment: str) -> None:
        self.process = subprocess.Popen(
            self._command,
            env=self._environment | environment,
            stderr=subprocess.PIPE,
        )

    def kill(self) -> None:
        if self.process is not None:
            self.process.kill()
            self.process.communicate()
            self.process = None

    def terminate(self) -> int:
        assert self.process is not None
        self.process.terminate()
        self.process.communicate(timeout=LIMIT_S)
        code = self.process.returncode
        self.process = None
        return code


@pytest.fixture
def documents() -> Documents:
    """What `engine` has emitted."""
    return []


@pytest.fixture
def engine(documents: Documents) -> RunEngine:
    """A run engine that leaves Ctrl-C alone."""
    engine = RunEngine(context_managers=[])
    engine.subscribe(lambda name, doc: documents.append((str(name), doc)))
    return engine


@pytest.fixture(scope="session")
def tiled_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[TiledServer]:
    """A running server, shared by all tests; each uses runs of its own."""
    root = tmp_path_factory.mktemp("tiled")
    (root / "raw").mkdir()
    server = TiledServer(root / "state", [root / "raw"])
    server.start()
    yield server
    server.close()


@pytest.fixture
def own_tiled_server(tmp_path: Path) -> Iterator[TiledServer]:
    """A server of the test's own, not started yet, to be killed at will."""
    (tmp_path / "raw").mkdir()
    server = TiledServer(tmp_path / "state", [tmp_path / "raw"])
    yield server
    server.close()


@pytest.fixture
def proxy() -> Iterator[Proxy]:
    """A document proxy, not started yet."""
    proxy = Proxy()
    yield proxy
    proxy.stop()


@pytest.fixture
def make_recorder(
    proxy: Proxy,
) -> Iterator[Callable[[Path, TiledServer], RecorderProcess]]:
    """Make recorders that end with the test."""
    made: list[RecorderProcess] = []

    def make(state_dir: Path, tiled: TiledServer) -> RecorderProcess:
        made.append(RecorderProcess(state_dir, tiled, proxy))
        return made[-1]

    yield make
    for recorder in made:
        recorder.kill()
