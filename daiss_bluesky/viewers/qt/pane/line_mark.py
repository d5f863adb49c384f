"""A free line on the picture: a ruler, and where a profile is taken."""

from typing import Any

import pyqtgraph as pg
from qtpy.QtCore import QPointF

from daiss_bluesky.viewers.model.profile import Line
from daiss_bluesky.viewers.model.readout import length_text
from daiss_bluesky.viewers.qt.pane.label import Label
from daiss_bluesky.viewers.qt.pane.right_click import RightClick


class LineMark(RightClick, pg.LineSegmentROI):
    """Both ends can be dragged; its length stands beside it."""

    def __init__(self, name: str, line: Line, color: str) -> None:
        ends = ((line.column_0, line.row_0), (line.column_1, line.row_1))
        super().__init__(ends, removable=True)
        self.name = name
        self.pixel_size_um: float | None = None
        self._text = Label()
        self._text.setParentItem(self)
        self.setZValue(30)
        self.sigRegionChanged.connect(self._relabel)
        self.setPen(pg.mkPen(color, width=2))
        self._relabel()

    def line(self, width_px: float = 1.0) -> Line:
        """Give where it is."""
        start, end = self._ends()
        return Line(start.y(), start.x(), end.y(), end.x(), width_px)

    def place(self, line: Line) -> None:
        """Put it somewhere."""
        self.setPos(0, 0)
        first, last = self.getHandles()
        first.setPos(QPointF(line.column_0, line.row_0))
        last.setPos(QPointF(line.column_1, line.row_1))
        self.movePoint(first, (line.column_0, line.row_0), coords="parent")
        self.movePoint(last, (line.column_1, line.row_1), coords="parent")

    def set_pixel_size(self, pixel_size_um: float | None) -> None:
        """Say its length in µm from now on."""
        self.pixel_size_um = pixel_size_um
        self._relabel()

    @property
    def label(self) -> str:
        """Its name and length."""
        return f"{self.name} {length_text(self.line().length_px, self.pixel_size_um)}"

    def _ends(self) -> tuple[QPointF, QPointF]:
        first, last = self.getHandles()
        return self.mapToParent(first.pos()), self.mapToParent(last.pos())

    def _relabel(self, *_: Any) -> None:
        self._text.setText(self.label)
        self._text.setPos(self.getHandles()[1].pos())
