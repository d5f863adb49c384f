"""How old pictures are when a browser shows them: the web viewer in headless chromium.

Without a graphics card WebGL2 is computed, so figures are those of the slowest screen.
"""

import shutil
from importlib.util import find_spec
from typing import Any

from daiss_bluesky.bench.viewer_processes import LIMIT_S, source_process, tiled_server
from daiss_bluesky.bench.viewer_source import VIEWS, Pace
from daiss_bluesky.bench.viewer_watch import age_figures
from daiss_bluesky.core.errors import UnavailableError
from daiss_bluesky.services.tiled_server import read_or_make_key, results_dir
from daiss_bluesky.viewers.web.address import page_uri

BROWSER = "chromium"
FLAGS = ["--no-sandbox", "--use-angle=swiftshader", "--enable-unsafe-swiftshader"]
SETTLE_S = 2.0
CONNECTED = """() => document.querySelector("#connection").textContent === "live" """
WATCH = """() => {
  window.shown = [];
  document.addEventListener("painted", (event) => {
    // Reading a color back waits until it is there.
    const canvas = event.target.querySelector("canvas");
    canvas.getContext("2d").getImageData(0, 0, 1, 1);
    window.shown.push([event.detail.data[0], Date.now() / 1000]);
  });
}"""


def is_possible() -> bool:
    """Tell whether there is a browser and what drives it."""
    return bool(shutil.which(BROWSER) and find_spec("playwright"))


def in_browser(pace: Pace) -> dict[str, Any]:
    """Have views published to a Tiled server of its own, and shown by its page.

    The age counts from when the publisher was given the update until the color of a
    pixel can be read back. The first seconds are left out.
    """
    if not is_possible():
        raise UnavailableError(
            f"the browser is measured with {BROWSER} and playwright:"
            " apt install chromium, pip install playwright"
        )
    from playwright.sync_api import sync_playwright  # noqa: PLC0415 - for developers

    with tiled_server() as (uri, state), sync_playwright() as playwright:
        key = read_or_make_key(state)
        arguments = ["tiled", uri, str(results_dir(state))]
        path = shutil.which(BROWSER)
        browser = playwright.chromium.launch(executable_path=path, args=FLAGS)
        page = browser.new_page(viewport={"width": 1280, "height": 800})
        with source_process(arguments, pace, {"TILED_API_KEY": key}) as source:
            page.goto(page_uri(uri, api_key=key))
            page.wait_for_function(CONNECTED, timeout=1e3 * LIMIT_S)
            page.evaluate(WATCH)
            published = source.run()
            page.wait_for_timeout(1e3 * SETTLE_S)
            shown = page.evaluate("window.shown")
        browser.close()
    return _figures(published, shown)


def _figures(published: dict[int, float], shown: list[list[float]]) -> dict[str, Any]:
    begun_s = min(published.values()) + SETTLE_S
    counted = {number: at_s for number, at_s in published.items() if at_s > begun_s}
    ages_s = [at_s - counted[int(n)] for n, at_s in shown if int(n) in counted]
    return age_figures(ages_s, len(VIEWS) * len(counted))
