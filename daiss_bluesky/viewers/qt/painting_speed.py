"""How fast pictures get onto the screen; `daiss bench viewer` reports it."""

import os
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import numpy as np
from numpy.typing import NDArray
from qtpy.QtWidgets import QApplication

from daiss_bluesky.viewers.model.mailbox import Mailbox
from daiss_bluesky.viewers.model.picture import Picture
from daiss_bluesky.viewers.qt.app import quiet_runtime_directory
from daiss_bluesky.viewers.qt.pane.pane import ImagePane
from daiss_bluesky.viewers.qt.window import TICK_MS

SIDE_PX = 900
"""Of the window that is painted, as the pane of a 2k picture has on a large screen."""


@contextmanager
def pane_without_screen() -> Iterator[ImagePane]:
    """Open a pane with its histogram, on no screen unless the user names a platform."""
    os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")
    quiet_runtime_directory()
    application = QApplication.instance() or QApplication([])
    pane = ImagePane("Slice xy")
    pane.resize(SIDE_PX, SIDE_PX)
    pane.show()
    application.processEvents()
    try:
        yield pane
    finally:
        pane.close()
        pane.deleteLater()
        application.processEvents()


def paint(pane: ImagePane, picture: Picture) -> None:
    """Show a picture, and return when every pixel of it is painted."""
    pane.show_picture(picture)
    pane.canvas.viewport().repaint()
    pane.levels_bar.repaint()


def measure_painting(frames: Sequence[NDArray[Any]], seconds: float) -> dict[str, Any]:
    """Set and paint frames (row, column) one after the other for so long."""
    times_s: list[float] = []
    with pane_without_screen() as pane:
        paint(pane, _picture(frames[0], 0))
        began_s = time.perf_counter()
        while (before_s := time.perf_counter()) < began_s + seconds:
            number = len(times_s) + 1
            paint(pane, _picture(frames[number % len(frames)], number))
            times_s.append(time.perf_counter() - before_s)
    return {
        "painted": len(times_s),
        "fps": len(times_s) / sum(times_s),
        "paint_p95_ms": 1e3 * float(np.percentile(times_s, 95)),
    }


def ages_on_screen(mailbox: Mailbox, seconds: float) -> list[float]:
    """Paint what comes, as a window does, for so long; gives ages in s when painted."""
    ages_s = []
    ended_s = time.monotonic() + seconds
    with pane_without_screen() as pane:
        while time.monotonic() < ended_s:
            QApplication.processEvents()
            pictures: Mapping[str, Picture] = mailbox.take()
            for picture in pictures.values():
                paint(pane, picture)
                ages_s.append(time.time() - picture.published_s)
            time.sleep(TICK_MS / 1e3)
    return ages_s


def _picture(pixels: NDArray[Any], number: int) -> Picture:
    return Picture("painting", "slice_xy", number, time.time(), pixels)
