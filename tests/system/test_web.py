"""The web viewer in a real browser, on a real Tiled server with the real publisher."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser

from daiss_bluesky.publishers.tiled_http import TiledHttp
from tests.conftest import TiledServer
from tests.system.web_page import LIMIT_MS, Viewer
from tests.system.web_result import MIDDLE, VOLUME, Reconstruction, make_slices

pytestmark = pytest.mark.system


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[TiledServer]:
    root: Path = tmp_path_factory.mktemp("web")
    (root / "raw").mkdir()
    server = TiledServer(root / "state", [root / "raw"])
    server.start()
    yield server
    server.close()


@pytest.fixture(scope="module")
def live(server: TiledServer) -> Reconstruction:
    """A result that runs as long as these tests."""
    live = Reconstruction(server, scan_id=11, sample="basalt")
    live.publish()
    return live


@pytest.fixture(scope="module")
def viewer(
    browser: Browser, server: TiledServer, live: Reconstruction
) -> Iterator[Viewer]:
    """The page of most tests; it has asked nobody else and complained of nothing."""
    viewer = Viewer.open(browser, server.uri, viewport={"width": 1280, "height": 800})
    viewer.go("?v.slice_xy=levels:-2,2", key=server.api_key)
    viewer.wait_painted("slice_yz")
    yield viewer
    assert viewer.complaints == []
    assert viewer.strangers == []
    viewer.page.context.close()


CONNECTED = "() => document.querySelector('#connection').textContent === 'live'"
TITLED = "(name) => document.querySelector('#title').textContent.includes(name)"
SAYS = "([place, words]) => document.querySelector(place).textContent.includes(words)"
READS = """([view, value]) =>
  +document.querySelector(`[data-view=${view}] .reading`).dataset.value === value"""
TOLD = """(n) => document.querySelector("#plots [aria-label^=Covered]")
  .ariaLabel.includes(`over ${n} updates`)"""
SEEN = """[...document.querySelectorAll(".pane canvas, .pane .reading")]
  .map((node) => node.getAttribute("aria-label") ?? node.textContent)"""
TOPS = """[...document.querySelectorAll(".pane")]
  .map((pane) => pane.getBoundingClientRect().top)"""

PLACES = """[...document.querySelectorAll(".pane canvas")]
  .map((canvas) => canvas.getBoundingClientRect().toJSON())"""


def painted_of(viewer: Viewer, view: str) -> int:
    """Tell how many pictures a view has painted."""
    return int(viewer.page.get_attribute(f"[data-view={view}]", "data-painted") or 0)


def gray(value: float, low: float, high: float) -> int:
    return round(min(1.0, max(0.0, (value - low) / (high - low))) * 255)


def is_gray(rgba: list[int], value: float) -> bool:
    return all(abs(part - gray(value, -2, 2)) <= 1 for part in rgba[:3])


def test_newest_run_is_followed_to_its_pixels(
    viewer: Viewer, live: Reconstruction
) -> None:
    row = "#runs li button[aria-current]"
    viewer.wait(CONNECTED)
    assert "basalt" in viewer.text(row)
    assert viewer.text(f"{row} .badge") == "running"
    painted = painted_of(viewer, "slice_xy")
    live.publish(0.5)
    viewer.wait_painted("slice_xy", painted + 1)
    z, _, _ = MIDDLE
    for y, x in [(0, 0), (3, 25), (19, 27)]:
        assert is_gray(viewer.pixel("slice_xy", y, x), 0.5 * VOLUME[z, y, x])
    viewer.wait(SAYS, ["#honesty", "2 used, 3 received of 200"])
    assert "key" not in viewer.page.url


def test_crosshair_is_one_in_all_slices_and_values_are_the_arrays(
    viewer: Viewer, live: Reconstruction
) -> None:
    viewer.point("slice_xy", 3, 25)
    viewer.point("slice_xz", 9, 25)
    viewer.wait(SAYS, ["[data-view=slice_yz] .reading", "z 9"])
    shown = make_slices(0.5)
    places = {"slice_xy": (3, 25), "slice_xz": (9, 25), "slice_yz": (9, 3)}
    for view, (row, column) in places.items():
        assert viewer.reading(view) == {
            "row": row,
            "column": column,
            "value": float(shown[view][row, column]),
        }
    live.publish(0.25)
    expected = float(make_slices(0.25)["slice_yz"][9, 3])
    viewer.wait(READS, ["slice_yz", expected])


def test_fifty_updates_change_neither_zoom_nor_levels(
    viewer: Viewer, live: Reconstruction
) -> None:
    viewer.page.hover("[data-view=slice_xz] canvas")
    viewer.page.mouse.wheel(0, -600)
    viewer.page.focus("[data-view=slice_xz] canvas")
    viewer.page.keyboard.press("k")
    viewer.wait("() => /v.slice_xz=levels:[^;]+;zoom/.test(location.search)")
    before = viewer.page.url
    painted = painted_of(viewer, "slice_xz")
    for n in range(50):
        live.publish(1 + n / 100, "slice_xy", "slice_xz")
    viewer.wait(
        "() => document.querySelector('#honesty').textContent.includes('53 used')"
    )
    now = painted_of(viewer, "slice_xz")
    assert 1 <= now - painted <= 50
    expected = make_slices(1.49)["slice_xy"][3, 25]
    viewer.wait(READS, ["slice_xy", float(expected)])
    assert is_gray(
        viewer.pixel("slice_xy", 19, 0), make_slices(1.49)["slice_xy"][19, 0]
    )
    assert viewer.page.url == before


def test_address_opens_what_was_seen(viewer: Viewer, server: TiledServer) -> None:
    viewer.page.mouse.move(1, 1)
    viewer.page.select_option("[data-view=slice_yz] select >> nth=1", "viridis")
    viewer.page.fill("#runs input", "basa")
    viewer.wait(
        "() => location.search.includes('viridis') && location.search.includes('basa')"
    )
    address = viewer.page.url
    other = viewer.page.context.new_page()
    other.goto(f"{address}#key={server.api_key}")
    other.wait_for_selector("[data-view=slice_yz] .reading:not([hidden])")
    other.wait_for_selector("[data-view=projection][data-painted]")
    seen = viewer.page.evaluate(SEEN)
    same = f"(seen) => JSON.stringify({SEEN}) === JSON.stringify(seen)"
    other.wait_for_function(same, arg=seen, timeout=LIMIT_MS)
    assert other.input_value("#runs input") == "basa"
    other.wait_for_timeout(400)
    assert other.url == address
    other.close()
    viewer.page.fill("#runs input", "")


def test_finished_volume_is_cut_at_the_crosshair(
    viewer: Viewer, server: TiledServer
) -> None:
    done = Reconstruction(server, scan_id=12, sample="granite")
    done.publish()
    viewer.wait(TITLED, "granite")
    viewer.wait(TOLD, 1)
    viewer.wait_painted("projection")
    while_it_ran = viewer.page.evaluate(PLACES)
    done.finish()
    viewer.wait(
        "() => document.querySelector('#connection').textContent === 'finished'"
    )
    viewer.wait_painted("projection")
    viewer.wait(TOLD, 2)
    assert viewer.page.evaluate(PLACES) == while_it_ran, "a click hits what it is for"
    viewer.page.focus("[data-view=slice_xz] canvas")
    viewer.page.keyboard.press("x")
    viewer.page.keyboard.press("a")
    viewer.point("slice_xy", 17, 21)
    viewer.point("slice_xz", 2, 21)
    for view, (row, column) in {
        "slice_xy": (17, 21),
        "slice_xz": (2, 21),
        "slice_yz": (2, 17),
    }.items():
        viewer.wait(READS, [view, float(VOLUME[2, 17, 21])])
        assert viewer.reading(view)["row"] == row
        assert viewer.reading(view)["column"] == column
    assert "z = 2" in viewer.text("[data-view=slice_xy] header")


def test_a_pinned_result_stays_and_tells_of_newer_ones(
    viewer: Viewer, live: Reconstruction
) -> None:
    viewer.page.click("#runs li button:has-text('basalt')")
    viewer.wait(
        "() => document.querySelector('#show-newest').textContent.startsWith('1 newer')"
    )
    viewer.wait("(uid) => location.search.includes(`result=${uid}`)", live.uid)
    viewer.page.keyboard.press("l")
    viewer.wait(TITLED, "granite")


def test_filters_leave_the_runs_that_match(viewer: Viewer) -> None:
    for search, expected in {
        "": 2,
        "bas": 1,
        "sample=gran": 1,
        "sample=bas gran": 0,
    }.items():
        viewer.page.fill("#runs input", search)
        viewer.wait(
            "(n) => document.querySelectorAll('#runs li').length === n", expected
        )
    viewer.page.fill("#runs input", "")
    viewer.page.select_option("#runs select >> nth=0", "complete")
    viewer.wait("() => document.querySelectorAll('#runs li').length === 1")
    viewer.page.select_option("#runs select >> nth=0", "")


def serious_findings(viewer: Viewer) -> list[tuple[str, str]]:
    """Give what axe finds of weight: the rule, and the first element against it."""
    found = Axe().run(viewer.page).response["violations"]
    return [
        (one["id"], one["nodes"][0]["html"])
        for one in found
        if one["impact"] in {"serious", "critical"}
    ]


@pytest.mark.parametrize("theme", ["dark", "light"])
def test_page_is_accessible(viewer: Viewer, theme: str) -> None:
    if viewer.page.get_attribute("html", "data-theme") != theme:
        viewer.page.click("#show-theme")
    viewer.wait("(t) => document.documentElement.dataset.theme === t", theme)
    viewer.page.click("#show-help")
    for _ in ("with its keys", "without"):
        assert serious_findings(viewer) == []
        viewer.page.keyboard.press("Escape")


def test_page_is_accessible_before_the_first_picture(
    browser: Browser, server: TiledServer, live: Reconstruction
) -> None:
    waiting = Viewer.open(browser, server.uri)
    waiting.page.route("**/api/v1/array/**", lambda route: route.abort())
    waiting.go(f"?result={live.uid}", key=server.api_key)
    waiting.wait(CONNECTED)
    waiting.wait("() => document.querySelector('[data-view=projection] .levels')")
    assert painted_of(waiting, "projection") == 0
    assert serious_findings(waiting) == []
    waiting.page.context.close()


def pinch(viewer: Viewer, place: str) -> None:
    """Draw two fingers apart."""
    box = viewer.page.locator(place).bounding_box()
    assert box is not None
    x, y = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
    devtools = viewer.page.context.new_cdp_session(viewer.page)
    for kind, apart in [("Start", 20), ("Move", 40), ("Move", 60), ("End", None)]:
        points = (
            []
            if apart is None
            else [{"x": x - apart, "y": y}, {"x": x + apart, "y": y}]
        )
        devtools.send(
            "Input.dispatchTouchEvent", {"type": f"touch{kind}", "touchPoints": points}
        )


def test_phone_shows_all_below_each_other(
    browser: Browser, server: TiledServer
) -> None:
    phone = Viewer.open(
        browser,
        server.uri,
        viewport={"width": 360, "height": 740},
        has_touch=True,
        is_mobile=True,
    )
    phone.go("?runs=0", key=server.api_key)
    phone.wait_painted("projection")
    assert phone.page.evaluate("document.documentElement.scrollWidth") <= 360
    tops = phone.page.evaluate(TOPS)
    assert tops == sorted(set(tops))
    phone.page.tap("[data-view=slice_xy] canvas")
    phone.wait("() => location.search.includes('at=y:')")
    pinch(phone, "[data-view=slice_xy] .stage canvas")
    phone.wait("() => /v.slice_xy=zoom:/.test(location.search)")
    assert phone.complaints == []
    phone.page.context.close()


def test_the_wall_has_pictures_and_no_buttons(
    browser: Browser, server: TiledServer
) -> None:
    wall = Viewer.open(browser, server.uri, viewport={"width": 1920, "height": 1080})
    wall.go("?kiosk=1", key=server.api_key)
    wall.wait_painted("projection")
    visible = "(node) => node.checkVisibility()"
    assert not any(b.evaluate(visible) for b in wall.page.query_selector_all("button"))
    size = "(node) => parseFloat(getComputedStyle(node).fontSize)"
    assert wall.page.eval_on_selector("#honesty", size) >= 24
    wall.page.context.close()


def test_no_key_and_a_wrong_key_are_told_and_can_be_mended(
    browser: Browser, server: TiledServer
) -> None:
    page = Viewer.open(browser, server.uri)
    page.go()
    page.page.wait_for_selector(".login[open]")
    assert "asks for an API key" in page.text(".login [role=alert]")
    page.page.fill("#api-key", "wrong")
    page.page.keyboard.press("Enter")
    page.wait(SAYS, [".login [role=alert]", "does not accept this API key"])
    page.page.fill("#api-key", server.api_key)
    page.page.keyboard.press("Enter")
    page.wait_painted("projection")
    assert (page.complaints, page.strangers) == ([], [])
    page.page.context.close()


def test_what_cannot_be_shown_is_told_in_one_sentence(
    viewer: Viewer, server: TiledServer
) -> None:
    http = TiledHttp(server.uri, server.api_key)
    http.create("recon/later", "container", specs=[("DaissReconstruction", "9.0")])
    http.create("recon/other", "container")
    http.close()
    sentences = {
        "nowhere": "There is no result nowhere on this server.",
        "later": "Result later is of version 9.0; this viewer knows version 1.",
        "other": "other is not a reconstruction: it has no spec DaissReconstruction.",
    }
    for uid, sentence in sentences.items():
        viewer.go(f"?result={uid}", key=server.api_key)
        viewer.wait(
            "(s) => document.querySelector('#banner').textContent === s", sentence
        )
    for path in ("later", "other"):
        http = TiledHttp(server.uri, server.api_key)
        http.delete(f"recon/{path}")
        http.close()


def test_server_that_is_killed_is_found_again(
    viewer: Viewer, server: TiledServer, live: Reconstruction
) -> None:
    viewer.go(f"?result={live.uid}&at=y:3,x:25", key=server.api_key)
    viewer.wait(CONNECTED)
    viewer.wait_painted("slice_xy")
    live.publish(0.75)
    before = live.number
    viewer.wait(TOLD, before)
    server.kill()
    viewer.wait(SAYS, ["#banner", " is away, for "])
    assert viewer.reading("slice_xy")["value"] == make_slices(0.75)["slice_xy"][3, 25]
    server.start()
    viewer.wait("() => document.querySelector('#banner').hidden")
    viewer.wait(CONNECTED)
    painted = painted_of(viewer, "slice_xy")
    live.publish(0.875)
    viewer.wait_painted("slice_xy", painted + 1)
    viewer.wait(TOLD, before + 1)
    assert painted_of(viewer, "slice_xy") == painted + 1
    assert viewer.reading("slice_xy")["value"] == make_slices(0.875)["slice_xy"][3, 25]
