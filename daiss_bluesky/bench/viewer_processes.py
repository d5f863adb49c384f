"""Sources of test pictures, and a Tiled server, for as long as a measurement takes."""

import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from daiss_bluesky.bench.viewer_source import Pace
from daiss_bluesky.core.errors import UnavailableError
from daiss_bluesky.services.epics_environment import free_ports
from daiss_bluesky.services.tiled_server import server_uri, start_command

LIMIT_S = 120.0


@dataclass(frozen=True, slots=True)
class Source:
    """A source that is ready, and waits to be let go."""

    process: subprocess.Popen[str]

    def run(self) -> dict[int, float]:
        """Let it publish; gives when, by number."""
        stdin, stdout = _pipes(self.process)
        stdin.write("\n")
        stdin.flush()
        return {int(k): when_s for k, when_s in json.loads(stdout.readline()).items()}


@contextmanager
def source_process(
    arguments: list[str], pace: Pace, environment: Mapping[str, str]
) -> Iterator[Source]:
    """Start `bench.viewer_source` with these arguments; killed at the end."""
    module = [sys.executable, "-m", "daiss_bluesky.bench.viewer_source"]
    figures = [str(pace.size), str(pace.fps), str(pace.seconds)]
    process = subprocess.Popen(
        [*module, *arguments, *figures],
        env=os.environ | environment,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        if _pipes(process)[1].readline().strip() != "ready":
            raise UnavailableError("the source of test pictures did not start")
        yield Source(process)
    finally:
        process.kill()
        process.communicate()


def _pipes(process: subprocess.Popen[str]) -> tuple[IO[str], IO[str]]:
    if process.stdin is None or process.stdout is None:
        raise UnavailableError("the source of test pictures has no pipes")
    return process.stdin, process.stdout


@contextmanager
def tiled_server() -> Iterator[tuple[str, Path]]:
    """Start an embedded server; gives its address and its state directory."""
    with tempfile.TemporaryDirectory(prefix="daiss-bench-") as place:
        state, [port] = Path(place), free_ports(1)
        ready = state / "ready"
        command = [*start_command(state, port), "--ready-file", str(ready)]
        with (state / "tiled.log").open("wb") as log:
            process = subprocess.Popen(command, stdout=log, stderr=log)
        try:
            wait_for(ready.exists, "the Tiled server")
            yield server_uri(port), state
        finally:
            process.kill()
            process.wait()


def wait_for(condition: Callable[[], object], what: str) -> None:
    """Wait until it holds; UnavailableError where that takes too long."""
    deadline = time.monotonic() + LIMIT_S
    while not condition():
        if time.monotonic() > deadline:
            raise UnavailableError(f"waited {LIMIT_S:g} s for {what}")
        time.sleep(0.05)
