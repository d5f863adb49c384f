"""A pinned marker: stays at its element and says the newest value."""

from typing import Any

import pyqtgraph as pg

from daiss_bluesky.viewers.model.picture import Picture
from daiss_bluesky.viewers.model.readout import element_at, value_text
from daiss_bluesky.viewers.qt.pane.label import label_font


class Pin(pg.TargetItem):
    """Can be dragged; its label follows place and picture."""

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
