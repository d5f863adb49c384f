"""A twin in a process of its own, for tests."""

import json
import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from daiss_bluesky.services.epics_environment import (
    EpicsPorts,
    client_environment,
    twin_environment,
)

LIMIT_S = 60.0


@dataclass(slots=True)
class TwinProcess:
    """A running twin."""

    process: subprocess.Popen[str]
    prefix: str
    ports: EpicsPorts
    data_root: Path
    facts: dict[str, Any]
    """What it said when it was ready: center_true_px, out_position_mm ..."""

    @property
    def client_environment(self) -> dict[str, str]:
        """For a client in another process."""
        return client_environment(self.ports)

    def run_client(self, code: str, *arguments: str) -> str:
        """Run Python code in a process that is this twin's client; give its output."""
        done = subprocess.run(
            [sys.executable, "-c", code, self.prefix, *arguments],
            env=os.environ | self.client_environment,
            capture_output=True,
            text=True,
            timeout=LIMIT_S,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        return done.stdout

    def stop(self) -> tuple[int, str]:
        """End it as a user does; gives exit status and what it said on stderr."""
        self.process.terminate()
        try:
            _, errors = self.process.communicate(timeout=LIMIT_S)
        except subprocess.TimeoutExpired:
            self.process.kill()
            raise
        return self.process.returncode, errors


def launch(
    prefix: str, ports: EpicsPorts, data_root: Path, *options: str
) -> subprocess.Popen[str]:
    """Start a twin without waiting for it."""
    command = [sys.executable, "-m", "daiss_devices.twin", "--prefix", prefix]
    command += ["--data-root", str(data_root), *options]
    return subprocess.Popen(
        command,
        env=os.environ | twin_environment(ports),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def start_twin(
    prefix: str, ports: EpicsPorts, data_root: Path, *options: str
) -> TwinProcess:
    """Start a twin and wait until it is ready."""
    process = launch(prefix, ports, data_root, *options)
    assert process.stdout is not None
    line = process.stdout.readline()
    if not line:
        _, errors = process.communicate()
        raise AssertionError(f"the twin did not start: {errors}")
    return TwinProcess(process, prefix, ports, data_root, json.loads(line))
