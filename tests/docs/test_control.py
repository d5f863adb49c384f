"""The examples of the control protocol, run against a scan under way."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from daiss_bluesky.services.control_client import ControlClient
from tests.conftest import wait_until
from tests.docs.pages import ROOT, blocks
from tests.unit.services.running_scan import KEY, Served

PAGE = "docs/reference/control.md"


@pytest.fixture
def served(tmp_path: Path) -> Iterator[Served]:
    """A reconstruction, and a state directory that says where it is."""
    served = Served()
    key = tmp_path / "control_key"
    key.write_text(KEY)
    told = {
        "control": served.address.requests,
        "control_status": served.address.status,
        "control_key": str(key),
    }
    (tmp_path / "services.json").write_text(json.dumps(told))
    yield served
    served.close()


def test_the_examples_run(served: Served, tmp_path: Path) -> None:
    ours, plain = (block.text for block in blocks("python", page=PAGE))
    # In one process, since importing takes most of the time.
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", ours + plain],
        env=os.environ | {"DAISS_STATE": str(tmp_path)},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("24 24 ")
    assert "1 results" in done.stdout
    with ControlClient(served.address) as client:
        wait_until(
            lambda: client.status().parameters.get("center_px") == 16.25, "the center"
        )
    [(_, repeated)] = served.repeated
    assert repeated == {"filter": "cosine"}


def test_the_page_names_every_request() -> None:
    page = (ROOT / PAGE).read_text(encoding="utf-8")
    served = Served()
    names = set(served.server._handlers)
    served.close()
    assert not [name for name in names if f"| `{name}` |" not in page]
