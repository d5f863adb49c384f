"""Shows the projections at 0 and 180 degrees over each other, at the wanted center."""

from typing import Any

import numpy as np
import pyqtgraph as pg
from numpy.typing import NDArray
from qtpy.QtCore import Signal
from qtpy.QtWidgets import (
    QComboBox,
    QHBoxLayout,
    QLabel,
    QPushButton,
    QVBoxLayout,
    QWidget,
)

from daiss_bluesky.viewers.model.half_turn import mirrored, red_cyan
from daiss_bluesky.viewers.qt.theme import DARK, Theme

WAYS = ("red and cyan", "difference")
_MIDDLE_GRAY = 128.0
_WAITING = "waits for projections at 0° and 180°"


class HalfTurnPane(QWidget):
    """Where both agree the overlay is gray, and the difference is flat."""

    asked = Signal()
    """The user wants the two projections read again."""

    def __init__(self) -> None:
        super().__init__()
        self._pair: tuple[NDArray[Any], NDArray[Any]] | None = None
        self._center_px: float | None = None
        self._shape: tuple[int, ...] = ()
        title = QLabel("0° and 180°")
        title.setProperty("role", "title")
        self.button = QPushButton("Read")
        self.button.setToolTip("read the two projections again (O)")
        self.button.clicked.connect(lambda *_: self.asked.emit())
        self.way = QComboBox()
        self.way.addItems(WAYS)
        self.way.setAccessibleName("how the two are shown")
        self.way.currentIndexChanged.connect(lambda *_: self._draw())
        self.words = QLabel(_WAITING)
        self.words.setProperty("role", "dim")
        self._item = pg.ImageItem(axisOrder="row-major")
        self._view = pg.GraphicsView()
        self._box = pg.ViewBox(lockAspect=True, invertY=True, enableMenu=False)
        self._view.setCentralItem(self._box)
        self._box.addItem(self._item)
        self.set_theme(DARK)
        top = QHBoxLayout()
        top.setContentsMargins(4, 0, 4, 0)
        top.addWidget(title, 1)
        top.addWidget(self.way)
        top.addWidget(self.button)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(1)
        layout.addLayout(top)
        layout.addWidget(self._view, 1)
        layout.addWidget(self.words)

    @property
    def empty(self) -> bool:
        """Tell whether there is nothing to show."""
        return self._pair is None

    def show_pair(self, first: NDArray[Any], second: NDArray[Any]) -> None:
        """Take two projections (row, column), the second one half a turn later."""
        self._pair = (np.asarray(first), np.asarray(second))
        self._draw()

    def set_center(self, center_px: float | None) -> None:
        """Mirror about another center."""
        if center_px != self._center_px:
            self._center_px = center_px
            self._draw()

    def forget(self) -> None:
        """Show nothing: another run is followed."""
        self._pair, self._shape = None, ()
        self._item.clear()
        self.words.setText(_WAITING)

    def pixels(self) -> NDArray[Any] | None:
        """Give what is drawn."""
        image = self._item.image
        return None if image is None else np.asarray(image)

    def set_theme(self, theme: Theme) -> None:
        """Take another background."""
        self._view.setBackground(theme.surface)

    def _draw(self) -> None:
        if self._pair is None or self._center_px is None:
            return
        first, second = self._pair
        turned = mirrored(second, self._center_px)
        if self.way.currentText() == WAYS[0]:
            self._item.setImage(red_cyan(first, turned), levels=(0, 255))
        else:
            self._item.setImage(_gray(first - turned), levels=(0, 2 * _MIDDLE_GRAY))
        agree = "gray" if self.way.currentText() == WAYS[0] else "flat"
        self.words.setText(f"mirrored about {self._center_px:.2f} px; {agree} is right")
        if first.shape != self._shape:
            self._shape = first.shape
            self._box.autoRange(padding=0)


def _gray(difference: NDArray[Any]) -> NDArray[np.float32]:
    """Put zero, and what is not known, in the middle of the gray values."""
    known = np.nan_to_num(difference)
    reach = float(np.percentile(np.abs(known[::2, ::2]), 99.5)) or 1.0
    return np.asarray(_MIDDLE_GRAY * (1 + known / reach), dtype=np.float32)
