"""Table of regions with their statistics, and their means against time."""

from typing import Any

import numpy as np
import pyqtgraph as pg
from qtpy.QtCore import Qt
from qtpy.QtWidgets import (
    QAbstractItemView,
    QComboBox,
    QHeaderView,
    QPushButton,
    QSplitter,
    QTableWidget,
    QTableWidgetItem,
    QVBoxLayout,
    QWidget,
)

from daiss_bluesky.core.errors import InputError
from daiss_bluesky.viewers.model.picture import Picture
from daiss_bluesky.viewers.model.regions import Statistics, ratio, statistics
from daiss_bluesky.viewers.qt.pane.colors import DARK, PaneColors
from daiss_bluesky.viewers.qt.pane.marks import Marks
from daiss_bluesky.viewers.qt.pane.plot import SmallPlot
from daiss_bluesky.viewers.qt.pane.region_mark import RegionMark

PLACES = ("top", "left", "height", "width")
COLUMNS = ("region", "lock", "", "mean", "std", "sum", "px", *PLACES)
_LOCK = COLUMNS.index("lock")
_REMOVE = COLUMNS.index("")
_DOTTED = 200
"""Points of a curve up to which each has a dot; many take long to draw."""
_FIRST_PLACE = COLUMNS.index("top")


class RegionPanel(QWidget):
    """Statistics of every region at every picture; places can be typed."""

    def __init__(self, marks: Marks) -> None:
        super().__init__()
        self._marks = marks
        self._picture: Picture | None = None
        self._colors = DARK
        self._filling = False
        self.table = QTableWidget(0, len(COLUMNS))
        self.table.setAccessibleName("Regions")
        self.table.setHorizontalHeaderLabels(list(COLUMNS))
        self.table.verticalHeader().setVisible(False)
        self.table.verticalHeader().setDefaultSectionSize(22)
        header = self.table.horizontalHeader()
        header.setSectionResizeMode(QHeaderView.ResizeMode.ResizeToContents)
        self.table.setSelectionMode(QAbstractItemView.SelectionMode.NoSelection)
        self.table.cellChanged.connect(self._typed)
        self.choice = QComboBox()
        self.choice.setAccessibleName("What is plotted against time")
        self.trend = SmallPlot("Regions against time")
        self.choice.currentTextChanged.connect(self._draw)
        self._lay_out()

    def _lay_out(self) -> None:
        right = QWidget()
        column = QVBoxLayout(right)
        column.setContentsMargins(0, 0, 0, 0)
        column.addWidget(self.choice)
        column.addWidget(self.trend, 1)
        halves = QSplitter(Qt.Orientation.Vertical)
        halves.addWidget(self.table)
        halves.addWidget(right)
        box = QVBoxLayout(self)
        box.setContentsMargins(0, 0, 0, 0)
        box.addWidget(halves)

    def show_picture(self, picture: Picture) -> None:
        """Work out what is in the regions now."""
        before, self._picture = self._picture, picture
        if before is not None and before.result_uid != picture.result_uid:
            for mark in self._marks.regions:
                mark.trend.clear()
        self.refresh()

    def refresh(self) -> None:
        """Work it out again, for a region was moved, added or taken away."""
        self._filling = True
        self.table.setRowCount(len(self._marks.regions))
        for row, mark in enumerate(self._marks.regions):
            self._fill(row, mark)
        self._filling = False
        self._offer_choices()
        self._draw()

    def now(self, mark: RegionMark) -> Statistics | None:
        """Give a region's statistics of the newest picture."""
        if self._picture is None:
            return None
        pixels = self._picture.pixels
        real = np.abs(pixels) if np.iscomplexobj(pixels) else pixels
        return statistics(real, mark.region())

    def set_colors(self, colors: PaneColors) -> None:
        """Take the theme's colors."""
        self._colors = colors
        self.trend.set_colors(colors)
        self.table.setStyleSheet(
            "* { font-size: 8pt; }"
            "QTableView::indicator { width: 11px; height: 11px;"
            f" border: 1px solid {colors.faint}; }}"
            f"QTableView::indicator:checked {{ background: {colors.crosshair}; }}"
        )
        self._draw()

    def _fill(self, row: int, mark: RegionMark) -> None:
        now, region = self.now(mark), mark.region()
        if now is not None and self._picture is not None:
            mark.trend.add(self._picture.number, self._picture.published_s, now)
            found = [f"{v:.6g}" for v in (now.mean, now.std, now.total)]
            found.append(str(now.count))
        else:
            found = [""] * 4
        places = [f"{getattr(region, name):.2f}" for name in PLACES]
        texts = [f"{mark.name} {region.shape}", "", "", *found, *places]
        for column, text in enumerate(texts):
            self._set_text(row, column, text)
        lock = self.table.item(row, _LOCK)
        state = Qt.CheckState
        lock.setCheckState(state.Checked if mark.locked else state.Unchecked)
        if self.table.cellWidget(row, _REMOVE) is None:
            self._add_removal(row)

    def _set_text(self, row: int, column: int, text: str) -> None:
        item = self.table.item(row, column)
        if item is None:
            item = QTableWidgetItem()
            flags = Qt.ItemFlag.ItemIsEnabled
            if column == _LOCK:
                flags |= Qt.ItemFlag.ItemIsUserCheckable
            if column >= _FIRST_PLACE:
                flags |= Qt.ItemFlag.ItemIsEditable
            item.setFlags(flags)
            self.table.setItem(row, column, item)
        item.setText(text)

    def _add_removal(self, row: int) -> None:
        button = QPushButton("×")
        button.setAccessibleName(f"Remove region {row + 1}")
        button.setToolTip("Remove this region")
        button.setStyleSheet("padding: 0px 4px; border: 0;")
        button.clicked.connect(lambda *_: self._remove(row))
        self.table.setCellWidget(row, _REMOVE, button)

    def _remove(self, row: int) -> None:
        self._marks.remove_region(self._marks.regions[row])

    def _typed(self, row: int, column: int) -> None:
        if self._filling:
            return
        mark = self._marks.regions[row]
        if column == _LOCK:
            checked = self.table.item(row, column).checkState()
            mark.set_locked(checked == Qt.CheckState.Checked)
            return
        texts = [
            self.table.item(row, _FIRST_PLACE + n).text() for n in range(len(PLACES))
        ]
        try:
            top, left, height, width = map(float, texts)
            mark.place(mark.region().moved_to(top, left, height, width))
        except (ValueError, InputError):
            self.refresh()

    def _offer_choices(self) -> None:
        names = [mark.name for mark in self._marks.regions]
        offers = ["mean against time"]
        offers += [f"{a} / {b}" for a in names for b in names if a != b]
        if offers == [self.choice.itemText(n) for n in range(self.choice.count())]:
            return
        chosen = self.choice.currentText()
        self.choice.blockSignals(True)
        self.choice.clear()
        self.choice.addItems(offers)
        self.choice.setCurrentText(chosen)
        self.choice.blockSignals(False)

    def _draw(self, *_: Any) -> None:
        self.trend.clear()
        by_name = {mark.name: mark for mark in self._marks.regions}
        pair = self.choice.currentText().split(" / ")
        if len(pair) > 1 and all(name in by_name for name in pair):
            above, below = (by_name[name] for name in pair)
            values, numbers = ratio(above.trend, below.trend)
            self.trend.name_x("update")
            self._curve(np.array(numbers, np.float64), values, above)
            return
        self.trend.name_x("time (s)")
        for mark in by_name.values():
            times_s = mark.trend.times_s()
            if times_s.size:
                since = times_s - times_s[0]
                self._curve(since, mark.trend.means(), mark)

    def _curve(self, x: Any, y: Any, mark: RegionMark) -> None:
        marks = self._colors.marks
        color = marks["ABCD".index(mark.name) % len(marks)]
        pen = pg.mkPen(color, width=2)
        dots = {"symbol": "o", "symbolSize": 4, "symbolBrush": color, "symbolPen": None}
        self.trend.plot(x, y, pen=pen, **(dots if len(x) < _DOTTED else {}))
