"""The IPython profile: devices, plans and magics, with and without a beamline."""

import os
import pty
import select
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pytest

from daiss_bluesky.cli.fleet import Fleet
from daiss_bluesky.core.resources import resource
from daiss_bluesky.services.epics_environment import free_ports
from daiss_bluesky.services.journal import JournalReader, JournalWriter
from daiss_bluesky.services.state import StateDirectory
from tests.conftest import wait_until
from tests.system.twin_process import LIMIT_S, TwinProcess

pytestmark = pytest.mark.system

SHELL = """
import sys
from pathlib import Path
from daiss_bluesky.cli.shell import shell
shell(Path(sys.argv[1]))
"""


@pytest.fixture
def fleet(twin: TwinProcess, tmp_path: Path) -> Fleet:
    """A beamline whose Tiled server is away."""
    directory = StateDirectory(tmp_path / "state")
    directory.make()
    directory.raw.rmdir()
    directory.raw.symlink_to(twin.data_root)
    JournalWriter(directory.journal).close()
    proxy_in, proxy_out, tiled, control, control_status = free_ports(5)
    return Fleet(
        state=directory.root,
        prefix=twin.prefix,
        beamline=resource("profiles/twin.yml"),
        pipelines={"tomography": resource("profiles/tomography.yml")},
        tiled_uri=f"http://127.0.0.1:{tiled}",
        proxy_in=proxy_in,
        proxy_out=proxy_out,
        control=control,
        control_status=control_status,
        epics=twin.ports,
        data_root=twin.data_root,
    )


def type_into_shell(fleet: Fleet, *lines: str) -> str:
    fleet.save()
    done = subprocess.run(
        [sys.executable, "-c", SHELL, str(fleet.state)],
        input="".join(f"{line}\n" for line in (*lines, "exit")),
        capture_output=True,
        text=True,
        timeout=2 * LIMIT_S,
        env=os.environ | {"COLUMNS": "160", "NO_COLOR": "1"},
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_a_scan_from_the_prompt(fleet: Fleet) -> None:
    output = type_into_shell(
        fleet,
        "RE(tomo_scan(4, exposure_s=0.005, darks=1, flats=1, sample='chalk'))",
        "RE(tomo_scan(1, exposure_s=0.005))",
        "RE(tomo_scan(4, exposure_s=0.005, md={'smaple': 'chalk'}))",
        "RE(bps.pause())",
        "RE.abort()",
        "%mov rotation 12",
        "f'it is at {rotation.position:g}'",
        "%recon status",
        "%recon dance",
        "f'scan {RE.md[\"scan_id\"]}'",
    )
    assert "error: a tomography scan needs at least 2 angles, not 1" in output
    assert "error: unknown key 'smaple'" in output
    assert "paused: RE.resume() goes on" in output
    assert "it is at 12" in output
    assert "error: no Tiled server answers" in output
    assert "error: unknown %recon command 'dance' (known: abort, center," in output
    assert "scan 1" in output
    assert "Traceback" not in output
    directory = StateDirectory(fleet.state)
    assert "Run aborted" in (directory.logs / "shell.log").read_text()
    journal = directory.journal
    written = b"".join(f.read_bytes() for f in journal.rglob("*") if f.is_file())
    assert b"chalk" in written


def test_without_a_beamline_a_table_says_what_is_missing(fleet: Fleet) -> None:
    output = type_into_shell(
        replace(fleet, prefix="NOWHERE:"),
        "RE(tomo_scan(4, exposure_s=0.005))",
        "1 + 41",
    )
    assert "not connected" in output
    assert "NOWHERE:rot.RBV" in output
    assert "no IOC answers" in output
    assert "error: rotation (NOWHERE:rot) does not answer" in output
    assert "42" in output
    assert "Traceback" not in output


IN_ITS_TERMINAL = """
import fcntl, termios
fcntl.ioctl(0, termios.TIOCSCTTY, 0)
"""


@dataclass(slots=True)
class Terminal:
    """A shell in a terminal of its own."""

    shell: subprocess.Popen[bytes]
    _keys: int
    _closed: threading.Event = field(default_factory=threading.Event)
    shown: bytes = b""

    def type(self, keys: str) -> None:
        os.write(self._keys, keys.encode())

    def show(self) -> None:
        """Be the terminal's window until it is closed."""
        while not self._closed.is_set():
            if select.select([self._keys], [], [], 0.05)[0]:
                with suppress(OSError):
                    self.shown += os.read(self._keys, 4096)
        os.close(self._keys)

    def close(self) -> None:
        self._closed.set()


@contextmanager
def terminal_of(fleet: Fleet) -> Iterator[Terminal]:
    """Open a terminal with a shell in it."""
    fleet.save()
    keys, end = pty.openpty()
    shell = subprocess.Popen(
        [sys.executable, "-c", IN_ITS_TERMINAL + SHELL, str(fleet.state)],
        stdin=end,
        stdout=end,
        stderr=end,
        start_new_session=True,
        env=os.environ | {"TERM": "dumb"},
    )
    os.close(end)
    terminal = Terminal(shell, keys)
    window = threading.Thread(target=terminal.show)
    window.start()
    try:
        yield terminal
    finally:
        terminal.close()
        window.join()
        shell.kill()
        shell.wait()


@pytest.mark.parametrize("plan", ["tomo_scan", "tomo_fly"])
@pytest.mark.parametrize("how", ["hang up", "kill", "hang up while paused"])
def test_a_scan_whose_terminal_goes_away_is_aborted(
    fleet: Fleet, station: Any, how: str, plan: str
) -> None:
    speed = station.rotation.velocity.get()
    journal = StateDirectory(fleet.state).journal
    paused = how == "hang up while paused"
    # A flight has no place for a pause, but before it.
    stream = "flat" if paused else "primary"
    with terminal_of(fleet) as terminal:
        flats = 500 if paused else 1
        terminal.type(f"RE({plan}(2000, exposure_s=0.05, darks=1, flats={flats}))\r")
        wait_until(lambda: told(journal, "descriptor", stream), f"the {stream} frames")
        if paused:
            terminal.type("\x03")
            wait_until(lambda: b"paused: RE.resume()" in terminal.shown, "the pause")
        if how == "kill":
            terminal.shell.send_signal(signal.SIGTERM)
            assert terminal.shell.wait(LIMIT_S) == 128 + signal.SIGTERM
        else:
            terminal.close()
            assert terminal.shell.wait(LIMIT_S) == 128 + signal.SIGHUP
    [stop] = told(journal, "stop")
    assert stop["exit_status"] == "abort"
    assert station.shutter.position == "closed"
    assert station.rotation.motor_done_move.get() == 1
    assert station.rotation.velocity.get() == speed
    assert station.camera.cam.acquire.get() == 0


def told(journal: Path, name: str, stream: str | None = None) -> list[Any]:
    """Give the documents of a kind that the journal holds."""
    with JournalReader(journal) as reader:
        docs = [record.doc for record in reader.read(names=(name,))]
    return [doc for doc in docs if stream is None or doc["name"] == stream]
