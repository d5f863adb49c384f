"""`daiss view` as a user opens it: a process of its own, on a real X server."""

import json
import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from tests.conftest import LIMIT_S, TiledServer
from tests.system.live_beamline import DAISS
from tests.system.web_result import Reconstruction

pytestmark = pytest.mark.system

SHOWN_S = 10
"""The window closes itself then; what it shows comes within a second."""


@pytest.fixture
def display() -> Iterator[str]:
    """An X server of the test's own; a test without one is skipped, except in CI."""
    path = shutil.which("Xvfb")
    if path is None:
        if os.environ.get("CI"):
            pytest.fail("CI needs Xvfb for the desktop window")
        pytest.skip("no Xvfb here")
    reading, writing = os.pipe()
    command = [path, "-displayfd", str(writing), "-screen", "0", "1600x1000x24"]
    server = subprocess.Popen(
        [*command, "-nolisten", "tcp"], pass_fds=[writing], stderr=subprocess.DEVNULL
    )
    os.close(writing)
    with os.fdopen(reading) as numbers:
        number = numbers.readline().strip()
    assert number, "the X server did not start"
    yield f":{number}"
    server.terminate()
    server.wait(LIMIT_S)


def test_the_window_opens_on_a_screen(
    tiled_server: TiledServer, display: str, tmp_path: Path
) -> None:
    live = Reconstruction(tiled_server, run_uid="on-a-screen", sample="granite")
    live.publish()
    picture = tmp_path / "window.png"
    command = [*DAISS, "view", "--tiled-uri", tiled_server.uri, "--run", live.uid]
    environment = {k: v for k, v in os.environ.items() if k != "QT_QPA_PLATFORM"}
    environment |= {"DISPLAY": display, "TILED_API_KEY": tiled_server.api_key}
    environment |= {"XDG_CONFIG_HOME": str(tmp_path)}
    ended = subprocess.run(
        [*command, "--picture", str(picture), "--close-after", str(SHOWN_S), "--json"],
        env=environment,
        capture_output=True,
        text=True,
        timeout=LIMIT_S,
        check=False,
    )
    assert ended.returncode == 0, ended.stderr
    assert ended.stderr == ""
    report = json.loads(ended.stdout.splitlines()[-1])
    assert report["result_uid"] == live.uid
    assert "1 used" in report["honesty"]
    with Image.open(picture) as window:
        assert min(window.size) > 600
        assert len(np.unique(np.asarray(window.convert("L")))) > 50
