"""A whole beamline, started with `daiss up`, and scans in processes of their own."""

import json
import os
import subprocess
import sys
import threading
import uuid
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any

import psutil

from daiss_bluesky.cli.fleet import Fleet
from daiss_bluesky.core.pipeline import read_pipeline
from daiss_bluesky.core.results import result_uid

DAISS = [sys.executable, "-c", "from daiss_bluesky.cli.main import main; main()"]
LIMIT_S = 200.0

SCAN = """
import json, sys, threading
from contextlib import suppress
from pathlib import Path
from bluesky.utils import RunEngineInterrupted
from rich.console import Console
from daiss_bluesky.cli.fleet import Fleet
from daiss_bluesky.cli.session import open_session

fleet = Fleet.load(Path(sys.argv[1]))
with open_session(fleet, Console(quiet=True)) as session:
    assert not session.missing, session.missing
    print("ready", flush=True)
    sys.stdin.readline()
    uids = []
    session.RE.subscribe(lambda _, doc: uids.append(doc["uid"]), "start")
    holds, told = json.loads(sys.argv[5]), []

    def tell(_, doc):
        told.append(doc["seq_num"])
        print(told[-1], flush=True)
        if len(told) in holds:
            sys.stdin.readline()

    session.RE.subscribe(tell, "event")
    stops = []
    session.RE.subscribe(lambda _, doc: stops.append(doc["exit_status"]), "stop")
    last = int(sys.argv[4])

    def abort(_, doc):
        if doc["seq_num"] == last:
            threading.Thread(target=session.RE.abort).start()

    session.RE.subscribe(abort, "event")
    with suppress(RunEngineInterrupted):
        session.RE(session.plans[sys.argv[2]](**json.loads(sys.argv[3])))
    print(json.dumps({"run_uid": uids[0], "exit_status": stops[0]}), flush=True)
"""


def daiss(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run one command of the command line to its end."""
    return subprocess.run(
        [*DAISS, *arguments],
        env=os.environ | environment,
        capture_output=True,
        text=True,
        timeout=LIMIT_S,
        check=False,
    )


def lines_of(process: subprocess.Popen[str]) -> Iterator[str]:
    """Give the lines that a process says, until its end."""
    assert process.stdout is not None
    # Not "yield from": that would close the pipe with the generator.
    while line := process.stdout.readline():
        yield line


def last_words(process: subprocess.Popen[str]) -> dict[str, Any]:
    """Wait for the end of a process that succeeds; give the JSON of its last line."""
    watchdog = threading.Timer(LIMIT_S, process.kill)
    watchdog.start()
    # `communicate` alone would miss what was read ahead with an earlier line.
    lines = list(lines_of(process))
    _, errors = process.communicate()
    watchdog.cancel()
    assert process.returncode == 0, errors
    answer: dict[str, Any] = json.loads(lines[-1])
    return answer


@dataclass(slots=True)
class Scan:
    """A scan in a process of its own, which waits to be let go, and at its holds."""

    process: subprocess.Popen[str]

    def go(self) -> None:
        """Let it begin, or go on from where it is held."""
        assert self.process.stdin is not None
        self.process.stdin.write("\n")
        self.process.stdin.flush()

    def lines(self) -> Iterator[str]:
        """Give what it says: one number an event, at the end JSON."""
        return lines_of(self.process)

    def wait_for_events(self, n: int) -> None:
        """Wait until so many events have been emitted."""
        seen = len(list(islice(self.lines(), n)))
        assert seen == n, f"{seen} of {n} events: {self.process.communicate()[1]}"

    def outcome(self) -> dict[str, Any]:
        """Wait for the end; gives run_uid and exit_status."""
        return last_words(self.process)


@dataclass(slots=True)
class Beamline:
    """What `daiss up` started."""

    fleet: Fleet

    def scan(
        self,
        plan: str = "tomo_scan",
        *,
        abort_after: int = 0,
        hold_at: Sequence[int] = (),
        **arguments: Any,
    ) -> Scan:
        """Open a scan; it is connected to the devices and waits for `go`.

        It is aborted at the event that has the number `abort_after` in its stream. It
        is held after so many events of all streams as each of `hold_at` says.
        """
        code = [sys.executable, "-c", SCAN, str(self.fleet.state)]
        process = subprocess.Popen(
            [
                *code,
                *(plan, json.dumps(arguments), str(abort_after)),
                json.dumps(list(hold_at)),
            ],
            env=os.environ | self.fleet.client_environment(),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        scan = Scan(process)
        for line in scan.lines():
            if line.strip() == "ready":
                return scan
        raise AssertionError(process.communicate()[1])

    def client(self, code: str, *arguments: str) -> subprocess.Popen[str]:
        """Start Python code in a process that follows this beamline."""
        return subprocess.Popen(
            [sys.executable, "-c", code, *arguments],
            env=os.environ | self.fleet.client_environment(),
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def result_uid(self, run_uid: str, technique: str = "tomography") -> str:
        """Name the result that a run will have."""
        return result_uid(
            run_uid, read_pipeline(self.fleet.pipelines[technique]).digest
        )

    def process(self, name: str) -> psutil.Process:
        """Find one of the services."""
        [service] = [one for one in self.fleet.services if one.name == name]
        found = service.process()
        assert found is not None, f"{name} has ended"
        return found

    @contextmanager
    def killed(self, name: str) -> Iterator[None]:
        """Take a service away with kill -9; afterwards start it as it was."""
        process = self.process(name)
        process.kill()
        process.wait(30)
        try:
            yield
        finally:
            again = daiss("restart", "--state", str(self.fleet.state), "--json")
            assert again.returncode == 0, again.stderr
            assert json.loads(again.stdout) == {"started": [name], "killed": []}
            self.fleet = Fleet.load(self.fleet.state)


@contextmanager
def running_beamline(state: Path, *options: str) -> Iterator[Beamline]:
    """Start a small beamline with a prefix of its own, and stop it."""
    prefix = f"T{uuid.uuid4().hex[:8]}:"
    place = ("--state", str(state))
    begun = daiss("up", *place, "--prefix", prefix, "--size", "64", "--json", *options)
    assert begun.returncode == 0, begun.stderr
    assert json.loads(begun.stdout.splitlines()[-1])["state"] == str(state)
    beamline = Beamline(Fleet.load(state))
    try:
        yield beamline
    finally:
        ended = daiss("down", *place, "--json")
    assert ended.returncode == 0, ended.stderr
    assert json.loads(ended.stdout)["killed"] == []
