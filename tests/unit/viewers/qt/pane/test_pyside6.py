"""The pane with the other Qt binding, in a process of its own."""

import os
import subprocess
import sys

SCRIPT = """
import os

import numpy as np
from qtpy import API_NAME
from qtpy.QtWidgets import QApplication

from daiss_bluesky.viewers.model.picture import Picture
from daiss_bluesky.viewers.model.regions import SHAPES
from daiss_bluesky.viewers.qt.pane.pane import ImagePane

assert API_NAME == "PySide6", API_NAME
app = QApplication([])
pane = ImagePane("Slice xy")
pane.resize(700, 500)
pane.show()
heard = []
pane.crosshair_moved.connect(lambda row, column: heard.append((row, column)))
pixels = np.arange(1200.0).reshape(30, 40)
pane.show_picture(Picture("result", "slice_xy", 1, 1.7e9, pixels, 0.5))
for shape in SHAPES:
    pane.measuring.marks.add_region(shape)
for name, action in pane.actions_by_name.items():
    if name != "save":
        action.trigger()
pane.canvas.view.clicked.emit(3.5, 4.5)
assert heard == [(3.5, 4.5)]
pane.show_picture(Picture("result", "slice_xy", 2, 1.7e9, pixels + 1, 0.5))
app.processEvents()
assert "· 125.0 · Δ 1.0" in pane.readout.text(), pane.readout.text()
assert not pane.saving.sheet()().isNull()
stored = pane.save_layout()
pane.load_layout(stored)
assert pane.save_layout() == stored
assert not pane.grab().isNull()
pane.painting.set_blinking(False)
pane.close()
print("shown", flush=True)
"""


def test_the_pane_works_with_pyside6() -> None:
    environment = os.environ | {"QT_API": "pyside6", "QT_QPA_PLATFORM": "offscreen"}
    ended = subprocess.run(
        [sys.executable, "-c", SCRIPT],
        env=environment,
        capture_output=True,
        text=True,
        timeout=180,
        check=False,
    )
    assert ended.returncode == 0, ended.stderr
    assert ended.stdout.strip() == "shown"
    assert "Traceback" not in ended.stderr
