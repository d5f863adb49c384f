"""Two lines over the picture, at a row and a column."""

from typing import Any

import pyqtgraph as pg
from qtpy.QtCore import QObject, Qt, Signal


class Crosshair(QObject):
    """Lines that the user drags; `moved` is said of the user's moves only."""

    moved = Signal(float, float)

    def __init__(self, view: pg.ViewBox) -> None:
        super().__init__()
        self._lines = {
            "row": pg.InfiniteLine(angle=0, movable=True),
            "column": pg.InfiniteLine(angle=90, movable=True),
        }
        for line in self._lines.values():
            line.setZValue(20)
            line.sigDragged.connect(self._dragged)
            view.addItem(line, ignoreBounds=True)

    @property
    def row(self) -> float:
        """From the top edge, in px."""
        return float(self._lines["row"].value())

    @property
    def column(self) -> float:
        """From the left edge, in px."""
        return float(self._lines["column"].value())

    def place(self, row: float, column: float) -> None:
        """Put it somewhere without saying so."""
        self._lines["row"].setValue(row)
        self._lines["column"].setValue(column)

    def set_bounds(self, rows: int, columns: int) -> None:
        """Keep it inside the picture."""
        self._lines["row"].setBounds((0, rows - 1e-6))
        self._lines["column"].setBounds((0, columns - 1e-6))

    def set_visible(self, visible: bool) -> None:
        """Show or hide it."""
        for line in self._lines.values():
            line.setVisible(visible)

    @property
    def visible(self) -> bool:
        """Whether it is shown."""
        return bool(self._lines["row"].isVisible())

    def set_color(self, color: str) -> None:
        """Take the theme's color."""
        for line in self._lines.values():
            line.setPen(pg.mkPen(color, width=1))
            line.setHoverPen(pg.mkPen(color, width=3, style=Qt.PenStyle.SolidLine))

    def _dragged(self, *_: Any) -> None:
        self.moved.emit(self.row, self.column)
