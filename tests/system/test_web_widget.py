"""The viewer as a notebook has it: a widget in a page of another origin."""

import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from io import BytesIO
from pathlib import Path
from threading import Thread

import pytest
from PIL import Image
from playwright.sync_api import Browser

from daiss_bluesky.core.results import Final
from tests.conftest import TiledServer
from tests.system.web_page import Viewer
from tests.system.web_result import Reconstruction

pytestmark = pytest.mark.system


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[TiledServer]:
    root: Path = tmp_path_factory.mktemp("widget")
    (root / "raw").mkdir()
    server = TiledServer(root / "state", [root / "raw"])
    server.start()
    yield server
    server.close()


@pytest.fixture
def live(server: TiledServer) -> Reconstruction:
    live = Reconstruction(server, scan_id=11, sample="basalt")
    live.publish()
    return live


class Notebook(BaseHTTPRequestHandler):
    """An empty page of another origin than the Tiled server, as a notebook has."""

    def do_GET(self) -> None:
        self.send_response(200)
        self.send_header("Content-Type", "text/html")
        self.end_headers()
        self.wfile.write(b"<!doctype html><link rel=icon href=data:,>")

    def log_message(self, *_: object) -> None:
        """Keep quiet."""


@pytest.fixture
def notebook_uri() -> Iterator[str]:
    with ThreadingHTTPServer(("127.0.0.1", 0), Notebook) as server:
        thread = Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}/"
        server.shutdown()
        thread.join()


WIDGET = """async ([root, traits]) => {
  const handlers = {};
  const model = {
    get: (name) => traits[name],
    set: (name, value) => { traits[name] = value; },
    save_changes: () => {
      window.snapshot = [...new Uint8Array(traits.snapshot.buffer)];
      window.told = traits.status;
    },
    on: (name, handler) => { handlers[name] = handler; },
    off: (name) => { delete handlers[name]; },
  };
  const widget = await import(`${root}/custom/daiss/any/widget.js`);
  window.cleanUp = await widget.default.render({ model, el: document.body });
}"""


@pytest.fixture
def cell(
    browser: Browser, server: TiledServer, live: Reconstruction, notebook_uri: str
) -> Iterator[Viewer]:
    """A cell that follows the run; it complains of nothing."""
    cell = Viewer.open(browser, server.uri)
    cell.page.goto(notebook_uri)
    traits = {"uri": server.uri, "api_key": server.api_key, "height": 500}
    traits |= {"raw_uid": live.result.scan.run_uid, "result_uid": None}
    cell.page.evaluate(WIDGET, [server.uri, traits])
    yield cell
    assert cell.complaints == []
    cell.page.context.close()


def test_a_notebook_of_another_origin_is_fed_and_frozen(
    cell: Viewer, live: Reconstruction
) -> None:
    pane = cell.page.locator("[data-view=projection][data-painted]")
    pane.wait_for()
    painted = int(pane.get_attribute("data-painted") or 0)
    live.publish(0.5)
    cell.page.locator(
        f"[data-view=projection][data-painted='{painted + 1}']"
    ).wait_for()
    used = f"running · {live.number} used, {live.number + 1} received of 200"
    cell.page.locator(".honesty", has_text=used).wait_for()
    cell.wait("() => window.snapshot")
    picture = Image.open(BytesIO(bytes(cell.page.evaluate("window.snapshot"))))
    assert picture.format == "PNG"
    assert picture.size[0] > 300
    assert len(picture.convert("RGB").getcolors(1 << 24) or []) > 20
    cell.page.evaluate("window.cleanUp()")
    assert cell.page.locator("[data-view]").count() == 0


def test_the_end_is_told_though_no_picture_comes_with_it(
    cell: Viewer, live: Reconstruction
) -> None:
    """Or the last picture would not be left in the notebook's file."""
    cell.wait("() => window.told === 'running'")
    live.publisher.close(Final("complete", live.progress(), finished_s=time.time()))
    cell.wait("() => window.told === 'complete'")
