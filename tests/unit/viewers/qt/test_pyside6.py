"""The same window under PySide6, in a process of its own."""

import os
import subprocess
import sys

SMOKE = """
import os

import qtpy
from qtpy.QtWidgets import QApplication

from daiss_bluesky.viewers.qt.window import ViewerWindow
from tests.unit.viewers.qt.fake_feed import SHAPES, FakeFeed, FakeReconstructor, pump

assert qtpy.API_NAME == "PySide6", qtpy.API_NAME
application = QApplication([])
windows = []
for technique, views in (("tomography", SHAPES), ("ptychography", ["object_phase"])):
    feed, reconstructor = FakeFeed(technique), FakeReconstructor()
    window = ViewerWindow(feed, steering=reconstructor)
    windows.append(window)
    window.show()
    feed.put(*views)
    panes = window.pages[technique].panes
    pump(lambda: all(panes[view].picture for view in views))
    pump(lambda: "90 used" in window.honesty.text())
    if technique == "tomography":
        panes["slice_xy"].crosshair_moved.emit(7.2, 33.9)
        assert panes["slice_yz"].crosshair() == (10.5, 7.5)
        window.steering.center.nudge(1.0)
        pump(lambda: ("center", 21.5, "result5") in reconstructor.asked)
    window.toggle_theme()
    window.keys.toggle()
    assert not window.grab().isNull()
    window.close()
print("shown", flush=True)
"""


def test_the_window_works_under_pyside6() -> None:
    environment = os.environ | {"QT_API": "pyside6", "QT_QPA_PLATFORM": "offscreen"}
    environment["PYTHONPATH"] = os.pathsep.join(sys.path)
    ended = subprocess.run(
        [sys.executable, "-c", SMOKE],
        env=environment,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert ended.returncode == 0, ended.stderr
    assert ended.stdout.splitlines()[-1] == "shown"
