"""A region on the picture: rectangle, ellipse or polygon, to drag and to lock."""

from typing import Any

import pyqtgraph as pg
from qtpy.QtCore import QObject, Signal

from daiss_bluesky.viewers.model.regions import Region, Trend, polygon
from daiss_bluesky.viewers.qt.pane.label import Label
from daiss_bluesky.viewers.qt.pane.right_click import RightClick


class _Rectangle(RightClick, pg.RectROI):
    """Dragged inside, resized at a corner."""


class _Polygon(RightClick, pg.PolyLineROI):
    """A click on an edge adds a corner."""


class _Ellipse(RightClick, pg.EllipseROI):
    """Without the handle that turns it: regions lie along rows and columns."""

    def _addHandles(self) -> None:
        self.addScaleHandle((1, 1), (0, 0))


class RegionMark(QObject):
    """Keeps its place on the picture and its trend."""

    moved = Signal()

    def __init__(self, name: str, region: Region, color: str) -> None:
        super().__init__()
        self.name = name
        self.trend = Trend()
        self.locked = False
        self._shape = region.shape
        self._quiet = False
        self.item = _make(region)
        self.item.setZValue(25)
        self._text = Label(name, anchor=(0.5, 0.5))
        self._text.setParentItem(self.item)
        self.item.sigRegionChanged.connect(self._moved)
        self.item.setPen(pg.mkPen(color, width=2))
        self._move_text()

    def region(self) -> Region:
        """Give where it is."""
        if self._shape == "polygon":
            return polygon(self._corners())
        place, size = self.item.pos(), self.item.size()
        width, height = max(size.x(), 1e-9), max(size.y(), 1e-9)
        return Region(self._shape, place.y(), place.x(), height, width)

    def place(self, region: Region, *, keep_trend: bool = False) -> None:
        """Put it somewhere; the trend ends, unless it is the same place."""
        self._quiet = True
        if self._shape == "polygon":
            self.item.setPos(0, 0)
            self.item.setPoints([(column, row) for row, column in region.corners])
        else:
            self.item.setPos((region.left, region.top), update=False)
            self.item.setSize((region.width, region.height))
        self._quiet = False
        self.set_locked(self.locked)  # a polygon's corners are new ones
        if keep_trend:
            self._move_text()
        else:
            self._moved()

    def set_locked(self, locked: bool) -> None:
        """Let it be dragged or not."""
        self.locked = locked
        self.item.translatable = not locked
        self.item.resizable = not locked
        for handle in self.item.getHandles():
            handle.setVisible(not locked)

    def _corners(self) -> list[tuple[float, float]]:
        points = [self.item.mapToParent(h.pos()) for h in self.item.getHandles()]
        return [(point.y(), point.x()) for point in points]

    def _moved(self, *_: Any) -> None:
        if self._quiet:
            return
        self.trend.clear()
        self._move_text()
        self.moved.emit()

    def _move_text(self) -> None:
        box = self.region()
        middle = (box.left + box.width / 2, box.top + box.height / 2)
        self._text.setPos(self.item.mapFromParent(*middle))


def _make(region: Region) -> Any:
    if region.shape == "polygon":
        points = [(column, row) for row, column in region.corners]
        return _Polygon(points, closed=True, removable=True)
    kind = _Rectangle if region.shape == "rectangle" else _Ellipse
    place, size = (region.left, region.top), (region.width, region.height)
    return kind(place, size, removable=True)
