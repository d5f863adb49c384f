"""Histogram beside the picture, with the two levels to drag."""

from typing import Any

import numpy as np
from numpy.typing import NDArray
from qtpy.QtCore import QPointF, QRectF, QSize, Qt, Signal
from qtpy.QtGui import QColor, QImage, QPainter, QPen, QPolygonF
from qtpy.QtWidgets import QSizePolicy, QWidget

from daiss_bluesky.viewers.model.contrast import Levels, histogram
from daiss_bluesky.viewers.qt.pane.colors import DARK, PaneColors

_WIDTH = 84
_STRIP = 12
_REACH = 7
_ROOM = 0.35
"""Shown above and below the levels, as a part of their distance."""


class LevelsBar(QWidget):
    """Counts to the right, values upwards; drag a line, or what is between them."""

    dragged = Signal(float, float)
    released = Signal()
    freed = Signal()
    """A double click: the levels are to follow the picture again."""

    def __init__(self) -> None:
        super().__init__()
        self.setAccessibleName("Histogram and levels")
        self.setToolTip(
            "Drag the lines to set the levels, between them to move both;"
            " double click to let them follow"
        )
        self.setSizePolicy(QSizePolicy.Policy.Fixed, QSizePolicy.Policy.Expanding)
        self.setMouseTracking(True)
        self.log_counts = True
        self._levels = Levels(0.0, 1.0)
        self._shown = (0.0, 1.0)
        self._counts: NDArray[np.int64] = np.zeros(0, np.int64)
        self._strip = QImage()
        self._grip: str | None = None
        self._grip_value = 0.0
        self._colors = DARK

    def sizeHint(self) -> QSize:
        """Be narrow and as high as there is room."""
        return QSize(_WIDTH, 160)

    def set_colors(self, colors: PaneColors) -> None:
        """Take the theme's colors."""
        self._colors = colors
        self.update()

    def set_map(self, lut: NDArray[np.uint8]) -> None:
        """Show the (n, 3) map along the levels."""
        rows = np.linspace(len(lut) - 1, 0, 256).astype(np.intp)
        strip = np.ascontiguousarray(lut[rows])
        self._strip = QImage(
            strip.tobytes(), 1, len(strip), 3, QImage.Format.Format_RGB888
        ).copy()
        self.update()

    def show_counts(self, pixels: NDArray[Any], levels: Levels) -> None:
        """Count a (row, column) picture around its levels."""
        self._levels = levels
        if self._grip is None:
            room = _ROOM * (levels.high - levels.low)
            self._shown = (levels.low - room, levels.high + room)
        self._counts, _ = histogram(pixels, self._shown)
        self.update()

    def set_levels(self, levels: Levels) -> None:
        """Move the lines."""
        self._levels = levels
        self.update()

    def place_of(self, value: float) -> float:
        """Give the height of a value, in screen px from the top."""
        low, high = self._shown
        return float((high - value) / (high - low) * (self.height() - 1))

    def value_at(self, place: float) -> float:
        """Give the value at a height."""
        low, high = self._shown
        return float(high - place / max(1, self.height() - 1) * (high - low))

    def paintEvent(self, _event: Any) -> None:
        """Draw counts, map and lines."""
        painter = QPainter(self)
        painter.fillRect(self.rect(), QColor(self._colors.ground))
        top, bottom = self.place_of(self._levels.high), self.place_of(self._levels.low)
        left = self.width() - _STRIP
        painter.drawImage(QRectF(left, top, _STRIP, bottom - top), self._strip)
        self._paint_counts(painter)
        painter.setPen(QPen(QColor(self._colors.crosshair), 2))
        for place in (top, bottom):
            painter.drawLine(QPointF(0, place), QPointF(self.width(), place))
        self._paint_numbers(painter, top, bottom)
        painter.end()

    def _paint_counts(self, painter: QPainter) -> None:
        if not self._counts.size or not self._counts.any():
            return
        tall = np.log1p(self._counts) if self.log_counts else self._counts
        lengths = tall / tall.max() * (self.width() - _STRIP - 4)
        places = np.linspace(self.height() - 1, 0, len(lengths))
        outline = [QPointF(0, places[0])]
        outline += [QPointF(*pair) for pair in zip(lengths, places, strict=True)]
        outline.append(QPointF(0, places[-1]))
        fill = QColor(self._colors.faint)
        fill.setAlpha(150)
        painter.setBrush(fill)
        painter.setPen(Qt.PenStyle.NoPen)
        painter.drawPolygon(QPolygonF(outline))

    def _paint_numbers(self, painter: QPainter, top: float, bottom: float) -> None:
        painter.setPen(QColor(self._colors.text))
        height = painter.fontMetrics().height()
        places = (max(0.0, top - height), min(bottom, self.height() - height))
        values = (self._levels.high, self._levels.low)
        for place, value in zip(places, values, strict=True):
            box = QRectF(2, place, self.width() - 4, height)
            painter.drawText(box, int(Qt.AlignmentFlag.AlignLeft), f"{value:.4g}")

    def mousePressEvent(self, event: Any) -> None:
        """Take the nearer line, or both."""
        place = event.pos().y()
        far = {
            "high": abs(place - self.place_of(self._levels.high)),
            "low": abs(place - self.place_of(self._levels.low)),
        }
        nearest = min(far, key=lambda name: far[name])
        if far[nearest] > _REACH and self._inside(place):
            nearest = "both"
        self._grip, self._grip_value = nearest, self.value_at(place)

    def _inside(self, place: float) -> bool:
        return self._levels.low < self.value_at(place) < self._levels.high

    def mouseMoveEvent(self, event: Any) -> None:
        """Move what was taken; lines do not cross."""
        place = event.pos().y()
        if self._grip is None:
            self._show_grip(place)
            return
        value = self.value_at(place)
        low, high = self._levels.low, self._levels.high
        least = (self._shown[1] - self._shown[0]) / 1000
        if self._grip == "both":
            step, self._grip_value = value - self._grip_value, value
            low, high = low + step, high + step
        elif self._grip == "high":
            high = max(value, low + least)
        else:
            low = min(value, high - least)
        self.set_levels(Levels(low, high))
        self.dragged.emit(low, high)

    def _show_grip(self, place: float) -> None:
        ends = (self._levels.low, self._levels.high)
        near = any(abs(place - self.place_of(end)) <= _REACH for end in ends)
        shape = Qt.CursorShape
        self.setCursor(shape.SizeVerCursor if near else shape.OpenHandCursor)

    def mouseReleaseEvent(self, _event: Any) -> None:
        """Let go."""
        self._grip = None
        self.released.emit()

    def mouseDoubleClickEvent(self, _event: Any) -> None:
        """Let the levels follow again."""
        self._grip = None
        self.freed.emit()
