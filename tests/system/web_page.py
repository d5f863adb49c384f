"""A page of the web viewer in a browser, and what is read off it."""

from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

from playwright.sync_api import Browser, Page

LIMIT_MS = 60_000
EXPECTED = ("Failed to load resource", "WebSocket connection to")
"""What chromium itself says of a server that is away or refuses."""

PIXEL = """([view, row, column]) => {
  const canvas = document.querySelector(`[data-view=${view}] canvas`);
  const shape = /(\\d+) × (\\d+)/.exec(canvas.getAttribute("aria-label"));
  const [rows, columns] = shape.slice(1).map(Number);
  const zoom = Math.min(canvas.width / columns, canvas.height / rows);
  const x = canvas.width / 2 + (column + 0.5 - columns / 2) * zoom;
  const y = canvas.height / 2 + (row + 0.5 - rows / 2) * zoom;
  const box = canvas.getBoundingClientRect();
  const rgba = canvas.getContext("2d").getImageData(x, y, 1, 1).data;
  const scale = box.width / canvas.width;
  return { rgba: [...rgba], x: box.left + x * scale, y: box.top + y * scale };
}"""

SETTLED = """(view) => {
  const canvas = document.querySelector(`[data-view=${view}] canvas`);
  return canvas.width === canvas.clientWidth && canvas.height === canvas.clientHeight;
}"""


@dataclass(slots=True)
class Viewer:
    """One open page, with all that it asked for and complained of."""

    page: Page
    home: str
    complaints: list[str] = field(default_factory=list)
    strangers: list[str] = field(default_factory=list)

    @classmethod
    def open(cls, browser: Browser, uri: str, **options: Any) -> "Viewer":
        """Open a page of its own, without a key and without an address yet."""
        context = browser.new_context(**options)
        page = context.new_page()
        page.set_default_timeout(LIMIT_MS)
        viewer = cls(page, f"{uri}/custom/daiss/")
        page.on("request", lambda request: viewer._look_at(request.url))
        page.on("websocket", lambda socket: viewer._look_at(socket.url))
        page.on("pageerror", lambda error: viewer.complaints.append(str(error)))
        page.on("console", lambda message: viewer._hear(message.type, message.text))
        return viewer

    def _look_at(self, url: str) -> None:
        if urlsplit(url).scheme in {"http", "https", "ws", "wss"}:
            if urlsplit(url).netloc != urlsplit(self.home).netloc:
                self.strangers.append(url)
            if "key" in urlsplit(url).query:
                self.strangers.append(url)

    def _hear(self, kind: str, text: str) -> None:
        if kind == "error" and not text.startswith(EXPECTED):
            self.complaints.append(text)

    def go(self, query: str = "", key: str = "") -> None:
        """Open an address."""
        fragment = f"#key={key}" if key else ""
        # A fragment alone would not load the page again.
        self.page.goto("about:blank")
        self.page.goto(self.home + query + fragment)

    def wait(self, condition: str, argument: Any = None) -> None:
        """Wait until an expression of JavaScript is true."""
        self.page.wait_for_function(condition, arg=argument, timeout=LIMIT_MS)

    def wait_painted(self, view: str, times: int = 1) -> None:
        """Wait until a view has painted so many pictures."""
        condition = (
            "([v, n]) => document.querySelector(`[data-view=${v}]`)?.dataset.painted"
            " >= n"
        )
        self.wait(condition, [view, times])

    def text(self, selector: str) -> str:
        """Read what is written."""
        return self.page.inner_text(selector)

    def pixel(self, view: str, row: int, column: int) -> list[int]:
        """Read the color that an array element of a fitted view is painted with."""
        found: list[int] = self.page.evaluate(PIXEL, [view, row, column])["rgba"]
        return found

    def point(self, view: str, row: int, column: int) -> None:
        """Click on an array element of a fitted view."""
        # Soon after one another they would be a double click, which fits.
        self.page.wait_for_timeout(400)
        # What is painted has the size of what is shown: the page has settled.
        self.wait(SETTLED, view)
        place = self.page.evaluate(PIXEL, [view, row, column])
        self.page.mouse.click(place["x"], place["y"])
        self.page.mouse.move(1, 1)

    def reading(self, view: str) -> dict[str, float]:
        """Read the value that a view shows, with the element it is of."""
        shown = self.page.eval_on_selector(
            f"[data-view={view}] .reading", "(node) => ({...node.dataset})"
        )
        return {name: float(value) for name, value in shown.items()}
