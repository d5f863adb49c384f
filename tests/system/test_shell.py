"""The IPython profile: devices, plans and magics, with and without a beamline."""

import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from daiss_bluesky.cli.fleet import Fleet
from daiss_bluesky.core.resources import resource
from daiss_bluesky.services.epics_environment import free_ports
from daiss_bluesky.services.journal import JournalWriter
from daiss_bluesky.services.state import StateDirectory
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
