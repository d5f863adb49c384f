"""The tutorial and the guides, done as they say, on a small simulated beamline."""

import json
import os
import re
import subprocess
import sys
import uuid
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest
import zarr

from daiss_bluesky.cli.fleet import Fleet
from tests.conftest import wait_until
from tests.docs.pages import ROOT, blocks

pytestmark = pytest.mark.system

DAISS = str(Path(sys.executable).with_name("daiss"))
LIMIT_S = 150.0
PREFIX = "DAISS:"
TUTORIAL = "docs/tutorial/first-scan.md"


@dataclass(frozen=True, slots=True)
class Beamline:
    """A state directory, and a folder where a user works."""

    state: Path
    work: Path
    prefix: str = field(default_factory=lambda: f"T{uuid.uuid4().hex[:8]}:")
    """Where the pages say DAISS: ; no two beamlines of one machine may share it."""

    @property
    def environment(self) -> dict[str, str]:
        """Of a terminal in which the user follows the documentation."""
        return {
            **os.environ,
            "DAISS_STATE": str(self.state),
            "TILED_PROFILES": str(self.state / "profiles"),
            "COLUMNS": "160",
            "NO_COLOR": "1",
            "PYTHONUNBUFFERED": "1",
        }

    def run(self, *command: str, typed: str = "", **environment: str) -> str:
        done = subprocess.run(
            command,
            input=typed,
            capture_output=True,
            text=True,
            timeout=LIMIT_S,
            cwd=self.work,
            env=self.environment | environment,
            check=False,
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    def daiss(self, *arguments: str) -> dict[str, Any]:
        """Run a command with --json and give what it says."""
        output = self.run(DAISS, *arguments, "--json")
        answer: dict[str, Any] = json.loads(output.splitlines()[-1])
        return answer

    def up(self, *options: str) -> dict[str, Any]:
        """Start the services, with a camera of 64 x 64 pixels."""
        return self.daiss("up", "--size", "64", "--prefix", self.prefix, *options)

    def python(self, code: str) -> str:
        """Run a block as a program, with the beamline's EPICS ports."""
        code = code.replace(PREFIX, self.prefix)
        fleet = Fleet.load(self.state)
        return self.run(sys.executable, "-c", code, **fleet.client_environment())


@pytest.fixture(scope="module")
def beamline(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Beamline]:
    """The services of the tutorial."""
    root = tmp_path_factory.mktemp("tutorial")
    beamline = Beamline(root / "state", root)
    assert beamline.up()["state"] == str(beamline.state)
    yield beamline
    answer = beamline.daiss("down")
    assert answer["killed"] == []
    assert "twin" in answer["stopped"]
    assert not (beamline.state / "services.json").exists()


@pytest.fixture(scope="module")
def followed(beamline: Beamline) -> tuple[str, str]:
    """What the follower and the prompt show while the tutorial's scans run."""
    follower = subprocess.Popen(
        [sys.executable, str(ROOT / "docs/tutorial/follow.py")],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        env=beamline.environment,
    )
    scan, rest = (
        next(b.text for b in blocks(language, page=TUTORIAL) if b.text.startswith(top))
        for language, top in (("python", "RE("), ("ipython", "%recon"))
    )
    try:
        prompt = beamline.run(DAISS, "shell", typed=fewer_angles(scan + rest))
        seen, _ = follower.communicate(timeout=LIMIT_S)
    finally:
        follower.kill()
        follower.wait()
    assert follower.returncode == 0, seen
    return seen, prompt


def fewer_angles(text: str) -> str:
    return re.sub(r"(?<=tomo_scan\()181|(?<=tomo_fly\()361", "31", text)


@pytest.fixture(scope="module")
def finished(
    beamline: Beamline, followed: tuple[str, str]
) -> dict[int, dict[str, Any]]:
    """What `daiss status` says of the tutorial's two results, by scan, once ended."""
    said: dict[str, Any] = {}

    def both_ended() -> bool:
        said.update(beamline.daiss("status"))
        return [one["status"] for one in said["results"]].count("complete") == 2

    wait_until(both_ended, "both reconstructions")
    assert all(one["running"] for one in said["services"])
    return {one["scan_id"]: one for one in said["results"]}


def test_the_follower_sees_the_slice_sharpen(followed: tuple[str, str]) -> None:
    seen, _ = followed
    states = [line for line in seen.splitlines() if line.startswith("slice (64, 64)")]
    assert len(set(states)) >= 5
    assert seen.splitlines()[-1] == "complete volume (64, 64, 64)"


def test_the_prompt_answers_as_the_tutorial_says(followed: tuple[str, str]) -> None:
    _, prompt = followed
    assert "chalk" in prompt
    assert "error: a tomography scan needs at least 2 angles, not 1" in prompt
    assert "Traceback" not in prompt


def test_the_doctor_finds_the_services_well(
    beamline: Beamline, followed: tuple[str, str]
) -> None:
    done = subprocess.run(
        [DAISS, "doctor", "--json"],
        capture_output=True,
        text=True,
        env=beamline.environment,
        timeout=LIMIT_S,
        check=False,
    )
    found = json.loads(done.stdout.splitlines()[-1])["findings"]
    verdicts = {one["subject"]: one["verdict"] for one in found}
    # Disk and memory are those of the machine the test runs on.
    for subject in ("twin", "reconstructor", "Tiled", "EPICS"):
        assert verdicts[subject] == "good"


def test_the_file_gives_the_live_volume(
    beamline: Beamline, finished: dict[int, dict[str, Any]]
) -> None:
    step = finished[1]
    assert step["sample"] == "chalk"
    files = (beamline.state / "raw").rglob("*.h5")
    file = min(files, key=lambda path: path.stat().st_mtime)
    output = beamline.work / "volume.h5"
    answer = beamline.daiss("reconstruct", str(file), "--output", str(output))
    assert answer["status"] == "complete"
    assert answer["frames_received"] == step["frames"]["received"] == 31
    stored = beamline.state / "results" / step["result_uid"] / "volume.zarr"
    live = np.asarray(zarr.open_array(stored, mode="r")[:])
    with h5py.File(output) as opened:
        batch = opened["entry/data/volume"][:]
    assert np.abs(live - batch).max() <= 1e-5 * np.abs(batch).max()


def test_results_and_journal_are_read_as_the_guides_say(
    beamline: Beamline, finished: dict[int, dict[str, Any]]
) -> None:
    pages = ("docs/how-to/follow-a-result.md", "docs/reference/journal.md")
    guides = [block.text for page in pages for block in blocks("python", page=page)]
    assert len(guides) == 4
    # In one process, since each would import Tiled's client anew.
    output = beamline.python("\n".join(guides))
    assert "complete" in output
    assert re.search(r"\(\d+, .*64, 64\)", output)
    assert "(64, 64)" in output
    assert output.count(" stop ") == 2


def test_a_run_engine_of_ones_own(
    beamline: Beamline, finished: dict[int, dict[str, Any]]
) -> None:
    template = (ROOT / "profiles/twin.yml").read_text()
    assert PREFIX in template
    template = template.replace(PREFIX, beamline.prefix)
    raw = str(beamline.state / "raw")
    (beamline.work / "beamline.yml").write_text(template.replace("/tmp/daiss", raw))
    (own,) = blocks("python", page="docs/how-to/your-beamline.md")
    beamline.python(own.text.replace("181", "5"))
    volumes = beamline.state / "results"
    wait_until(lambda: len(list(volumes.glob("*/volume.zarr"))) == 3, "its volume")


def test_a_scan_of_ones_own_arrays(tmp_path: Path) -> None:
    user = Beamline(tmp_path / "state", tmp_path)
    (arrays,) = blocks("python", page="docs/how-to/reconstruct-a-file.md")
    user.run(sys.executable, "-c", arrays.text)
    answer = user.daiss("reconstruct", "scan.npz")
    assert answer["volume_shape"] == [8, 16, 16]
    assert answer["frames_received"] == 31
