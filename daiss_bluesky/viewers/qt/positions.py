"""Where the beam was: planned and refined positions over each other."""

from typing import Any

import numpy as np
import pyqtgraph as pg
from numpy.typing import ArrayLike
from qtpy.QtGui import QFont

from daiss_bluesky.viewers.qt.theme import DARK, Theme

_PLANNED_PX = 6
_REFINED_PX = 4


class PositionsPlot(pg.PlotWidget):
    """Rings where it was told to go, dots where it was; y grows downwards."""

    def __init__(self) -> None:
        super().__init__()
        self.setAccessibleName("positions in micrometers")
        self.setMenuEnabled(False)
        self.hideButtons()
        self.getViewBox().invertY(True)
        self.getViewBox().setAspectLocked(True)
        self.setLabel("bottom", "x (µm)")
        self.setLabel("left", "y (µm)")
        self._planned = pg.ScatterPlotItem(size=_PLANNED_PX, brush=None)
        self._refined = pg.ScatterPlotItem(size=_REFINED_PX, pen=None)
        self.addItem(self._planned)
        self.addItem(self._refined)
        font = QFont()
        font.setPixelSize(11)
        for side in ("left", "bottom"):
            self.getAxis(side).setTickFont(font)
        self.words = "none yet"
        self._theme = DARK
        self.set_theme(DARK)
        self.forget()

    def show_positions(
        self, planned_um: ArrayLike | None, refined_um: ArrayLike | None
    ) -> None:
        """Draw (frame, 2) positions, row and column; None for what is not known."""
        counts = {}
        for name, item, places in (
            ("planned", self._planned, planned_um),
            ("refined", self._refined, refined_um),
        ):
            points = np.empty((0, 2)) if places is None else np.asarray(places, float)
            item.setData(x=points[:, 1], y=points[:, 0])
            if len(points):
                counts[name] = len(points)
        for side in ("left", "bottom"):
            self.getAxis(side).setVisible(bool(counts))
        told = ", ".join(f"{n} {name}" for name, n in counts.items())
        self.words = told or "none yet"
        self._name()

    def forget(self) -> None:
        """Show none."""
        self.show_positions(None, None)

    def set_theme(self, theme: Theme) -> None:
        """Take other colors."""
        self._theme = theme
        self.setBackground(theme.surface)
        for side in ("left", "bottom"):
            axis = self.getAxis(side)
            axis.setPen(theme.line)
            axis.setTextPen(theme.dim)
        self._planned.setPen(pg.mkPen(theme.dim, width=1))
        self._refined.setBrush(pg.mkBrush(theme.second))
        self._name()

    def _name(self) -> None:
        item: Any = self.getPlotItem()
        item.setTitle(self.words, color=self._theme.text, size="12px")
