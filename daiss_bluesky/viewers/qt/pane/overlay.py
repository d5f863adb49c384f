"""Written on the picture: what it is, how long a micrometer is, which axis is which."""

from datetime import datetime
from typing import Any

import pyqtgraph as pg
from qtpy.QtCore import QPointF, QRectF, Qt
from qtpy.QtGui import QColor, QFontMetricsF, QPainter, QPen

from daiss_bluesky.viewers.model.picture import Picture
from daiss_bluesky.viewers.model.readout import scale_bar

_MARGIN = 8.0
_SHADE = QColor(0, 0, 0, 150)
_INK = QColor(255, 255, 255)


class Overlay(pg.GraphicsObject):
    """White on shade, so that it can be read on any picture."""

    def __init__(self, view: pg.ViewBox) -> None:
        super().__init__()
        self._view = view
        self._picture: Picture | None = None
        self._notes: tuple[str, ...] = ()
        self._faint = QColor()
        self.setParentItem(view)
        self.setZValue(1000)
        self.setAcceptedMouseButtons(Qt.MouseButton.NoButton)
        view.sigResized.connect(self._resized)
        view.sigRangeChanged.connect(self._repaint)

    def show_picture(self, picture: Picture, notes: tuple[str, ...] = ()) -> None:
        """Take the caption from a picture; `notes` stand below it."""
        self._picture = picture
        self._notes = notes
        self.update()

    def show_nothing(self) -> None:
        """Say that there is no picture."""
        self._picture = None
        self.update()

    def set_color(self, faint: str) -> None:
        """Take the theme's color for what stands beside the picture."""
        self._faint = QColor(faint)
        self.update()

    def _resized(self, *_: Any) -> None:
        self.prepareGeometryChange()

    def _repaint(self, *_: Any) -> None:
        self.update()

    def boundingRect(self) -> QRectF:
        """All of the pane."""
        return QRectF(self._view.rect())

    def paint(self, painter: QPainter, *_: Any) -> None:
        """Draw caption, scale bar and axes."""
        area = self.boundingRect()
        picture = self._picture
        if picture is None:
            painter.setPen(self._faint)
            middle = int(Qt.AlignmentFlag.AlignCenter)
            painter.drawText(area, middle, "no picture yet")
            return
        metrics = QFontMetricsF(painter.font())
        self._paint_caption(painter, metrics, area, picture)
        self._paint_bar(painter, metrics, area, picture)
        axes = f"{picture.columns_along} →  {picture.rows_along} ↓"
        left = area.width() - metrics.horizontalAdvance(axes) - _MARGIN
        top = area.height() - metrics.height() - _MARGIN
        _write(painter, metrics, QPointF(left, top), axes)

    def _paint_caption(
        self, painter: QPainter, metrics: QFontMetricsF, area: QRectF, picture: Picture
    ) -> None:
        room = area.width() - 2 * _MARGIN
        elide = Qt.TextElideMode.ElideRight
        said = caption(picture)
        if metrics.horizontalAdvance(said[0]) > room:
            said = caption(picture, with_date=False)
        lines = [metrics.elidedText(one, elide, room) for one in (*said, *self._notes)]
        for n, line in enumerate(lines):
            top = _MARGIN + n * (metrics.height() + 2)
            _write(painter, metrics, QPointF(_MARGIN, top), line)

    def _paint_bar(
        self, painter: QPainter, metrics: QFontMetricsF, area: QRectF, picture: Picture
    ) -> None:
        shown_px = self._view.viewRect().width()
        length_px, text = scale_bar(shown_px, picture.pixel_size_um)
        length = length_px / shown_px * area.width()
        top = area.height() - metrics.height() - 16
        box = QRectF(_MARGIN, top, max(length, metrics.horizontalAdvance(text)), 0)
        box.setHeight(metrics.height() + 8)
        painter.fillRect(box.adjusted(-4, -2, 4, 2), _SHADE)
        painter.setPen(_INK)
        painter.drawText(box, int(Qt.AlignmentFlag.AlignLeft), text)
        line = QPen(_INK, 3)
        line.setCapStyle(Qt.PenCapStyle.FlatCap)
        painter.setPen(line)
        bottom = box.bottom() - 2
        painter.drawLine(QPointF(_MARGIN, bottom), QPointF(_MARGIN + length, bottom))


def caption(picture: Picture, *, with_date: bool = True) -> list[str]:
    """Give the lines that say what a picture is; the time is the local one."""
    form = "%Y-%m-%d %H:%M:%S" if with_date else "%H:%M:%S"
    when = datetime.fromtimestamp(picture.published_s).strftime(form)
    place = "" if picture.place is None else f" {picture.place}"
    # What is read from the catalog is of no update.
    update = f" · update {picture.number}" if picture.number else ""
    lines = [f"{picture.view}{place}{update} · {when}"]
    if picture.facts:
        lines.append(" · ".join(f"{name} {value}" for name, value in picture.facts))
    return lines


def _write(
    painter: QPainter, metrics: QFontMetricsF, corner: QPointF, text: str
) -> None:
    box = QRectF(
        corner.x(), corner.y(), metrics.horizontalAdvance(text), metrics.height()
    )
    painter.fillRect(box.adjusted(-4, -1, 4, 1), _SHADE)
    painter.setPen(_INK)
    painter.drawText(box, int(Qt.AlignmentFlag.AlignLeft), text)
