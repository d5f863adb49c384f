"""The tutorial notebook, run on a small simulated beamline, and seen in JupyterLab."""

import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import nbformat
import pytest
from nbclient import NotebookClient

from daiss_bluesky.services.epics_environment import free_ports
from tests.conftest import wait_until
from tests.docs.pages import ROOT
from tests.system.live_beamline import Beamline, running_beamline

pytestmark = pytest.mark.system

NOTEBOOK = ROOT / "docs/tutorial/live.ipynb"
LIMIT_S = 150


@pytest.fixture(scope="module")
def beamline(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Beamline]:
    with running_beamline(tmp_path_factory.mktemp("beamline")) as running:
        yield running


@pytest.fixture(scope="module")
def environment(beamline: Beamline) -> dict[str, str]:
    """Of a Jupyter whose user has named the state directory, and nothing else."""
    place = beamline.fleet.state.parent
    return os.environ | {
        "DAISS_STATE": str(beamline.fleet.state),
        "IPYTHONDIR": str(place / "ipython"),
        "JUPYTER_CONFIG_DIR": str(place / "jupyter"),
        "JUPYTER_DATA_DIR": str(place / "jupyter_data"),
        "JUPYTER_RUNTIME_DIR": str(place / "jupyter_run"),
        "JUPYTER_PLATFORM_DIRS": "1",
    }


def text_of(notebook: Any) -> str:
    return str(nbformat.writes(notebook))


def test_no_outputs_are_stored() -> None:
    notebook = nbformat.read(NOTEBOOK, as_version=4)
    assert [c for c in notebook.cells if c.cell_type == "code" and c.outputs] == []


def test_the_notebook_runs(beamline: Beamline, environment: dict[str, str]) -> None:
    notebook = nbformat.read(NOTEBOOK, as_version=4)
    client = NotebookClient(notebook, timeout=LIMIT_S, kernel_name="python3")
    client.execute(env=environment)
    text = text_of(notebook)
    assert beamline.fleet.api_key() not in text
    assert beamline.fleet.control_address().key not in text
    assert "application/vnd.jupyter.widget-view+json" in text
    code = [cell for cell in notebook.cells if cell.cell_type == "code"]
    [table] = code[3].outputs
    assert "<td>chalk</td>" in table["data"]["text/html"]
    assert "success" in table["data"]["text/plain"]
    assert "result " in str(code[4].outputs)
