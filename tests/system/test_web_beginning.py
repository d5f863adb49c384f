"""What is published while the page of a result is still connecting."""

import pytest
from playwright.sync_api import Browser, WebSocketRoute

from tests.conftest import TiledServer
from tests.system.web_page import Viewer
from tests.system.web_result import Reconstruction, make_slices

pytestmark = pytest.mark.system

TOLD = """() => document.querySelector("#plots [aria-label^=Covered]")
  ?.ariaLabel.includes("over 1 updates")"""

READS = """(value) =>
  +document.querySelector("[data-view=slice_xy] .reading").dataset.value === value"""


class Held:
    """A socket that comes to the server late: what is said until then waits."""

    def __init__(self, page: WebSocketRoute) -> None:
        self._page = page
        self._server: WebSocketRoute | None = None
        self._waiting: list[str | bytes] = []
        page.on_message(self._hear)

    def _hear(self, message: str | bytes) -> None:
        if self._server is None:
            self._waiting.append(message)
        else:
            self._server.send(message)

    def let_go(self) -> None:
        self._server = self._page.connect_to_server()
        for message in self._waiting:
            self._server.send(message)


def test_what_comes_before_the_streams_are_open_is_shown(
    browser: Browser, own_tiled_server: TiledServer
) -> None:
    own_tiled_server.start()
    live = Reconstruction(own_tiled_server, scan_id=11, sample="basalt")
    viewer = Viewer.open(browser, own_tiled_server.uri)
    held: list[Held] = []

    published = False

    def hold(socket: WebSocketRoute) -> None:
        held.append(Held(socket))
        if published:
            held[-1].let_go()

    viewer.page.route_web_socket("**/stream/single/recon/*/**", hold)
    with viewer.page.expect_response("**/table/full/recon/**") as answer:
        viewer.go("?at=z:6,y:3,x:25", key=own_tiled_server.api_key)
    answer.value.finished()
    live.publish()
    published = True
    for socket in held:
        socket.let_go()
    viewer.wait(TOLD)
    viewer.wait(READS, float(make_slices()["slice_xy"][3, 25]))
    viewer.page.context.close()
