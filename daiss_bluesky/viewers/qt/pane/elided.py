"""A line of text that ends in dots where there is no room for all of it."""

from typing import Any

from qtpy.QtCore import Qt
from qtpy.QtGui import QPainter
from qtpy.QtWidgets import QLabel, QSizePolicy

_LEAST_PX = 20


class ElidedLabel(QLabel):
    """Never wider than there is room; the tip has the whole text."""

    def __init__(self) -> None:
        super().__init__()
        self.setMinimumWidth(_LEAST_PX)
        self.setMinimumHeight(self.fontMetrics().height() + 4)
        policy = QSizePolicy.Policy
        self.setSizePolicy(policy.Ignored, policy.Preferred)

    def paintEvent(self, _event: Any) -> None:
        """Draw what there is room for."""
        painter = QPainter(self)
        end = Qt.TextElideMode.ElideRight
        shown = self.fontMetrics().elidedText(self.text(), end, self.width() - 4)
        painter.setPen(self.palette().windowText().color())
        middle = int(Qt.AlignmentFlag.AlignVCenter | Qt.AlignmentFlag.AlignLeft)
        painter.drawText(self.rect().adjusted(2, 0, -2, 0), middle, shown)
        painter.end()
