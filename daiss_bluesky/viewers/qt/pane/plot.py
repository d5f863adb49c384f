"""A small plot that takes the window's colors."""

from typing import Any

import pyqtgraph as pg

from daiss_bluesky.viewers.qt.pane.colors import PaneColors
from daiss_bluesky.viewers.qt.pane.label import label_font

_LEAST_PX = 90


class SmallPlot(pg.PlotWidget):
    """Curves with thin axes; the wheel zooms, a right drag stretches."""

    def __init__(self, says: str) -> None:
        super().__init__()
        self.setAccessibleName(says)
        self.setMinimumHeight(_LEAST_PX)
        self.plotItem.setMenuEnabled(False)
        for side in ("left", "bottom"):
            self.getAxis(side).setStyle(tickFont=label_font(), tickLength=-4)

    def set_colors(self, colors: PaneColors) -> None:
        """Take the theme's colors."""
        self.setBackground(colors.ground)
        for side in ("left", "bottom"):
            axis = self.getAxis(side)
            axis.setPen(colors.faint)
            axis.setTextPen(colors.text)

    def name_x(self, text: str) -> None:
        """Say what goes to the right."""
        axis = self.getAxis("bottom")
        if axis.labelText != text:
            axis.setLabel(text, **{"font-size": "8pt"})

    def curves(self) -> list[Any]:
        """Give what is drawn."""
        return list(self.listDataItems())
