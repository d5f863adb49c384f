"""All that lies on one picture: lines, regions and pins."""

from collections.abc import Callable, Mapping
from typing import Any

from qtpy.QtCore import QObject, Signal
from qtpy.QtWidgets import QMenu

from daiss_bluesky.core.errors import InputError, unknown
from daiss_bluesky.viewers.model.picture import Picture
from daiss_bluesky.viewers.model.profile import Line
from daiss_bluesky.viewers.model.regions import (
    MOST,
    SHAPES,
    Region,
    polygon,
    region_from_dict,
)
from daiss_bluesky.viewers.qt.pane.canvas import Canvas
from daiss_bluesky.viewers.qt.pane.colors import MARKS_ON_PICTURE
from daiss_bluesky.viewers.qt.pane.line_mark import LineMark
from daiss_bluesky.viewers.qt.pane.pin import Pin
from daiss_bluesky.viewers.qt.pane.region_mark import RegionMark


class Marks(QObject):
    """Adds, keeps and removes them; places are in px from the top left edge."""

    lines_changed = Signal()
    regions_changed = Signal()
    """One was added, moved or removed."""

    def __init__(self, canvas: Canvas) -> None:
        super().__init__()
        self._canvas = canvas
        self._picture: Picture | None = None
        self.lines: list[LineMark] = []
        self.regions: list[RegionMark] = []
        self.pins: list[Pin] = []
        self.menu = QMenu(canvas)

    def add_line(self, line: Line | None = None) -> LineMark:
        """Lay a line across what is visible, or where it is told to be."""
        top, left, height, width = self._visible_box(0.5)
        middle = top + height / 2
        line = line or Line(middle, left, middle, left + width)
        name = _free_name("L", self.lines)
        mark = LineMark(name, line, _color(len(self.lines)))
        if self._picture is not None:
            mark.set_pixel_size(self._picture.pixel_size_um)
        mark.sigRegionChanged.connect(lambda *_: self.lines_changed.emit())
        self._canvas.view.addItem(mark, ignoreBounds=True)
        mark.on_right_click = self._offer(mark.name, lambda: self.remove_line(mark))
        self.lines.append(mark)
        self.lines_changed.emit()
        return mark

    def add_region(self, shape: str, region: Region | None = None) -> RegionMark:
        """Lay a region on what is visible; InputError for more than there may be."""
        if shape not in SHAPES:
            raise unknown("region shape", shape, SHAPES)
        if len(self.regions) >= MOST:
            raise InputError(f"a fifth region: a pane has {MOST} at most")
        region = region or self._fresh_region(shape)
        names = [mark.name for mark in self.regions]
        name = next(letter for letter in "ABCD" if letter not in names)
        mark = RegionMark(name, region, _color("ABCD".index(name)))
        mark.moved.connect(self.regions_changed)
        self._canvas.view.addItem(mark.item, ignoreBounds=True)
        mark.item.on_right_click = self._offer(name, lambda: self.remove_region(mark))
        self.regions.append(mark)
        self.regions_changed.emit()
        return mark

    def add_pin(self, row: float, column: float) -> Pin:
        """Pin an element."""
        pin = Pin(_free_name("P", self.pins), row, column, _color(len(self.pins)))
        self._canvas.view.addItem(pin, ignoreBounds=True)
        pin.on_right_click = self._offer(pin.name, lambda: self.remove_pin(pin))
        if self._picture is not None:
            pin.show_value(self._picture)
        self.pins.append(pin)
        return pin

    def remove_line(self, mark: LineMark) -> None:
        """Take one away."""
        self.lines.remove(mark)
        self._canvas.view.removeItem(mark)
        self.lines_changed.emit()

    def remove_pin(self, pin: Pin) -> None:
        """Take one away."""
        self.pins.remove(pin)
        self._canvas.view.removeItem(pin)

    def remove_region(self, mark: RegionMark) -> None:
        """Take one away."""
        self.regions.remove(mark)
        self._canvas.view.removeItem(mark.item)
        self.regions_changed.emit()

    def clear(self) -> None:
        """Take all away."""
        for item in (*self.lines, *self.pins, *(mark.item for mark in self.regions)):
            self._canvas.view.removeItem(item)
        self.lines.clear()
        self.pins.clear()
        self.regions.clear()
        self.lines_changed.emit()
        self.regions_changed.emit()

    def show_picture(self, picture: Picture) -> None:
        """Let labels say what the newest picture has."""
        before, self._picture = self._picture, picture
        if before is None or before.pixel_size_um != picture.pixel_size_um:
            for line in self.lines:
                line.set_pixel_size(picture.pixel_size_um)
        for pin in self.pins:
            pin.show_value(picture)

    def rescale(self, down: float, right: float) -> None:
        """Stay where they are when pixels became smaller by these factors."""
        for line in self.lines:
            line.place(line.line().scaled(down, right))
        for mark in self.regions:
            mark.place(mark.region().scaled(down, right), keep_trend=True)
        for pin in self.pins:
            row, column = pin.point()
            pin.setPos((column * right, row * down))

    def to_dict(self) -> dict[str, Any]:
        """Give what JSON can hold."""
        ends = [mark.line() for mark in self.lines]
        return {
            "lines": [[e.row_0, e.column_0, e.row_1, e.column_1] for e in ends],
            "regions": [
                mark.region().to_dict() | {"locked": mark.locked}
                for mark in self.regions
            ],
            "pins": [list(pin.point()) for pin in self.pins],
        }

    def load(self, stored: Mapping[str, Any]) -> None:
        """Put back what `to_dict` gave, in place of what there is."""
        self.clear()
        for ends in stored.get("lines", ()):
            self.add_line(Line(*map(float, ends)))
        for fields in stored.get("regions", ()):
            plain = {key: fields[key] for key in fields if key != "locked"}
            region = region_from_dict(plain)
            self.add_region(region.shape, region).set_locked(bool(fields["locked"]))
        for row, column in stored.get("pins", ()):
            self.add_pin(float(row), float(column))

    def _offer(self, name: str, remove: Callable[[], None]) -> Callable[[Any], None]:
        """Ask where the mouse is: a mark is soon hit by mistake."""

        def ask(click: Any) -> None:
            self.menu.clear()
            removal = self.menu.addAction(f"Remove {name}")
            removal.triggered.connect(lambda *_: remove())
            self.menu.popup(click.screenPos().toPoint())

        return ask

    def _fresh_region(self, shape: str) -> Region:
        share = 0.2 + 0.08 * len(self.regions)
        top, left, height, width = self._visible_box(share)
        if shape != "polygon":
            return Region(shape, top, left, height, width)
        return polygon(
            [
                (top, left + width / 2),
                (top + height, left + width),
                (top + height, left),
            ]
        )

    def _visible_box(self, share: float) -> tuple[float, float, float, float]:
        """Give a box in the middle of what is on the screen."""
        rect = self._canvas.view.viewRect()
        rows, columns = self._canvas.shape
        top, bottom = max(0.0, rect.top()), min(float(rows), rect.bottom())
        left, right = max(0.0, rect.left()), min(float(columns), rect.right())
        height = max(1.0, (bottom - top) * share)
        width = max(1.0, (right - left) * share)
        return (top + bottom - height) / 2, (left + right - width) / 2, height, width


def _color(n: int) -> str:
    return MARKS_ON_PICTURE[n % len(MARKS_ON_PICTURE)]


def _free_name(letter: str, taken: Any) -> str:
    numbers = {int(item.name[1:]) for item in taken}
    return f"{letter}{next(n for n in range(1, len(numbers) + 2) if n not in numbers)}"
