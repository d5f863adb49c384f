"""A page joins its panes with the window."""

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest

from daiss_bluesky.viewers.qt import keys
from daiss_bluesky.viewers.qt.page import PanePage
from daiss_bluesky.viewers.qt.pane.keys import KEYS
from daiss_bluesky.viewers.qt.window import ViewerWindow
from tests.unit.viewers.qt.fake_feed import FakeFeed, pump


@pytest.fixture
def window(qt_app: Any) -> Iterator[ViewerWindow]:
    shown = ViewerWindow(FakeFeed(), tiled_uri="http://127.0.0.1:8000")
    shown.show()
    yield shown
    shown.close()


def test_another_result_begins_with_empty_panes(window: ViewerWindow) -> None:
    feed = window.feed
    assert isinstance(feed, FakeFeed)
    pane = window.tomography.panes["slice_xy"]
    feed.put("slice_xy")
    pump(lambda: pane.picture is not None)
    feed.now = replace(feed.now, result_uid="another")
    pump(lambda: pane.picture is None)


def test_python_reads_from_the_windows_server(window: ViewerWindow) -> None:
    feed = window.feed
    assert isinstance(feed, FakeFeed)
    pane = window.tomography.panes["slice_xz"]
    feed.put("slice_xz")
    pump(lambda: pane.picture is not None and pane.saving.tiled_uri)
    assert "http://127.0.0.1:8000" in pane.saving.snippet()
    assert "live/slice_xz" in pane.saving.snippet()
    feed.now = replace(feed.now, arrays={"volume": (30, 40, 50)})
    pump(lambda: "volume" in pane.saving.snippet())


def test_what_a_pane_says_stands_in_the_status_line(window: ViewerWindow) -> None:
    window.tomography.panes["slice_xy"].said.emit("picture copied")
    assert window.statusBar().currentMessage() == "picture copied"


def test_a_damaged_layout_of_a_pane_is_left_out(qt_app: Any) -> None:
    page = PanePage({"slice_xy": "xy", "slice_xz": "xz"})
    stored = {
        "panes": {"slice_xy": {"zoom": "?"}, "slice_xz": {"crosshair": [3.0, 4.0]}}
    }
    page.load_layout(stored)
    assert page.panes["slice_xz"].crosshair() == (3, 4)


def test_no_key_is_both_the_windows_and_a_panes() -> None:
    of_window = {key for group in keys.KEYS.values() for key in group}
    assert not of_window & {key.key for key in KEYS}
