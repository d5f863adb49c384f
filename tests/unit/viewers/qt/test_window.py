"""The window shows what the view model has, and takes wishes back."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from qtpy.QtCore import QEvent, QPoint, QRectF, QSettings, Qt
from qtpy.QtTest import QTest
from qtpy.QtWidgets import QApplication

from daiss_bluesky.viewers.model.connection import Connection
from daiss_bluesky.viewers.model.curves import Curves
from daiss_bluesky.viewers.qt.fan import Tile
from daiss_bluesky.viewers.qt.keys import KEYS
from daiss_bluesky.viewers.qt.layout import LayoutStore
from daiss_bluesky.viewers.qt.pane.pane import ImagePane
from daiss_bluesky.viewers.qt.theme import DARK, LIGHT
from daiss_bluesky.viewers.qt.window import ViewerWindow
from tests.unit.viewers.qt.fake_feed import SHAPES, FakeFeed, FakeReconstructor, pump

SLICES = tuple(SHAPES)


class Opened:
    """A window with what is behind it."""

    def __init__(self, feed: FakeFeed, store: LayoutStore | None = None) -> None:
        self.feed = feed
        self.reconstructor = FakeReconstructor()
        self.window = ViewerWindow(feed, steering=self.reconstructor, store=store)
        self.window.show()
        self.panes = self.window.tomography.panes
        pump(lambda: self.window.followed.result_uid)

    def show(self, *views: str, number: int = 1) -> None:
        self.feed.put(*views, number=number)
        pages = self.window.pages[self.feed.now.technique]
        pump(
            lambda: all(
                (shown := pages.panes[view].picture) and shown.number == number
                for view in views
            )
        )

    def close(self) -> None:
        """Close it and let Qt take it apart: windows that linger are dressed again."""
        self.window.close()
        self.window.deleteLater()
        QApplication.sendPostedEvents(None, QEvent.Type.DeferredDelete)
        QApplication.processEvents()

    def asked(self, name: str) -> list[tuple[Any, ...]]:
        return [one[1:] for one in self.reconstructor.asked if one[0] == name]


@pytest.fixture
def opened(qt_app: Any) -> Iterator[Opened]:
    opened = Opened(FakeFeed())
    yield opened
    opened.close()


def test_pictures_reach_their_panes(opened: Opened) -> None:
    opened.show(*SLICES, "projection")
    for view in (*SLICES, "projection"):
        picture = opened.panes[view].picture
        assert picture is not None
        assert np.array_equal(picture.pixels, opened.feed.picture(view).pixels)
    assert opened.window.stack.currentWidget() is opened.window.tomography


def test_a_picture_of_another_result_is_not_shown(opened: Opened) -> None:
    opened.show("slice_xy")
    late = replace(opened.feed.picture("slice_xy", number=7), result_uid="other")
    opened.feed.mailbox.put(late)
    opened.show("slice_xz", number=2)
    shown = opened.panes["slice_xy"].picture
    assert shown is not None
    assert shown.number == 1


def test_the_honesty_line_says_what_the_model_says(opened: Opened) -> None:
    pump(lambda: "90 used" in opened.window.honesty.text())
    assert opened.window.honesty.text().startswith("running")
    assert "of 181" in opened.window.honesty.text()


def test_one_crosshair_moves_the_others_and_asks_for_the_slices(opened: Opened) -> None:
    opened.show(*SLICES)
    opened.panes["slice_xy"].crosshair_moved.emit(7.2, 33.9)
    assert opened.panes["slice_xz"].crosshair() == (10.5, 33.5)
    assert opened.panes["slice_yz"].crosshair() == (10.5, 7.5)
    pump(lambda: opened.asked("look"))
    assert opened.asked("look")[-1] == (10, 7, 33)
    opened.show("projection")
    opened.panes["projection"].crosshair_moved.emit(3.0, 4.0)
    assert opened.panes["slice_xz"].crosshair() == (3.5, 33.5)


def test_a_finished_result_is_cut_anew(opened: Opened) -> None:
    opened.show(*SLICES)
    metadata = {**opened.feed.now.metadata, "status": "complete"}
    opened.feed.now = replace(opened.feed.now, metadata=metadata)
    pump(lambda: opened.window.followed.finished)
    opened.panes["slice_xz"].crosshair_moved.emit(3.0, 5.0)
    pump(lambda: place_of(opened, "slice_yz") == 5)
    assert place_of(opened, "slice_xy") == 3
    assert opened.asked("look") == []


def place_of(opened: Opened, view: str) -> int | None:
    picture = opened.panes[view].picture
    assert picture is not None
    return picture.place


def test_the_center_goes_to_the_reconstructor(opened: Opened) -> None:
    center = opened.window.steering.center
    pump(lambda: center.spin.value() == 20.5)
    press(opened.window, "]")
    press(opened.window, "{")
    pump(lambda: opened.asked("center")[-1:] == [(21.4, "result5")])
    assert center.relative.text() == "middle of the detector +1.40 px"
    assert center.in_force.text() == "in force: 20.50 px (pair)"


def test_without_auto_update_only_apply_sends(opened: Opened) -> None:
    center = opened.window.steering.center
    pump(lambda: center.spin.value() == 20.5)
    center.auto.setChecked(False)
    pump(lambda: not opened.window.errands.busy())
    center.nudge(3.0)
    assert not opened.window.errands.busy()
    assert opened.asked("center") == []
    center.apply.click()
    pump(lambda: opened.asked("center") == [(23.5, "result5")])


def test_a_refusal_is_one_sentence(opened: Opened) -> None:
    opened.reconstructor.refuses.add("center")
    opened.window.steering.apply_center(19.0)
    bar = opened.window.statusBar()
    pump(lambda: bar.currentMessage() == "center is refused")


def test_a_click_into_the_fan_chooses_its_center(opened: Opened) -> None:
    opened.show(*SLICES)
    steering = opened.window.steering
    pump(lambda: steering.center.spin.value() == 20.5)
    steering.open_fan()
    pump(lambda: steering.fan.tiles[8].tile)
    assert opened.asked("fan") == [(20.5, 1.0, 9, 10)]
    best = [tile for tile in steering.fan.tiles if tile.best]
    assert [tile.tile.center_px for tile in best if tile.tile] == [21.5]
    QTest.mouseClick(best[0], Qt.MouseButton.LeftButton)
    pump(lambda: opened.asked("center") == [(21.5, "result5")])


def test_a_fan_that_is_not_sure_has_no_star(opened: Opened) -> None:
    fan = opened.window.steering.fan
    slices = np.eye(8, dtype=np.float32)
    fan.show_tiles([Tile(1.0, 1.2, slices), Tile(2.0, 1.0, slices)], "too few angles")
    assert [tile.best for tile in fan.tiles[:2]] == [False, False]
    assert fan.words.text() == "not sure which: too few angles"
    fan.show_tiles([Tile(1.0, 1.2, slices), Tile(2.0, 1.0, slices)])
    assert [tile.best for tile in fan.tiles[:2]] == [False, True]


def test_a_fan_comes_by_itself_once_the_slices_are_good(opened: Opened) -> None:
    opened.show(*SLICES)
    assert opened.asked("fan") == []
    opened.feed.told = replace(opened.feed.told, coverage=0.95)
    pump(lambda: opened.asked("fan"))
    pump(lambda: opened.window.steering.fan.tiles[8].tile)
    assert len(opened.asked("fan")) == 1


def test_half_a_turn_agrees_at_the_center(opened: Opened) -> None:
    opened.show(*SLICES)
    pane = opened.window.tomography.half_turn
    pump(lambda: pane.pixels() is not None)
    agreed = pane.pixels()
    assert agreed is not None
    assert np.array_equal(agreed[..., 0], agreed[..., 1])
    opened.window.steering.center.nudge(1.0)
    moved = pane.pixels()
    assert moved is not None
    assert not np.array_equal(moved[..., 0], moved[..., 1])


def test_the_sinogram_is_that_of_the_crosshair(opened: Opened) -> None:
    opened.show(*SLICES)
    pump(lambda: opened.asked("sinogram") == [(10,)])
    pump(lambda: opened.panes["sinogram"].picture)
    shown = opened.panes["sinogram"].picture
    assert shown is not None
    assert np.allclose(shown.pixels[:, 0], [0, 0.1, 0.2])


def test_a_manual_step_pauses_following_and_l_goes_on(opened: Opened) -> None:
    view = opened.window.runs.view
    pump(lambda: opened.window.runs.table.rowCount() == 5)
    where = view.visualRect(opened.window.runs.table.index(2, 0)).center()
    QTest.mouseClick(view.viewport(), Qt.MouseButton.LeftButton, pos=QPoint(where))
    assert opened.feed.asked == ["result3"]
    opened.feed.now = replace(
        opened.feed.now, result_uid="result3", raw_uid="run3", pinned=True, behind=2
    )
    bar = opened.window.bar
    pump(lambda: bar.behind.text() == "2 behind, press L")
    assert not bar.follow.isChecked()
    press(opened.window, "L")
    assert opened.feed.asked == ["result3", None]


def test_typing_into_the_search_is_no_key_of_the_window(opened: Opened) -> None:
    pump(lambda: opened.window.runs.table.rowCount() == 5)
    opened.window.runs.search.setFocus()
    QTest.keyClicks(opened.window.runs.search, "rock2l")
    assert opened.feed.asked == []
    pump(lambda: opened.window.runs.table.rowCount() == 0)
    opened.window.runs.search.setText("rock2")
    pump(lambda: opened.window.runs.table.rowCount() == 1)


def test_a_run_can_be_copied_for_python(opened: Opened) -> None:
    pump(lambda: opened.window.runs.table.rowCount() == 5)
    copies = opened.window.runs.copies("run2")
    assert copies["Copy uid"] == "run2"
    assert copies["Copy scan id"] == "2"
    compile(copies["Copy as Python"], "copied", "exec")


def test_a_server_that_is_away_gives_a_banner_that_goes(opened: Opened) -> None:
    assert not opened.window.banner.isVisible()
    away = Connection(
        "reconnecting", 0.0, message="Tiled does not answer; reconnecting"
    )
    opened.feed.line = away
    pump(opened.window.banner.isVisible)
    assert "reconnecting" in opened.window.banner.text()
    opened.feed.line = Connection("connected", 0.0)
    pump(lambda: not opened.window.banner.isVisible())


def test_curves_are_drawn(opened: Opened) -> None:
    number = np.arange(1, 4)
    columns = {"lag_s": np.array([0.1, np.nan, 0.3]), "coverage": number / 10}
    opened.feed.drawn = Curves(number, columns)
    plots = opened.window.plots
    pump(lambda: len(plots.coverage.values("coverage")[0]) == 3)
    x, y = plots.lag.values("lag")
    assert np.array_equal(x, [1, 3])
    assert np.array_equal(y, [0.1, 0.3])


def test_what_the_user_set_survives_fifty_updates(opened: Opened) -> None:
    opened.show(*SLICES)
    pane = opened.panes["slice_xy"]
    pane.crosshair_moved.emit(4.0, 6.0)
    pane.set_crosshair(4.5, 6.5)
    pane.lock_levels()
    before = pane.save_layout()
    levels = pane.levels
    for number in range(2, 52):
        opened.show(*SLICES, number=number)
    assert pane.save_layout() == before
    assert pane.levels == levels


def test_past_updates_are_shown_while_newer_ones_come(opened: Opened) -> None:
    for number in (1, 2, 3):
        opened.show(*SLICES, number=number)
    scrubber, pane = opened.window.past.scrubber, opened.panes["slice_xy"]
    pump(lambda: scrubber.slider.maximum() == 2)
    scrubber.slider.setValue(0)
    assert number_of(pane) == 1
    opened.feed.put(*SLICES, number=4)
    pump(lambda: scrubber.slider.maximum() == 3)
    assert number_of(pane) == 1
    assert scrubber.words.text().startswith("update 1, of")
    scrubber.go_newest()
    assert number_of(pane) == 4


def test_the_difference_is_newest_minus_past(opened: Opened) -> None:
    opened.feed.put(*SLICES, number=1)
    pump(lambda: number_of(opened.panes["slice_xy"]) == 1)
    brighter = opened.feed.picture("slice_xy", number=2)
    brighter = replace(brighter, pixels=brighter.pixels + 5)
    opened.feed.history.keep(brighter)
    opened.feed.mailbox.put(brighter)
    past, pane = opened.window.past, opened.panes["slice_xy"]
    pump(lambda: past.scrubber.slider.maximum() == 1)
    past.scrubber.step(-1)
    past.toggle_difference()
    shown = pane.painting.shown_pixels()
    assert np.all(shown == 5)
    past.scrubber.go_newest()
    assert np.array_equal(pane.painting.shown_pixels(), brighter.pixels)


def number_of(pane: ImagePane) -> int | None:
    return pane.picture.number if pane.picture else None


def test_the_layout_is_remembered(qt_app: Any, tmp_path: Path) -> None:
    settings = QSettings(str(tmp_path / "layout.ini"), QSettings.Format.IniFormat)
    first = Opened(FakeFeed(), LayoutStore(settings))
    first.window.set_theme(LIGHT)
    first.window.runs_dock.hide()
    first.show("slice_xy")
    first.panes["slice_xy"].lock_levels()
    locked = first.panes["slice_xy"].levels
    first.close()
    second = Opened(FakeFeed(), LayoutStore(settings))
    assert second.window.theme is LIGHT
    assert second.window.runs_dock.isHidden()
    second.show("slice_xy")
    assert second.panes["slice_xy"].levels == locked
    second.close()


def test_damaged_settings_are_no_layout(qt_app: Any, tmp_path: Path) -> None:
    settings = QSettings(str(tmp_path / "layout.ini"), QSettings.Format.IniFormat)
    settings.setValue("layout", "{no json")
    opened = Opened(FakeFeed(), LayoutStore(settings))
    assert opened.window.theme is DARK
    opened.close()


def test_every_key_is_on_the_sheet(opened: Opened) -> None:
    press(opened.window, "?")
    assert opened.window.keys.isVisible()
    words = opened.window.keys.words()
    assert all(meaning in words for keys in KEYS.values() for meaning in keys.values())
    press(opened.window, "Esc")
    assert not opened.window.keys.isVisible()


def test_a_ptychography_has_its_own_page(qt_app: Any) -> None:
    opened = Opened(FakeFeed("ptychography"))
    opened.show("object_phase", "probe", "coverage")
    assert opened.window.stack.currentWidget() is opened.window.pages["ptychography"]
    panel = opened.window.ptychography
    lit = np.zeros((20, 40), np.float32)
    lit[5:15, 10:30] = 1
    coverage = opened.feed.picture("coverage", lit, number=2)
    opened.feed.mailbox.put(coverage)
    box = opened.window.pages["ptychography"].panes["object_phase"].canvas.view
    pump(lambda: box.viewRect().contains(QRectF(10, 5, 20, 10)))
    pump(lambda: box.viewRect().width() < 40)
    panel.crop.setChecked(False)
    assert box.viewRect().contains(QRectF(0, 0, 40, 20))
    pump(lambda: "3 planned" in panel.positions.words)
    opened.feed.now = replace(opened.feed.now, arrays={"positions_um": (2, 2)})
    pump(lambda: panel.positions.words == "3 planned, 2 refined")
    panel.switches["update_probe"].click()
    pump(lambda: opened.asked("update") == [({"update_probe": True},)])
    opened.close()


def press(window: ViewerWindow, key: str) -> None:
    window.setFocus()
    QApplication.processEvents()
    codes = {"L": Qt.Key.Key_L, "]": Qt.Key.Key_BracketRight, "Esc": Qt.Key.Key_Escape}
    if key in codes:
        QTest.keyClick(window, codes[key])
    else:
        QTest.keyClicks(window, key)
