"""From publication to pixel in a headless chromium, through a Tiled server of its own.

python benchmarks/web_viewer.py [SECONDS]

Three views of 512 x 512 float32 at 2 Hz. An update counts from when the publisher is
given it until the color of its pixels can be read back from the page.
"""

import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from threading import Thread
from typing import Any

import numpy as np
from playwright.sync_api import sync_playwright

from daiss_bluesky.core.reconstruction import Progress
from daiss_bluesky.core.results import Result, Update
from daiss_bluesky.core.scan import Scan
from daiss_bluesky.publishers.tiled import TiledPublisher
from daiss_bluesky.services.epics_environment import free_ports
from daiss_bluesky.services.tiled_server import (
    read_or_make_key,
    results_dir,
    server_uri,
    start_command,
)
from daiss_bluesky.viewers.web.address import page_uri

SIZE, RATE_HZ = 512, 2.0
VIEWS = ("slice_xy", "slice_xz", "slice_yz")
FLAGS = ["--no-sandbox", "--use-angle=swiftshader", "--enable-unsafe-swiftshader"]
LIVE = "() => document.querySelector('#connection').textContent === 'live'"
WATCH = """() => {
  window.seen = [];
  document.addEventListener("painted", (event) => {
    const canvas = event.target.querySelector("canvas");
    canvas.getContext("2d").getImageData(0, 0, 1, 1);
    window.seen.push([event.detail.data[0], Date.now() / 1000]);
  });
}"""
UNTIL_STEADY = 4
"""Updates left out: the first texture of a size and the first drawing take longer."""


@contextmanager
def tiled_server(state: Path) -> Iterator[str]:
    """Run an embedded server until the end of the block."""
    [port] = free_ports(1)
    ready = state / "ready"
    command = [*start_command(state, port), "--ready-file", str(ready)]
    with (state / "tiled.log").open("wb") as log:
        process = subprocess.Popen(command, stdout=log, stderr=log)
    try:
        while not ready.exists():
            time.sleep(0.1)
        yield server_uri(port)
    finally:
        process.kill()
        process.wait()


def make_result() -> Result:
    """Make a result whose views are those of the benchmark."""
    return Result(
        uid="test-pictures",
        scan=Scan(run_uid="test-run", sample="test pictures"),
        algorithm="none",
        parameters={},
        frame_shape=(SIZE, SIZE),
        versions={},
        device="CPU",
        memory_bytes=0,
        started_s=time.time(),
        view_shapes=dict.fromkeys(VIEWS, (SIZE, SIZE)),
    )


def publish(
    publisher: TiledPublisher, seconds: float, given_s: dict[int, float]
) -> None:
    """Publish at the rate; each picture holds its number in its first element."""
    rng = np.random.default_rng(0)
    pictures = rng.normal(size=(4, SIZE, SIZE)).astype(np.float32)
    began_s = time.monotonic()
    for number in range(1, int(seconds * RATE_HZ) + 1):
        due_s = began_s + (number - 1) / RATE_HZ
        time.sleep(max(0.0, due_s - time.monotonic()))
        picture = pictures[number % 4].copy()
        picture[0, 0] = number
        given_s[number] = time.time()
        progress = Progress(frames_received=number, frames_used=number)
        views = dict.fromkeys(VIEWS, picture)
        publisher.write(Update(number, time.time(), progress, views))


def measure(seconds: float) -> dict[str, Any]:
    """Give ages in milliseconds, and how many pictures were painted."""
    with tempfile.TemporaryDirectory() as place, tiled_server(Path(place)) as uri:
        state = Path(place)
        key = read_or_make_key(state)
        publisher = TiledPublisher(uri, key, results_dir(state))
        publisher.open(make_result())
        given_s: dict[int, float] = {}
        with sync_playwright() as playwright:
            path = shutil.which("chromium")
            browser = playwright.chromium.launch(executable_path=path, args=FLAGS)
            page = browser.new_page(viewport={"width": 1280, "height": 800})
            page.goto(page_uri(uri, api_key=key))
            page.wait_for_function(LIVE)
            page.evaluate(WATCH)
            thread = Thread(target=publish, args=(publisher, seconds, given_s))
            thread.start()
            while thread.is_alive():
                page.wait_for_timeout(100)
            page.wait_for_timeout(1000)
            seen = page.evaluate("window.seen")
            browser.close()
        publisher.shut_down()
    counted = [(int(n), at_s) for n, at_s in seen if n > UNTIL_STEADY]
    ages_ms = [1e3 * (at_s - given_s[number]) for number, at_s in counted]
    p50, p95, most = np.percentile(ages_ms, [50, 95, 100])
    return {
        "published": len(VIEWS) * (len(given_s) - UNTIL_STEADY),
        "painted": len(ages_ms),
        "age_p50_ms": round(float(p50)),
        "age_p95_ms": round(float(p95)),
        "age_max_ms": round(float(most)),
        "load": round(os.getloadavg()[0], 1),
        "cores": os.cpu_count(),
    }


if __name__ == "__main__":
    figures = measure(float(sys.argv[1]) if len(sys.argv) > 1 else 20.0)
    sys.stdout.write(json.dumps(figures) + "\n")
