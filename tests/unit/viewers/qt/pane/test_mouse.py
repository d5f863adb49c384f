"""The mouse as a user moves it: drag, wheel, box, click, double click, levels."""

from collections.abc import Iterator
from typing import Any

import numpy as np
import pyqtgraph as pg
import pytest
from qtpy.QtCore import QEvent, QPoint, QPointF, Qt
from qtpy.QtGui import QMouseEvent, QWheelEvent
from qtpy.QtTest import QTest
from qtpy.QtWidgets import QApplication

from daiss_bluesky.viewers.model.contrast import Levels
from daiss_bluesky.viewers.model.profile import Line
from daiss_bluesky.viewers.model.regions import Region

LEFT = Qt.MouseButton.LeftButton
NONE = Qt.KeyboardModifier.NoModifier
CONTROL = Qt.KeyboardModifier.ControlModifier


def place_of(pane: Any, row: float, column: float) -> QPoint:
    """Where on the canvas a point of the picture is."""
    scene = pane.canvas.view.mapViewToScene(QPointF(column, row))
    return pane.canvas.mapFromScene(scene)


def drag(widget: Any, start: QPoint, end: QPoint, keys: Any = NONE) -> None:
    QTest.mousePress(widget, LEFT, keys, start)
    for part in (0.2, 0.5, 0.8, 1.0):
        between = start + (end - start) * part
        send(QEvent.Type.MouseMove, widget, between, LEFT, keys)
    QTest.mouseRelease(widget, LEFT, keys, end)
    QApplication.processEvents()


def send(kind: Any, widget: Any, place: QPoint, held: Any, keys: Any = NONE) -> None:
    # QTest moves without a button down, and its double click presses three times.
    move = kind == QEvent.Type.MouseMove
    event = QMouseEvent(
        kind,
        QPointF(place),
        QPointF(widget.mapToGlobal(place)),
        Qt.MouseButton.NoButton if move else held,
        held,
        keys,
    )
    QApplication.sendEvent(widget, event)
    QApplication.processEvents()


@pytest.fixture
def shown(pane: Any, make_picture: Any, ramp: Any) -> Iterator[Any]:
    # pyqtgraph leaves out moves that follow each other fast; a test's do
    usual = pg.getConfigOption("mouseRateLimit")
    pg.setConfigOption("mouseRateLimit", 0)
    pane.show_picture(make_picture(ramp))
    QApplication.processEvents()
    yield pane
    pg.setConfigOption("mouseRateLimit", usual)


def middle_of(pane: Any) -> tuple[float, float]:
    center = pane.canvas.view.viewRect().center()
    return center.y(), center.x()


def test_a_drag_moves_the_picture(shown: Any) -> None:
    before = shown.canvas.view.viewRect()
    row, column = middle_of(shown)
    shown.canvas.crosshair.set_visible(False)
    drag(
        shown.canvas.viewport(),
        place_of(shown, row, column),
        place_of(shown, row + 10, column + 20),
    )
    after = shown.canvas.view.viewRect()
    assert after.width() == pytest.approx(before.width())
    assert middle_of(shown) == pytest.approx((row - 10, column - 20), abs=0.5)
    assert not shown.canvas.view.fitted


def test_control_and_drag_zooms_into_the_box(shown: Any) -> None:
    shown.canvas.crosshair.set_visible(False)
    drag(
        shown.canvas.viewport(),
        place_of(shown, 10, 20),
        place_of(shown, 30, 50),
        CONTROL,
    )
    rect = shown.canvas.view.viewRect()
    assert (rect.center().y(), rect.center().x()) == pytest.approx((20, 35), abs=1)
    assert rect.height() < 45
    drag(shown.canvas.viewport(), place_of(shown, 20, 35), place_of(shown, 22, 35))
    assert shown.canvas.view.viewRect().height() == pytest.approx(rect.height())


def test_the_wheel_zooms_at_the_cursor(shown: Any) -> None:
    view = shown.canvas.view
    before = view.viewRect()
    place = QPointF(place_of(shown, 15, 60))
    wheel = QWheelEvent(
        place,
        QPointF(shown.canvas.mapToGlobal(place.toPoint())),
        QPoint(0, 0),
        QPoint(0, 240),
        Qt.MouseButton.NoButton,
        NONE,
        Qt.ScrollPhase.NoScrollPhase,
        False,
    )
    QApplication.sendEvent(shown.canvas.viewport(), wheel)
    QApplication.processEvents()
    assert view.viewRect().width() < before.width()
    kept = view.mapSceneToView(shown.canvas.mapToScene(place.toPoint()))
    assert (kept.y(), kept.x()) == pytest.approx((15, 60), abs=0.5)


def test_a_click_puts_the_crosshair_and_two_fit(shown: Any) -> None:
    heard: list[tuple[float, float]] = []
    shown.crosshair_moved.connect(lambda row, column: heard.append((row, column)))
    shown.set_crosshair(1, 1)
    viewport = shown.canvas.viewport()
    QTest.mouseClick(viewport, LEFT, NONE, place_of(shown, 20.5, 40.5))
    assert heard[-1] == pytest.approx((20.5, 40.5), abs=0.2)
    assert shown.crosshair() == heard[-1]
    shown.canvas.view.one_to_one()
    assert not shown.canvas.view.fitted
    place = place_of(shown, 30, 30)
    QTest.mouseClick(viewport, LEFT, NONE, place)
    send(QEvent.Type.MouseButtonDblClick, viewport, place, LEFT)
    send(QEvent.Type.MouseButtonRelease, viewport, place, LEFT)
    assert shown.canvas.view.fitted
    assert shown.crosshair() == pytest.approx((20.5, 40.5), abs=0.2)


