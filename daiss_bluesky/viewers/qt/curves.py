"""Curves against the updates of a result: error, lag, coverage, quality."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pyqtgraph as pg
from numpy.typing import ArrayLike
from qtpy.QtGui import QFont
from qtpy.QtWidgets import QHBoxLayout, QWidget

from daiss_bluesky.viewers.qt.theme import DARK, Theme

_LINE_PX = 2
_TICKS_PX = 11
_LEFT_PX = 44


class CurvePlot(pg.PlotWidget):
    """One plot of one or more named curves; a mark where the scrubber stands."""

    def __init__(self, title: str, unit: str) -> None:
        super().__init__()
        self._title, self._unit = title, unit
        self._curves: dict[str, Any] = {}
        self._theme = DARK
        self.setMinimumHeight(90)
        self.setAccessibleName(f"{title} against the number of the update")
        self.setMenuEnabled(False)
        self.hideButtons()
        self.setMouseEnabled(x=False, y=False)
        font = QFont()
        font.setPixelSize(_TICKS_PX)
        for side in ("left", "bottom"):
            self.getAxis(side).setTickFont(font)
            self.getAxis(side).setStyle(maxTickLevel=0)
        # All plots begin at the same place, whatever their numbers.
        self.getAxis("left").setWidth(_LEFT_PX)
        self._mark = pg.InfiniteLine(angle=90, movable=False)
        self._mark.hide()
        self.addItem(self._mark, ignoreBounds=True)
        self.set_theme(DARK)

    def show_curves(self, numbers: ArrayLike, curves: Mapping[str, ArrayLike]) -> None:
        """Draw curves over the updates' numbers; those left out are removed."""
        x = np.asarray(numbers, dtype=float)
        for name in set(self._curves) - set(curves):
            self.removeItem(self._curves.pop(name))
        for name, values in curves.items():
            if name not in self._curves:
                self._curves[name] = self._new_curve(name)
            y = np.asarray(values, dtype=float)
            known = np.isfinite(y)
            # A single point is no line.
            symbol = "o" if known.sum() == 1 else None
            self._curves[name].setData(x[known], y[known], symbol=symbol)
        self._name_axis()

    def _new_curve(self, name: str) -> Any:
        pen = self._pen(name)
        return self.plot(name=name, pen=pen, symbolPen=None, symbolBrush=pen.color())

    def mark(self, number: int | None) -> None:
        """Mark an update; None takes the mark away."""
        self._mark.setVisible(number is not None)
        if number is not None:
            self._mark.setValue(number)

    def values(self, name: str) -> tuple[Any, Any]:
        """Give what is drawn; nothing of a curve that is not there."""
        curve = self._curves.get(name)
        drawn = (None, None) if curve is None else curve.getOriginalDataset()
        return drawn if drawn[0] is not None else (np.zeros(0), np.zeros(0))

    def set_theme(self, theme: Theme) -> None:
        """Take other colors."""
        self._theme = theme
        self.setBackground(theme.surface)
        for side in ("left", "bottom"):
            axis = self.getAxis(side)
            axis.setPen(theme.line)
            axis.setTextPen(theme.dim)
        self._mark.setPen(theme.warn, width=_LINE_PX)
        for name, curve in self._curves.items():
            curve.setPen(self._pen(name))
            curve.setSymbolBrush(self._color(name))
        self._name_axis()

    def _name_axis(self) -> None:
        unit = f" ({self._unit})" if self._unit else ""
        drawn = any(len(self.values(name)[0]) for name in self._curves)
        for side in ("left", "bottom"):
            self.getAxis(side).setVisible(drawn)
        words = f"{self._title}{unit}" if drawn else f"{self._title}: nothing yet"
        if len(self._curves) > 1:
            words = " · ".join(
                f'<span style="color:{self._color(name)}">{name}</span>'
                for name in self._curves
            )
        self.getPlotItem().setTitle(words, color=self._theme.text, size="12px")

    def _color(self, name: str) -> str:
        colors = (self._theme.accent, self._theme.second, self._theme.good)
        return colors[list(self._curves).index(name) % len(colors)]

    def _pen(self, name: str) -> Any:
        known = name in self._curves
        color = self._color(name) if known else self._next_color()
        return pg.mkPen(color, width=_LINE_PX)

    def _next_color(self) -> str:
        colors = (self._theme.accent, self._theme.second, self._theme.good)
        return colors[len(self._curves) % len(colors)]


class CurveRow(QWidget):
    """Plots side by side."""

    def __init__(self, plots: Sequence[CurvePlot]) -> None:
        super().__init__()
        self.plots = tuple(plots)
        layout = QHBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(6)
        for plot in plots:
            layout.addWidget(plot, 1)

    def set_theme(self, theme: Theme) -> None:
        """Take other colors."""
        for plot in self.plots:
            plot.set_theme(theme)
