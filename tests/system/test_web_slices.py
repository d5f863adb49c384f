"""Slices of a running scan in a browser: cut by the reconstructor at the crosshair."""

import time
from collections.abc import Iterator
from dataclasses import replace

import numpy as np
import pytest
from numpy.typing import NDArray
from playwright.sync_api import Browser

from daiss_bluesky.core.reconstruction import Progress
from daiss_bluesky.core.results import Update
from daiss_bluesky.services.control_client import ControlClient
from daiss_bluesky.testing.publisher_contract import make_result
from tests.conftest import TiledServer
from tests.system.web_page import Viewer
from tests.unit.services.running_scan import RESULT, N, Served

pytestmark = pytest.mark.system

MIDDLE = (9, 16, 16)
PLACES = {"slice_xy": (20, 12), "slice_xz": (4, 12), "slice_yz": (4, 20)}
"""Row and column, in each slice, of the voxel (4, 20, 12)."""
EXACT = """(view) => !document.querySelector(`[data-view=${view}] .reading`)
  .textContent.startsWith("≈")"""
SAYS = "([place, words]) => document.querySelector(place).textContent === words"
READS = """([view, value]) => Math.abs(value -
  document.querySelector(`[data-view=${view}] .reading`).dataset.value) < 1e-6"""


@pytest.fixture
def served(request: pytest.FixtureRequest) -> Iterator[Served]:
    served = Served(**getattr(request, "param", {}))
    yield served
    served.close()


@pytest.fixture
def server(own_tiled_server: TiledServer, served: Served) -> TiledServer:
    """A server whose state directory names the reconstructor."""
    served.tell(own_tiled_server.state_dir)
    own_tiled_server.start()
    return own_tiled_server


Slices = dict[str, NDArray[np.float32]]


class Published:
    """The middle slices of the running scan, as its publisher sends them."""

    def __init__(self, server: TiledServer, slices: Slices) -> None:
        self._slices = slices
        self._publisher = server.publisher()
        shapes = {name: one.shape for name, one in slices.items()}
        self._publisher.open(replace(make_result(), uid=RESULT, view_shapes=shapes))

    def update(self, number: int) -> None:
        progress = Progress(
            frames_expected=2 * N,
            frames_received=N,
            frames_used=N,
            coverage=0.5,
            parameters={"slices_zyx": list(MIDDLE)},
        )
        self._publisher.write(Update(number, time.time(), progress, self._slices))


def header(view: str) -> str:
    return f"[data-view={view}] header .place"


def test_slices_follow_the_crosshair_and_the_scan(
    browser: Browser, server: TiledServer, served: Served
) -> None:
    with ControlClient(served.address, by="jane@hutch") as client:
        middle = client.slices(*MIDDLE)
        published = Published(server, middle)
        published.update(1)
        viewer = Viewer.open(browser, server.uri)
        viewer.go(key=server.api_key)
        viewer.wait_painted("slice_yz")
        viewer.wait(SAYS, [header("slice_xy"), "z = 9"])
        viewer.point("slice_xy", 20, 12)
        viewer.point("slice_xz", 4, 12)

        elsewhere = client.slices(4, 20, 12)
        for view, place in PLACES.items():
            viewer.wait(READS, [view, float(elsewhere[view][place])])
        for view, words in {"xy": "z = 4", "xz": "y = 20", "yz": "x = 12"}.items():
            viewer.wait(SAYS, [header(f"slice_{view}"), words])
        assert abs(elsewhere["slice_xy"][20, 12] - middle["slice_xy"][20, 12]) > 1e-3

        served.scan.whole.clear()
        client.center(13.0)
        assert served.scan.whole.wait(60)
        moved = client.slices(4, 20, 12)["slice_xy"][20, 12]
        assert abs(moved - elsewhere["slice_xy"][20, 12]) > 1e-5
        published.update(2)
        viewer.wait(READS, ["slice_xy", float(moved)])

        served.server.close()
        published.update(3)
        viewer.wait(SAYS, [header("slice_xz"), "y = 16"])
        viewer.wait(READS, ["slice_xy", float(middle["slice_xy"][20, 12])])
    assert viewer.complaints == []
    viewer.page.context.close()


@pytest.mark.parametrize("served", [{"rows": 3, "columns": 1100}], indirect=True)
def test_a_page_asks_for_what_it_shows(
    browser: Browser, server: TiledServer, served: Served
) -> None:
    """More pixels than the pane has are left out, but where one has zoomed in."""
    with ControlClient(served.address) as client:
        published = Published(server, client.slices(1, 550, 550))
        published.update(1)
        elsewhere = client.slices(1, 601, 301)["slice_xy"]
    viewer = Viewer.open(browser, server.uri, viewport={"width": 1000, "height": 700})
    with viewer.page.expect_response("**/custom/daiss/slices") as answer:
        viewer.go("?at=z:1,y:601,x:301", key=server.api_key)
    viewer.wait(SAYS, [header("slice_xz"), "y = 601"])
    viewer.wait_painted("slice_xy")
    viewer.wait(READS, ["slice_xy", float(elsewhere[600, 300])])
    assert 0 < len(answer.value.body()) < elsewhere.nbytes / 2
    assert not viewer.page.evaluate(EXACT, "slice_xy")

    viewer.go("?at=z:1,y:601,x:301&v.slice_xy=zoom:4,601,301")
    viewer.wait_painted("slice_xy")
    viewer.wait(EXACT, "slice_xy")
    viewer.wait(READS, ["slice_xy", float(elsewhere[601, 301])])
    assert viewer.complaints == []
    viewer.page.context.close()
