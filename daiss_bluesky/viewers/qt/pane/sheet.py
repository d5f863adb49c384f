"""The picture as a sheet for the log book: with scale bar and what it is."""

from typing import Any

import numpy as np
from numpy.typing import NDArray
from qtpy.QtCore import QPointF, QRectF, Qt
from qtpy.QtGui import QColor, QFont, QFontMetricsF, QImage, QPainter

from daiss_bluesky.viewers.model.picture import Picture
from daiss_bluesky.viewers.model.readout import scale_bar

_LEAST_PX = 640
"""A smaller picture is enlarged by whole steps: its pixels are to be seen."""
_MARGIN = 10
_INK, _PAPER = QColor("#1b1e22"), QColor("#ffffff")


def draw_sheet(
    colors: NDArray[np.uint8], picture: Picture, lines: tuple[str, ...]
) -> QImage:
    """Draw (row, column, 3) colors at full resolution with `lines` below them."""
    rows, columns = colors.shape[:2]
    times = max(1, -(-_LEAST_PX // max(rows, columns)))
    large = np.repeat(np.repeat(colors, times, axis=0), times, axis=1)
    image = _to_image(large)
    font = QFont()
    font.setPixelSize(max(14, image.width() // 60))
    metrics = QFontMetricsF(font)
    wrapped = [part for line in lines for part in _wrap(line, metrics, image.width())]
    height = int(image.height() + (len(wrapped) + 2) * metrics.height() + 3 * _MARGIN)
    sheet = QImage(image.width(), height, QImage.Format.Format_RGB888)
    sheet.fill(_PAPER)
    painter = QPainter(sheet)
    painter.drawImage(0, 0, image)
    painter.setFont(font)
    painter.setPen(_INK)
    top = image.height() + _MARGIN
    _draw_bar(painter, metrics, top, columns, times, picture)
    top += int(1.6 * metrics.height())
    for line in wrapped:
        top += int(metrics.height())
        painter.drawText(QPointF(_MARGIN, top), line)
    painter.end()
    return sheet


def _to_image(colors: NDArray[np.uint8]) -> QImage:
    rows, columns = colors.shape[:2]
    kept = np.ascontiguousarray(colors)
    kind = QImage.Format.Format_RGB888
    # copied: Qt would go on reading memory that numpy frees
    return QImage(kept.tobytes(), columns, rows, 3 * columns, kind).copy()


def _wrap(line: str, metrics: Any, width: float) -> list[str]:
    """Break at the dots between facts."""
    parts: list[str] = []
    for word in line.split(" · "):
        longer = f"{parts[-1]} · {word}" if parts else word
        if parts and metrics.horizontalAdvance(longer) <= width - 2 * _MARGIN:
            parts[-1] = longer
        else:
            parts.append(word)
    return parts


def _draw_bar(
    painter: QPainter,
    metrics: Any,
    top: float,
    columns: int,
    times: int,
    picture: Picture,
) -> None:
    length_px, text = scale_bar(columns, picture.pixel_size_um)
    bar = QRectF(_MARGIN, top + metrics.height() / 2 - 3, length_px * times, 6)
    painter.fillRect(bar, _INK)
    box = QRectF(bar.right() + _MARGIN, top, 400, metrics.height())
    painter.drawText(box, int(Qt.AlignmentFlag.AlignLeft), text)
