"""`daiss demo` in a process of its own, and what it leaves behind."""

import json
import os
import subprocess
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil

from tests.conftest import wait_until
from tests.system.live_beamline import DAISS, LIMIT_S


@dataclass(slots=True)
class Demo:
    """A running demo; everything temporary goes where nobody else writes."""

    process: subprocess.Popen[str]
    temporary: Path

    def state(self) -> Path | None:
        """Find the state directory, once it is there."""
        return next(self.temporary.glob("daiss-demo-*"), None)

    def wait_until(self, condition: Callable[[], object], what: str) -> None:
        """Wait for something to come of it; its own words if it ends before."""

        def has_come() -> object:
            if self.process.poll() is not None and not condition():
                raise AssertionError(f"no {what}: it ended: {self.finish()}")
            return condition()

        wait_until(has_come, what)

    def finish(self) -> tuple[int, str, str]:
        """Wait for the end; gives exit code, output and errors."""
        output, errors = self.process.communicate(timeout=LIMIT_S)
        return self.process.returncode, output, errors

    def report(self) -> dict[str, Any]:
        """Wait for the end; gives the one JSON object of the last line."""
        code, output, errors = self.finish()
        assert code == 0, errors
        assert errors == ""
        answer: dict[str, Any] = json.loads(output.splitlines()[-1])
        return answer

    def assert_nothing_left(self) -> None:
        """Look for processes that carry this demo's place, and for its files."""
        place = str(self.temporary)
        left = [one.info for one in psutil.process_iter(["pid", "cmdline"])]
        assert not [one for one in left if place in " ".join(one["cmdline"] or [])]
        # The twin's lock directory is its user's, and empty when none runs.
        assert not [one for one in self.temporary.rglob("*") if one.is_file()]
        assert self.state() is None


def start_demo(place: Path, *options: str) -> Demo:
    """Start a demo whose files are all in one place."""
    temporary = place / "temporary"
    temporary.mkdir()
    picture = str(place / "demo.png")
    process = subprocess.Popen(
        [*DAISS, "demo", "--json", "--picture", picture, *options],
        env=os.environ | {"TMPDIR": str(temporary)},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    return Demo(process, temporary)
