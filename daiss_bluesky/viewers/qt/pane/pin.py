"""A pinned marker: stays at its element and says the newest value."""

from collections.abc import Callable
from typing import Any

import pyqtgraph as pg
from qtpy.QtCore import Qt

from daiss_bluesky.viewers.model.picture import Picture
from daiss_bluesky.viewers.model.readout import element_at, value_text
from daiss_bluesky.viewers.qt.pane.label import label_font


class Pin(pg.TargetItem):
    """Can be dragged; its label follows place and picture."""

    on_right_click: Callable[[Any], None]

    def __init__(self, name: str, row: float, column: float, color: str) -> None:
        self.name = name
        self._picture: Picture | None = None
        super().__init__((column, row), size=11, movable=True, label=name)
        self.label().setColor("w")
        self.label().setFont(label_font())
        self.label().fill = pg.mkBrush(0, 0, 0, 150)
        self.setZValue(35)
        self.setPen(pg.mkPen(color, width=2))
        self.setHoverPen(pg.mkPen(color, width=3))
        self.sigPositionChanged.connect(self._relabel)

    def mouseClickEvent(self, ev: Any) -> None:
        """Say that the right button was clicked on it, as an ROI does."""
        if ev.button() == Qt.MouseButton.RightButton and not self.moving:
            ev.accept()
            self.on_right_click(ev)
            return
        super().mouseClickEvent(ev)

    def point(self) -> tuple[float, float]:
        """Give row and column."""
        return float(self.pos().y()), float(self.pos().x())

    def show_value(self, picture: Picture) -> None:
        """Read the newest picture."""
        self._picture = picture
        self._relabel()

    @property
    def text(self) -> str:
        """What stands beside it."""
        if self._picture is None:
            return self.name
        value = value_text(self._picture, *element_at(*self.point()))
        return self.name if value is None else f"{self.name}  {value}"

    def _relabel(self, *_: Any) -> None:
        self.label().setText(self.text)
