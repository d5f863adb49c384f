"""Where the picture lies: drag moves, wheel zooms, Ctrl and drag zooms into a box."""

from typing import Any

import pyqtgraph as pg
from qtpy.QtCore import QRectF, Qt, Signal


class PictureViewBox(pg.ViewBox):
    """Row 0 at the top, square pixels; remembers whether the picture is fitted.

    Points are (column, row) counted from the picture's top left edge.
    """

    clicked = Signal(float, float)
    """Row, column."""
    double_clicked = Signal()

    def __init__(self) -> None:
        super().__init__(invertY=True, lockAspect=1.0, enableMenu=False)
        self.fitted = True
        self._bounds = QRectF(0, 0, 1, 1)
        self._box = False
        self.sigRangeChangedManually.connect(self._leave_fit)

    def set_bounds(self, bounds: QRectF) -> None:
        """Say where the picture is; fits again if it was fitted."""
        self._bounds = bounds
        if self.fitted:
            self.fit()

    def set_square(self, square: bool) -> None:
        """Keep pixels square, or fill the pane: an angle is no length."""
        if bool(self.state["aspectLocked"]) != square:
            self.setAspectLocked(square)
            if self.fitted:
                self.fit()

    def fit(self) -> None:
        """Show the whole picture, now and when the pane is resized."""
        self.setRange(self._bounds, padding=0, disableAutoRange=True)
        self.fitted = True

    def one_to_one(self) -> None:
        """Show one picture pixel on one screen pixel, about the present middle."""
        middle = self.viewRect().center()
        self.show_rect(
            QRectF(
                middle.x() - self.width() / 2,
                middle.y() - self.height() / 2,
                self.width(),
                self.height(),
            )
        )

    def show_rect(self, rect: QRectF) -> None:
        """Show a part, in (column, row), and stay there."""
        self.setRange(rect, padding=0, disableAutoRange=True)
        self.fitted = False

    def _leave_fit(self, *_: Any) -> None:
        self.fitted = False

    def resizeEvent(self, event: Any) -> None:
        """Keep a fitted picture fitted."""
        super().resizeEvent(event)
        if self.fitted:
            self.fit()

    def mouseDragEvent(self, ev: Any, axis: int | None = None) -> None:
        """Move with the left button; a box where Ctrl was down at the start."""
        if ev.button() != Qt.MouseButton.LeftButton:
            ev.ignore()
            return
        if ev.isStart():
            self._box = bool(ev.modifiers() & Qt.KeyboardModifier.ControlModifier)
        self.state["mouseMode"] = self.RectMode if self._box else self.PanMode
        super().mouseDragEvent(ev, axis)
        if self._box and ev.isFinish():
            self.fitted = False

    def mouseClickEvent(self, ev: Any) -> None:
        """Put the crosshair; fit on a double click."""
        if ev.button() != Qt.MouseButton.LeftButton:
            ev.ignore()
            return
        ev.accept()
        if ev.double():
            self.fit()
            self.double_clicked.emit()
            return
        point = self.mapSceneToView(ev.scenePos())
        if self._bounds.contains(point):
            self.clicked.emit(point.y(), point.x())