def test_a_line_of_the_crosshair_is_dragged(shown: Any) -> None:
    heard: list[tuple[float, float]] = []
    shown.crosshair_moved.connect(lambda row, column: heard.append((row, column)))
    shown.set_crosshair(30, 40)
    drag(shown.canvas.viewport(), place_of(shown, 30, 20), place_of(shown, 45, 20))
    assert heard[-1] == pytest.approx((45, 40), abs=0.5)


def test_the_resting_cursor_is_read_where_it_is(shown: Any, ramp: Any) -> None:
    place = place_of(shown, 12.5, 33.5)
    none = Qt.MouseButton.NoButton
    send(QEvent.Type.MouseMove, shown.canvas.viewport(), place, none)
    assert shown.readout.text() == f"y 12, x 33 · {ramp[12, 33]!s}"


@pytest.mark.parametrize("grip", ["high", "low", "both"])
def test_levels_are_dragged(shown: Any, grip: str) -> None:
    bar, before = shown.levels_bar, shown.levels
    at = {
        "high": before.high,
        "low": before.low,
        "both": (before.low + before.high) / 2,
    }[grip]
    start = QPoint(30, round(bar.place_of(at)))
    drag(bar, start, start - QPoint(0, 12))
    step = bar.value_at(0) - bar.value_at(12)
    low = before.low + (step if grip != "high" else 0)
    high = before.high + (step if grip != "low" else 0)
    tolerance = abs(bar.value_at(0) - bar.value_at(2))
    found = shown.levels
    assert [found.low, found.high] == pytest.approx([low, high], abs=tolerance)
    assert shown.look.locked == found


def test_levels_do_not_cross(shown: Any) -> None:
    bar = shown.levels_bar
    start = QPoint(30, round(bar.place_of(shown.levels.high)))
    drag(bar, start, QPoint(30, bar.height() - 1))
    assert shown.levels.low < shown.levels.high


def test_a_double_click_frees_the_levels(shown: Any) -> None:
    shown.lock_levels(Levels(1, 2))
    QTest.mouseDClick(shown.levels_bar, LEFT, NONE, QPoint(20, 50))
    assert shown.look.locked is None


def test_one_to_one_is_one_to_one(shown: Any, make_picture: Any) -> None:
    shown.show_picture(make_picture(np.zeros((2000, 3000), np.uint8)))
    shown.canvas.view.one_to_one()
    width, height = shown.canvas.view.width(), shown.canvas.view.height()
    rect = shown.canvas.view.viewRect()
    assert (rect.width(), rect.height()) == pytest.approx((width, height), rel=1e-3)


def test_keys_are_for_the_pane_that_has_the_focus(shown: Any, qt_app: Any) -> None:
    shown.canvas.view.one_to_one()
    shown.activateWindow()
    shown.setFocus()
    qt_app.processEvents()
    QTest.keyClick(shown, Qt.Key.Key_A)
    assert shown.canvas.view.fitted
    QTest.keyClick(shown, Qt.Key.Key_I)
    assert shown.look.colormap == "gray_inverted"


def test_a_right_click_offers_to_remove_a_mark(shown: Any) -> None:
    marks = shown.measuring.marks
    marks.add_line(Line(10, 10, 10, 30))
    marks.add_region("rectangle", Region("rectangle", 30, 10, 20, 20))
    marks.add_pin(20, 60)
    QApplication.processEvents()
    shown.canvas.crosshair.set_visible(False)
    for row, column, name in ((10, 20, "L1"), (30, 20, "A"), (20, 60, "P1")):
        place = place_of(shown, row, column)
        right = Qt.MouseButton.RightButton
        QTest.mouseClick(shown.canvas.viewport(), right, NONE, place)
        (action,) = marks.menu.actions()
        assert action.text() == f"Remove {name}"
        action.trigger()
        marks.menu.hide()
    assert not (marks.lines)
    assert not (marks.regions)
    assert not (marks.pins)


def test_regions_ends_of_lines_and_pins_are_dragged(shown: Any) -> None:
    shown.resize(900, 900)
    shown.canvas.crosshair.set_visible(False)
    marks, viewport = shown.measuring.marks, shown.canvas.viewport()
    region = marks.add_region("rectangle", Region("rectangle", 30, 10, 20, 20))
    line = marks.add_line(Line(10, 10, 10, 30))
    pin = marks.add_pin(20, 60)
    QApplication.processEvents()
    drag(viewport, place_of(shown, 44, 14), place_of(shown, 39, 24))
    assert region.region().top == pytest.approx(25, abs=0.7)
    assert region.region().left == pytest.approx(20, abs=0.7)
    drag(viewport, place_of(shown, 10, 30), place_of(shown, 15, 50))
    assert line.line().row_1 == pytest.approx(15, abs=0.7)
    assert line.line().column_1 == pytest.approx(50, abs=0.7)
    drag(viewport, place_of(shown, 20, 60), place_of(shown, 5, 70))
    assert pin.point() == pytest.approx((5, 70), abs=0.7)
    region.set_locked(True)
    held = region.region()
    drag(viewport, place_of(shown, 39, 24), place_of(shown, 30, 30))
    assert region.region() == held
