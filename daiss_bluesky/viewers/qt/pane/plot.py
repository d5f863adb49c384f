"""A small plot that takes the window's colors."""

from typing import Any

import pyqtgraph as pg

from daiss_bluesky.viewers.qt.pane.colors import PaneColors
from daiss_bluesky.viewers.qt.pane.label import label_font

_LEAST_PX = 90
_NAMED_PX = 140


class SmallPlot(pg.PlotWidget):
    """Curves with thin axes; the wheel zooms, a right drag stretches."""

    def __init__(self, says: str) -> None:
        super().__init__()
        self.setAccessibleName(says)
        self.setMinimumHeight(_LEAST_PX)
        self.plotItem.setMenuEnabled(False)
        self.plotItem.vb.sigResized.connect(self._name_if_tall)
        for side in ("left", "bottom"):
            self.getAxis(side).setStyle(tickFont=label_font(), tickLength=-4)

    def _name_if_tall(self, *_: Any) -> None:
        """Leave the names out where they would hide the curves."""
        legend = self.plotItem.legend
        if legend is not None:
            legend.setVisible(self.height() > _NAMED_PX)

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
