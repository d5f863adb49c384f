"""The picture itself with what lies on it: pixels, crosshair, caption."""

from typing import Any

import numpy as np
import pyqtgraph as pg
from numpy.typing import NDArray
from qtpy.QtCore import QPointF, QRectF, Signal
from qtpy.QtGui import QColor
from qtpy.QtWidgets import QGraphicsRectItem

from daiss_bluesky.viewers.model.colormaps import MISSING, SATURATED
from daiss_bluesky.viewers.model.contrast import Levels
from daiss_bluesky.viewers.qt.pane.colors import ON_PICTURE, PaneColors
from daiss_bluesky.viewers.qt.pane.crosshair import Crosshair
from daiss_bluesky.viewers.qt.pane.overlay import Overlay
from daiss_bluesky.viewers.qt.pane.view_box import PictureViewBox


class Canvas(pg.GraphicsView):
    """Paints arrays; points are (row, column) from the top left edge, in px."""

    hovered = Signal()
    """The cursor went elsewhere; `cursor` says where it is."""

    def __init__(self) -> None:
        super().__init__(useOpenGL=False)
        self.view = PictureViewBox()
        self.setCentralItem(self.view)
        self.image = pg.ImageItem(axisOrder="row-major")
        self._missing = QGraphicsRectItem()
        self._missing.setPen(pg.mkPen(None))
        self._missing.setBrush(QColor(*MISSING))
        self._missing.setZValue(-1)
        self._full = pg.ImageItem(axisOrder="row-major")
        self._full.setLookupTable(np.array([[0, 0, 0, 0], [*SATURATED, 255]], np.uint8))
        self._full.setZValue(5)
        for item in (self._missing, self.image, self._full):
            self.view.addItem(item, ignoreBounds=True)
        self.crosshair = Crosshair(self.view)
        self.overlay = Overlay(self.view)
        self._shape = (0, 0)
        self._cursor: QPointF | None = None
        self.setMouseTracking(True)
        self.scene().sigMouseMoved.connect(self._hover)

    @property
    def shape(self) -> tuple[int, int]:
        """Rows and columns of what is painted."""
        return self._shape

    def paint(
        self,
        pixels: NDArray[Any],
        levels: Levels | None,
        lut: NDArray[np.uint8] | None,
    ) -> None:
        """Paint (row, column) through levels and map, or (row, column, 3) as it is."""
        rows, columns = pixels.shape[:2]
        if (rows, columns) != self._shape:
            self._shape = (rows, columns)
            self._missing.setRect(QRectF(0, 0, columns, rows))
            self.crosshair.set_bounds(rows, columns)
            self.view.set_bounds(QRectF(0, 0, columns, rows))
        holes = pixels.dtype.kind == "f" and bool(np.isnan(pixels.min()))
        self._missing.setVisible(holes)
        if levels is None:
            self.image.setImage(pixels, lut=None, levels=(0, 255), autoLevels=False)
            return
        painted = pixels.view(np.uint8) if pixels.dtype == np.bool_ else pixels
        self.image.setImage(
            painted, lut=lut, levels=(levels.low, levels.high), autoLevels=False
        )

    def wipe(self) -> None:
        """Show no picture; where it was stays, for the next."""
        self.image.clear()
        self._missing.setVisible(False)
        self._full.setVisible(False)
        self.crosshair.set_visible(False)
        self.overlay.show_nothing()

    def mark(self, mask: NDArray[np.bool_] | None) -> None:
        """Lay a color over (row, column) elements; None takes it away."""
        self._full.setVisible(mask is not None)
        if mask is not None:
            self._full.setImage(mask.view(np.uint8), levels=(0, 1), autoLevels=False)

    def rescale(self, down: float, right: float) -> None:
        """Keep what is on the screen when pixels became smaller by these factors."""
        part = self.view.viewRect()
        cross = self.crosshair
        cross.set_bounds(1 << 30, 1 << 30)
        cross.place(cross.row * down, cross.column * right)
        if not self.view.fitted:
            self.view.show_rect(
                QRectF(
                    part.x() * right,
                    part.y() * down,
                    part.width() * right,
                    part.height() * down,
                )
            )

    def visible_part(self, pixels: NDArray[Any]) -> NDArray[Any]:
        """Cut what is on the screen out of a picture; all of it if nothing is."""
        rect = self.view.viewRect()
        rows, columns = pixels.shape[:2]
        top, left = max(0, int(rect.top())), max(0, int(rect.left()))
        bottom = min(rows, int(np.ceil(rect.bottom())))
        right = min(columns, int(np.ceil(rect.right())))
        part: NDArray[Any] = pixels[top:bottom, left:right]
        return part if part.size else pixels

    def cursor_point(self) -> tuple[float, float] | None:
        """Give row and column under the resting cursor; None where it is elsewhere."""
        if self._cursor is None:
            return None
        point = self.view.mapSceneToView(self._cursor)
        return float(point.y()), float(point.x())

    def set_colors(self, colors: PaneColors) -> None:
        """Take the theme's colors."""
        self.setBackground(colors.ground)
        self.crosshair.set_color(ON_PICTURE)
        self.overlay.set_color(colors.faint)

    def _hover(self, place: QPointF) -> None:
        self._cursor = QPointF(place)
        self.hovered.emit()

    def leaveEvent(self, event: Any) -> None:
        """Forget the cursor."""
        super().leaveEvent(event)
        self._cursor = None
        self.hovered.emit()
