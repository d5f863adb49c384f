"""The tutorial notebook, run on a small simulated beamline, and seen in JupyterLab."""

import io
import json
import os
import re
import shutil
import subprocess
import sys
from base64 import b64decode
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import nbformat
import numpy as np
import pytest
from nbclient import NotebookClient
from PIL import Image
from playwright.sync_api import Error as PlaywrightError
from playwright.sync_api import Page

from daiss_bluesky.services.epics_environment import LOOPBACK, free_ports
from tests.browser import open_browser
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
    for cell in notebook.cells:
        cell.source = cell.source.replace("tomo_scan(61", "tomo_scan(21")
    client = NotebookClient(notebook, timeout=LIMIT_S, kernel_name="python3")
    client.execute(env=environment)
    text = text_of(notebook)
    assert beamline.fleet.api_key() not in text
    assert beamline.fleet.control_address().key not in text
    assert "application/vnd.jupyter.widget-view+json" in text
    code = [cell for cell in notebook.cells if cell.cell_type == "code"]
    [table] = code[3].outputs
    assert "<td>chalk</td>" in table["data"]["text/html"]
    assert "tomo_scan" in table["data"]["text/plain"]
    assert "result " in str(code[4].outputs)


class Lab:
    """JupyterLab in a process of its own, on a notebook of the user's."""

    def __init__(self, place: Path, environment: dict[str, str]) -> None:
        self.notebook = place / "live.ipynb"
        place.mkdir()
        shutil.copy(NOTEBOOK, self.notebook)
        [port] = free_ports(1)
        self.home = f"http://{LOOPBACK}:{port}"
        options = {
            "ServerApp.ip": LOOPBACK,
            "ServerApp.port": port,
            "ServerApp.root_dir": place,
            "IdentityProvider.token": "",
            "LabApp.news_url": "",
        }
        given = [f"--{name}={value}" for name, value in options.items()]
        self._log = (place / "lab.log").open("wb")
        self._process = subprocess.Popen(
            [
                sys.executable,
                "-m",
                "jupyterlab",
                "--no-browser",
                "--allow-root",
                *given,
            ],
            env=environment,
            stdout=self._log,
            stderr=self._log,
        )
        wait_until(self._answers, "JupyterLab")

    def _answers(self) -> bool:
        assert self._process.poll() is None, "JupyterLab has ended"
        try:
            return httpx.get(f"{self.home}/api").is_success
        except httpx.TransportError:
            return False

    def kernel_is_ready(self) -> bool:
        """Tell whether the page is connected to a kernel that waits for it."""
        sessions = httpx.get(f"{self.home}/api/sessions").json()
        kernels = [one["kernel"] for one in sessions]
        return any(
            one["execution_state"] == "idle" and one["connections"] for one in kernels
        )

    def close(self) -> None:
        self._process.terminate()
        self._process.wait(60)
        self._log.close()


@pytest.fixture
def lab(beamline: Beamline, environment: dict[str, str]) -> Iterator[Lab]:
    lab = Lab(beamline.fleet.state.parent / "lab", environment)
    yield lab
    lab.close()


def honesty_of(page: Page) -> str:
    """Read what the first viewer in the notebook says; empty before there is one."""
    said = page.locator(".jp-OutputArea .honesty")
    try:
        return str(said.first.inner_text(timeout=2000)) if said.count() else ""
    except PlaywrightError:  # it is being drawn anew
        return ""


def kernel_of(page: Page) -> str | None:
    indicator = page.locator(".jp-Notebook-ExecutionIndicator").first
    return indicator.get_attribute("data-status")


def test_it_moves_while_the_kernel_is_inside_a_scan(
    beamline: Beamline, lab: Lab
) -> None:
    with open_browser() as browser:
        page = browser.new_page(viewport={"width": 1300, "height": 1500})
        page.set_default_timeout(60_000)
        page.goto(f"{lab.home}/lab/tree/live.ipynb")
        page.locator(".jp-Notebook .jp-CodeCell").first.wait_for()
        wait_until(lab.kernel_is_ready, "the kernel")
        wait_until(lambda: kernel_of(page) == "idle", "the notebook")
        page.locator(".lm-MenuBar-itemLabel", has_text="Run").first.click()
        page.locator(".lm-Menu-itemLabel", has_text="Run All Cells").first.click()
        wait_until(lambda: honesty_of(page), "the viewer")
        wait_until(lambda: " of 61" in honesty_of(page), "the scan")
        seen: list[int] = []

        def moves() -> bool:
            found = re.search(r"(\d+) used, \d+ received of 61", honesty_of(page))
            if found and kernel_of(page) == "busy" and int(found[1]) not in seen:
                seen.append(int(found[1]))
            return len(seen) >= 4

        wait_until(moves, "four updates while the kernel is busy")
        assert seen == sorted(seen)
        if os.environ.get("DAISS_PICTURES"):
            picture = Path(os.environ["DAISS_PICTURES"]) / "notebook.png"
            page.add_style_tag(content=".Toastify { display: none; }")
            cells = page.locator(".jp-CodeCell", has=page.locator(".honesty"))
            cells.first.screenshot(path=picture)
        wait_until(lambda: "complete" in honesty_of(page), "the end")

        def saved() -> str:
            page.keyboard.press("Control+s")
            return lab.notebook.read_text(encoding="utf-8")

        wait_until(lambda: "image/png" in saved(), "a picture in the file")
    text = lab.notebook.read_text(encoding="utf-8")
    assert beamline.fleet.api_key() not in text
    assert beamline.fleet.control_address().key not in text
    pictures = [
        output["data"]["image/png"]
        for cell in json.loads(text)["cells"]
        for output in cell.get("outputs", [])
        if "image/png" in output.get("data", {})
    ]
    for picture in pictures:
        with Image.open(io.BytesIO(b64decode(picture))) as still:
            assert still.format == "PNG"
            assert np.asarray(still.convert("L")).std() > 20
