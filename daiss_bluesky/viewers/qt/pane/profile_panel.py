"""Plot of profiles: of lines, of the crosshair's row and column, and frozen ones."""

from collections.abc import Callable, Sequence

import numpy as np
import pyqtgraph as pg
from qtpy.QtCore import Qt, Signal
from qtpy.QtWidgets import (
    QCheckBox,
    QHBoxLayout,
    QPushButton,
    QSpinBox,
    QVBoxLayout,
    QWidget,
)

from daiss_bluesky.viewers.model.picture import Picture
from daiss_bluesky.viewers.model.profile import (
    Profile,
    across_picture,
    along_line,
)
from daiss_bluesky.viewers.qt.pane.colors import DARK, PaneColors
from daiss_bluesky.viewers.qt.pane.marks import Marks
from daiss_bluesky.viewers.qt.pane.plot import SmallPlot

_SPIN_PX = 84
FROZEN = 8
"""References that are kept; the oldest goes first."""


class ProfilePanel(QWidget):
    """Takes its profiles anew from every picture; frozen ones stay."""

    choice_changed = Signal()
    """What is plotted was switched on or off."""

    def __init__(
        self, marks: Marks, crosshair: Callable[[], tuple[float, float]]
    ) -> None:
        super().__init__()
        self._marks, self._crosshair = marks, crosshair
        self._picture: Picture | None = None
        self._colors = DARK
        self._curves: list[pg.PlotDataItem] = []
        self.profiles: list[Profile] = []
        self.frozen: list[Profile] = []
        self.plot = SmallPlot("Profiles")
        self.plot.addLegend(offset=(-5, 5), labelTextSize="8pt")
        self.row = QCheckBox("row")
        self.column = QCheckBox("column")
        self.width = QSpinBox()
        self._lay_out()

    def _lay_out(self) -> None:
        self.row.setToolTip("Profile along the crosshair's row")
        self.column.setToolTip("Profile along the crosshair's column")
        self.width.setRange(1, 999)
        self.width.setSuffix(" px")
        self.width.setMaximumWidth(_SPIN_PX)
        self.width.setToolTip("Width that profiles are averaged over")
        self.width.setAccessibleName("Width of profiles in px")
        freeze, clear = QPushButton("Freeze"), QPushButton("Clear")
        freeze.setToolTip("Keep the present profiles as references")
        clear.setToolTip("Forget the references")
        freeze.clicked.connect(self.freeze)
        clear.clicked.connect(self.clear_frozen)
        for box in (self.row, self.column):
            box.toggled.connect(self.choice_changed)
        self.width.valueChanged.connect(self.refresh)
        bar = QHBoxLayout()
        bar.setContentsMargins(2, 0, 2, 0)
        for widget in (self.row, self.column, self.width, freeze, clear):
            bar.addWidget(widget)
        bar.addStretch(1)
        box = QVBoxLayout(self)
        box.setContentsMargins(0, 0, 0, 0)
        box.addLayout(bar)
        box.addWidget(self.plot, 1)

    @property
    def wanted(self) -> bool:
        """Whether there is anything to plot."""
        crossing = self.row.isChecked() or self.column.isChecked()
        return bool(self._marks.lines or self.frozen or crossing)

    def show_picture(self, picture: Picture) -> None:
        """Take profiles of a newer picture."""
        self._picture = picture
        self.refresh()

    def refresh(self, *_: object) -> None:
        """Take profiles again, for a line or the crosshair moved."""
        if self._picture is None:
            return
        self.profiles = self._take(self._picture) if self.wanted else []
        self._draw()

    def freeze(self) -> None:
        """Keep the present profiles as references."""
        taken_from = "" if self._picture is None else f" #{self._picture.number}"
        kept = [
            Profile(p.name + taken_from, p.distance_px, p.values, p.pixel_size_um)
            for p in self.profiles
        ]
        self.frozen = [*self.frozen, *kept][-FROZEN:]
        self._draw()

    def clear_frozen(self) -> None:
        """Forget the references."""
        self.frozen = []
        self._draw()
        self.choice_changed.emit()

    def set_colors(self, colors: PaneColors) -> None:
        """Take the theme's colors."""
        self._colors = colors
        self.plot.set_colors(colors)
        self.plot.plotItem.legend.setLabelTextColor(colors.text)
        self._draw()

    def _take(self, picture: Picture) -> list[Profile]:
        pixels, size = picture.pixels, picture.pixel_size_um
        pixels = np.abs(pixels) if np.iscomplexobj(pixels) else pixels
        width = float(self.width.value())
        taken = [
            Profile(mark.name, *along_line(pixels, mark.line(width)), size)
            for mark in self._marks.lines
        ]
        row, column = self._crosshair()
        for box, kind, axis, place in (
            (self.row, "horizontal", picture.rows_along, row),
            (self.column, "vertical", picture.columns_along, column),
        ):
            if box.isChecked():
                along = across_picture(pixels, kind, place, width)
                taken.append(Profile(f"{axis} {int(place)}", *along, size))
        return taken

    def _draw(self) -> None:
        for curve in self._curves:
            self.plot.removeItem(curve)
        self._curves = []
        self._plot(self.frozen, Qt.PenStyle.DotLine)
        self._plot(self.profiles, Qt.PenStyle.SolidLine)

    def _plot(self, profiles: Sequence[Profile], style: Qt.PenStyle) -> None:
        for n, profile in enumerate(profiles):
            distances, unit = profile.distance()
            color = self._colors.marks[n % len(self._colors.marks)]
            pen = pg.mkPen(color, width=1, style=style)
            self.plot.name_x(f"distance ({unit})")
            self._curves.append(
                self.plot.plot(distances, profile.values, pen=pen, name=profile.name)
            )
