"""Takes pictures of the web viewer on the newest result of what `daiss up` runs.

python docs/how-to/draw_web.py [FOLDER [NAME ...]], all of them without a name.
"""

import shutil
import subprocess
import sys
from io import BytesIO
from pathlib import Path

from PIL import Image
from playwright.sync_api import sync_playwright

FLAGS = ["--no-sandbox", "--use-angle=swiftshader", "--enable-unsafe-swiftshader"]
DESKTOP, PHONE = {"width": 1440, "height": 900}, {"width": 360, "height": 740}
CENTER = "at=z:116,y:104,x:160"
TOMOGRAPHY = {
    "web": (DESKTOP, f"theme=dark&{CENTER}"),
    "web-phone": (PHONE, "theme=light&runs=0"),
    "web-wall": ({"width": 1600, "height": 900}, "theme=dark&kiosk=1"),
}
PTYCHOGRAPHY = {"web-ptychography": (DESKTOP, "theme=light")}
READY = "() => document.querySelectorAll('.pane .wait:not([hidden])').length === 0"
SETTLE_MS = 2000

folder = Path(sys.argv[1] if len(sys.argv) > 1 else "docs/images")
folder.mkdir(parents=True, exist_ok=True)
wanted = sys.argv[2:]
told = subprocess.run(
    ["daiss", "web", "--with-key"], capture_output=True, text=True, check=True
)
page_uri, _, key = told.stdout.strip().partition("#")
with sync_playwright() as playwright:
    path = shutil.which("chromium")
    browser = playwright.chromium.launch(executable_path=path, args=FLAGS)
    page = browser.new_page()
    page.goto(f"{page_uri}#{key}")
    page.wait_for_selector(".pane[data-painted]")
    kind = page.inner_text("#title").split(" · ")[1]
    page.close()
    pictures = TOMOGRAPHY if kind == "tomography" else PTYCHOGRAPHY
    for name in wanted or pictures:
        size, query = pictures[name]
        page = browser.new_page(viewport=size, device_scale_factor=1)
        page.goto(f"{page_uri}?{query}#{key}")
        page.wait_for_selector(".pane[data-painted]")
        page.wait_for_function(READY)
        page.wait_for_timeout(SETTLE_MS)
        taken = Image.open(BytesIO(page.screenshot())).convert("RGB")
        taken.quantize(256).save(folder / f"{name}.png", optimize=True)
        page.close()
        print(folder / f"{name}.png")
    browser.close()
