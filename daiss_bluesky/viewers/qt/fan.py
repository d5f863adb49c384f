"""The center fan: the same slice at nine centers, each with its score."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from qtpy.QtCore import QRectF, QSize, Qt, Signal
from qtpy.QtGui import QColor, QFont, QImage, QPainter, QPen
from qtpy.QtWidgets import (
    QDoubleSpinBox,
    QGridLayout,
    QHBoxLayout,
    QLabel,
    QPushButton,
    QSizePolicy,
    QStackedWidget,
    QVBoxLayout,
    QWidget,
)

from daiss_bluesky.viewers.qt.theme import DARK, Theme

TILES = 9
_ACROSS = 3
_FRAME_PX = 3
_CAPTION_PX = 18
_INVITATION = "the slice at nine centers; the sharpest gets a star"


@dataclass(frozen=True, slots=True, eq=False)
class Tile:
    """One slice of the fan."""

    center_px: float
    score: float
    """Lower is sharper, 1 the best."""
    pixels: NDArray[Any]


def to_gray(pixels: NDArray[Any], low: float, high: float) -> NDArray[np.uint8]:
    """Stretch between two levels; what is not finite is black."""
    span = max(high - low, float(np.finfo(np.float32).tiny))
    scaled = np.clip((np.nan_to_num(pixels) - low) / span, 0, 1)
    return np.ascontiguousarray(scaled * 255, dtype=np.uint8)


class TilePicture(QWidget):
    """A tile to click; the best one is framed."""

    clicked = Signal(float)

    def __init__(self) -> None:
        super().__init__()
        self.tile: Tile | None = None
        self.best = False
        self.theme = DARK
        self._image: QImage | None = None
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Expanding)
        self.setCursor(Qt.CursorShape.PointingHandCursor)
        self.setFocusPolicy(Qt.FocusPolicy.TabFocus)

    def sizeHint(self) -> QSize:
        """Ask for little: three of them share a narrow dock."""
        return QSize(96, 96 + _CAPTION_PX)

    def show_tile(self, tile: Tile, levels: tuple[float, float], best: bool) -> None:
        """Show a slice between levels shared by all tiles."""
        self.tile, self.best = tile, best
        gray = to_gray(tile.pixels, *levels)
        rows, columns = gray.shape
        kind = QImage.Format.Format_Grayscale8
        self._image = QImage(gray.data, columns, rows, columns, kind).copy()
        words = f"center {tile.center_px:.2f} px, score {tile.score:.4g}"
        self.setToolTip(f"{words}; click to use it")
        self.setAccessibleName(words)
        self.update()

    def clear(self) -> None:
        """Show nothing."""
        self.tile, self.best, self._image = None, False, None
        self.update()

    def mouseReleaseEvent(self, event: Any) -> None:
        """Use this center."""
        if self.tile is not None and event.button() == Qt.MouseButton.LeftButton:
            self.clicked.emit(self.tile.center_px)

    def keyPressEvent(self, event: Any) -> None:
        """Use this center, with Return or Space."""
        keys = (Qt.Key.Key_Return, Qt.Key.Key_Enter, Qt.Key.Key_Space)
        if self.tile is not None and event.key() in keys:
            self.clicked.emit(self.tile.center_px)
            return
        super().keyPressEvent(event)

    def paintEvent(self, event: Any) -> None:  # noqa: ARG002
        """Paint picture, caption and frame."""
        painter = QPainter(self)
        theme = self.theme
        painter.fillRect(self.rect(), QColor(theme.raised))
        if self.tile is not None and self._image is not None:
            self._paint_tile(painter)
        if self.best or self.hasFocus():
            painter.setPen(QPen(QColor(theme.accent), _FRAME_PX))
            inset = _FRAME_PX // 2 + 1
            painter.drawRect(self.rect().adjusted(1, 1, -inset, -inset))
        painter.end()

    def _paint_tile(self, painter: QPainter) -> None:
        assert self._image is not None  # noqa: S101 - paintEvent looked
        assert self.tile is not None  # noqa: S101
        side = min(self.width(), self.height() - _CAPTION_PX) - 2 * _FRAME_PX
        left = (self.width() - side) / 2
        painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform)
        top = (self.height() - _CAPTION_PX - side) / 2
        painter.drawImage(QRectF(left, top, side, side), self._image)
        font = QFont(self.font())
        font.setBold(self.best)
        painter.setFont(font)
        painter.setPen(QColor(self.theme.text))
        words = f"{self.tile.center_px:.2f}" + (" ★" if self.best else "")
        below = QRectF(0, self.height() - _CAPTION_PX, self.width(), _CAPTION_PX - 2)
        painter.drawText(below, int(Qt.AlignmentFlag.AlignCenter), words)


class FanPanel(QWidget):
    """Nine tiles, asked for with a step; a click chooses a center."""

    asked = Signal(float)
    """Step between the centers, in columns."""
    chosen = Signal(float)

    def __init__(self) -> None:
        super().__init__()
        self.step = QDoubleSpinBox()
        self.step.setRange(0.05, 50)
        self.step.setDecimals(2)
        self.step.setButtonSymbols(QDoubleSpinBox.ButtonSymbols.NoButtons)
        self.step.setValue(1.0)
        self.step.setPrefix("step ")
        self.step.setSuffix(" px")
        self.step.setAccessibleName("step between the centers of the fan")
        self.button = QPushButton("Fan")
        self.button.setToolTip("reconstruct the slice at nine centers (F)")
        self.button.clicked.connect(self.ask)
        self.words = QLabel(_INVITATION)
        self.words.setProperty("role", "dim")
        self.words.setWordWrap(True)
        self.tiles = [TilePicture() for _ in range(TILES)]
        grid = QGridLayout()
        grid.setSpacing(3)
        grid.setContentsMargins(0, 0, 0, 0)
        for i, tile in enumerate(self.tiles):
            grid.addWidget(tile, i // _ACROSS, i % _ACROSS)
            tile.clicked.connect(self.chosen)
        top = QHBoxLayout()
        top.addWidget(self.step, 1)
        top.addWidget(self.button)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(8, 4, 8, 8)
        layout.setSpacing(4)
        layout.addLayout(top)
        layout.addWidget(self.words)
        tiled = QWidget()
        tiled.setLayout(grid)
        invitation = QLabel("F: the slice\nat nine centers")
        invitation.setProperty("role", "big")
        invitation.setAlignment(Qt.AlignmentFlag.AlignCenter)
        self._stack = QStackedWidget()
        self._stack.addWidget(invitation)
        self._stack.addWidget(tiled)
        layout.addWidget(self._stack, 1)

    def ask(self) -> None:
        """Ask for a fan with the step that is set."""
        self.words.setText("asked for the fan ...")
        self.asked.emit(self.step.value())

    def show_tiles(self, tiles: Sequence[Tile], unsure: str = "") -> None:
        """Show at most nine, all between the same levels.

        `unsure` says why the scores are not to be believed; then none gets the star.
        """
        if not tiles:
            self.words.setText("nothing to show yet")
            return
        shown = list(tiles)[:TILES]
        best = min(range(len(shown)), key=lambda i: shown[i].score)
        strided = [tile.pixels[::4, ::4] for tile in shown]
        low, high = np.nanpercentile(np.stack(strided), [0.5, 99.5])
        for i, tile in enumerate(shown):
            self.tiles[i].show_tile(
                tile, (float(low), float(high)), i == best and not unsure
            )
        self._stack.setCurrentIndex(1)
        sharpest = f"sharpest at {shown[best].center_px:.2f} px; click to use one"
        self.words.setText(f"not sure which: {unsure}" if unsure else sharpest)

    def forget(self) -> None:
        """Show none: another run is followed."""
        self._stack.setCurrentIndex(0)
        for tile in self.tiles:
            tile.clear()
        self.words.setText(_INVITATION)

    def set_theme(self, theme: Theme) -> None:
        """Take other colors."""
        for tile in self.tiles:
            tile.theme = theme
            tile.update()
