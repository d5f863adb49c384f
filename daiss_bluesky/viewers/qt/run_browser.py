"""The run browser: search, chips, newest first, copy for scripts."""

import time
from collections.abc import Sequence
from typing import Any

from qtpy.QtCore import QModelIndex, Qt, Signal
from qtpy.QtWidgets import (
    QAbstractItemView,
    QApplication,
    QHBoxLayout,
    QHeaderView,
    QLabel,
    QLineEdit,
    QMenu,
    QPushButton,
    QTableView,
    QVBoxLayout,
    QWidget,
)

from daiss_bluesky.viewers.model.entries import RunEntry
from daiss_bluesky.viewers.model.query import Query
from daiss_bluesky.viewers.qt.run_table import UID_ROLE, RunTable

CHIPS = {
    "tomo": "technique=tomography",
    "ptycho": "technique=ptychography",
    "running": "status=running",
    "failed": "status=failed",
    "today": "",
}

SNIPPET = """\
from tiled.client import from_uri
from tiled.queries import Key

root = from_uri({uri!r})  # with the key in TILED_API_KEY
run = root["raw"][{uid!r}]
results = root["recon"].search(Key("raw_uid") == {uid!r})
"""


WIDEST = 200
"""Pixels of a column, so that a long name leaves the status in sight."""


def midnight_s(now_s: float) -> float:
    """Give the Unix time at which the day began, here."""
    year, month, day, *_ = time.localtime(now_s)
    return time.mktime((year, month, day, 0, 0, 0, 0, 0, -1))


class RunBrowser(QWidget):
    """Lists runs; emits which one the user opened and what is searched for."""

    opened = Signal(str)
    """Uid of a run that was clicked or entered."""
    searched = Signal(object)
    """The query, as the view model takes it."""

    def __init__(self, tiled_uri: str) -> None:
        super().__init__()
        self._tiled_uri = tiled_uri
        self.table = RunTable(self)
        self.search = QLineEdit()
        self.search.setPlaceholderText("search: words, sample=..., plan=...")
        self.search.setClearButtonEnabled(True)
        self.search.setAccessibleName("search runs")
        self.search.textChanged.connect(self._search)
        self.chips = {name: self._chip(name) for name in CHIPS}
        self.view = self._make_view()
        self.nothing = QLabel("no run matches")
        self.nothing.setProperty("role", "dim")
        self.nothing.setAlignment(Qt.AlignmentFlag.AlignCenter)
        chips = QHBoxLayout()
        chips.setSpacing(4)
        for chip in self.chips.values():
            chips.addWidget(chip)
        chips.addStretch(1)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(6, 6, 6, 6)
        layout.setSpacing(6)
        layout.addWidget(self.search)
        layout.addLayout(chips)
        layout.addWidget(self.nothing)
        layout.addWidget(self.view, 1)

    def show_runs(self, runs: Sequence[RunEntry], followed: str | None) -> None:
        """List these, and mark the one that is shown."""
        self.table.show_runs(runs)
        self.nothing.setVisible(not runs)
        row = self.table.row_of(followed)
        if row is None:
            self.view.clearSelection()
        elif row not in {
            one.row() for one in self.view.selectionModel().selectedRows()
        }:
            self.view.selectRow(row)

    def query(self) -> Query:
        """Give what is searched for, chips included."""
        pressed = [CHIPS[name] for name, chip in self.chips.items() if chip.isChecked()]
        since_s = midnight_s(time.time()) if self.chips["today"].isChecked() else None
        words = " ".join([*pressed, self.search.text().strip()])
        return Query.parse(words, since_s=since_s)

    def copies(self, uid: str) -> dict[str, str]:
        """Give what the context menu of a run can copy, by its label."""
        row = self.table.row_of(uid)
        run = None if row is None else self.table.runs[row]
        scan_id = "" if run is None or run.scan_id is None else str(run.scan_id)
        return {
            "Copy uid": uid,
            "Copy scan id": scan_id,
            "Copy as Python": SNIPPET.format(uri=self._tiled_uri, uid=uid),
        }

    def _chip(self, name: str) -> QPushButton:
        chip = QPushButton(name)
        chip.setCheckable(True)
        chip.setProperty("role", "chip")
        chip.setToolTip(f"only {CHIPS[name] or name}")
        chip.toggled.connect(self._search)
        return chip

    def _make_view(self) -> QTableView:
        view = QTableView()
        view.setModel(self.table)
        view.setAccessibleName("runs, newest first")
        view.setSelectionBehavior(QAbstractItemView.SelectionBehavior.SelectRows)
        view.setSelectionMode(QAbstractItemView.SelectionMode.SingleSelection)
        view.setAlternatingRowColors(True)
        view.setShowGrid(False)
        view.setWordWrap(False)
        view.verticalHeader().hide()
        view.verticalHeader().setDefaultSectionSize(26)
        header = view.horizontalHeader()
        header.setSectionResizeMode(QHeaderView.ResizeMode.ResizeToContents)
        header.setMaximumSectionSize(WIDEST)
        header.setStretchLastSection(True)
        view.setContextMenuPolicy(Qt.ContextMenuPolicy.CustomContextMenu)
        view.customContextMenuRequested.connect(self._menu)
        view.clicked.connect(self._open)
        view.activated.connect(self._open)
        return view

    def _open(self, index: QModelIndex) -> None:
        self.opened.emit(self.table.data(index, UID_ROLE))

    def _search(self, *_: object) -> None:
        self.searched.emit(self.query())

    def _menu(self, where: Any) -> None:
        index = self.view.indexAt(where)
        if not index.isValid():
            return
        menu = QMenu(self)
        for label, text in self.copies(self.table.data(index, UID_ROLE)).items():
            action = menu.addAction(label)
            action.triggered.connect(
                lambda *_, text=text: QApplication.clipboard().setText(text)
            )
        menu.popup(self.view.viewport().mapToGlobal(where))
