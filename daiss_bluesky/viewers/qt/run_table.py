"""The run browser's rows, for Qt."""

import time
from collections.abc import Callable, Sequence
from typing import Any

from qtpy.QtCore import QAbstractTableModel, QModelIndex, Qt

from daiss_bluesky.viewers.model.entries import ResultEntry, RunEntry

UID_ROLE = Qt.ItemDataRole.UserRole


def technique_of(run: RunEntry) -> str:
    """Name what was reconstructed of a run, each technique once."""
    return ", ".join(dict.fromkeys(one.technique for one in run.results))


def status_of(run: RunEntry) -> str:
    """Say how the run stands, and its newest result where that differs."""
    result = newest_result(run)
    if result is None or (run.status, result.status) in _SAME:
        return run.status
    return f"{run.status}, {result.status}"


def newest_result(run: RunEntry) -> ResultEntry | None:
    """Find the reconstruction of a run that began last."""
    return max(run.results, key=lambda one: one.started_s, default=None)


def when(run: RunEntry) -> str:
    """Give the hour of today's runs, the day of others."""
    began, now = time.localtime(run.time_s), time.localtime()
    today = began.tm_year == now.tm_year and began.tm_yday == now.tm_yday
    return time.strftime("%H:%M" if today else "%d %b", began)


_SAME = {("running", "running"), ("success", "complete")}

COLUMNS: dict[str, Callable[[RunEntry], str]] = {
    "scan": lambda run: "" if run.scan_id is None else str(run.scan_id),
    "time": when,
    "sample": lambda run: run.sample,
    "status": status_of,
    "points": lambda run: "" if run.points is None else str(run.points),
    "plan": lambda run: run.plan,
    "technique": technique_of,
}


class RunTable(QAbstractTableModel):
    """Runs, newest first; a refresh that changes nothing tells nobody."""

    def __init__(self, parent: Any = None) -> None:
        super().__init__(parent)
        self._runs: tuple[RunEntry, ...] = ()

    @property
    def runs(self) -> tuple[RunEntry, ...]:
        """The rows."""
        return self._runs

    def show_runs(self, runs: Sequence[RunEntry]) -> None:
        """Take the rows as they are now; a row that only changes keeps its place."""
        new = tuple(runs)
        if new == self._runs:
            return
        if [run.uid for run in new] != [run.uid for run in self._runs]:
            self.beginResetModel()
            self._runs = new
            self.endResetModel()
            return
        self._runs = new
        last = self.index(len(new) - 1, len(COLUMNS) - 1)
        self.dataChanged.emit(self.index(0, 0), last)

    def row_of(self, run_uid: str | None) -> int | None:
        """Find the row of a run."""
        rows = (row for row, run in enumerate(self._runs) if run.uid == run_uid)
        return next(rows, None)

    def rowCount(self, parent: Any = None) -> int:
        """Count the runs."""
        return 0 if parent is not None and parent.isValid() else len(self._runs)

    def columnCount(self, parent: Any = None) -> int:
        """Count the columns."""
        return 0 if parent is not None and parent.isValid() else len(COLUMNS)

    def data(self, index: QModelIndex, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        """Give the text of a cell, or the run's uid."""
        if not index.isValid():
            return None
        run = self._runs[index.row()]
        if role == UID_ROLE:
            return run.uid
        if role == Qt.ItemDataRole.ToolTipRole:
            began = time.strftime("%d %b %Y %H:%M:%S", time.localtime(run.time_s))
            return f"{run.plan}, {began}\n{run.uid}"
        if role == Qt.ItemDataRole.DisplayRole:
            return list(COLUMNS.values())[index.column()](run)
        return None

    def headerData(
        self, section: int, orientation: Any, role: int = Qt.ItemDataRole.DisplayRole
    ) -> Any:
        """Name a column."""
        shown = role == Qt.ItemDataRole.DisplayRole
        if shown and orientation == Qt.Orientation.Horizontal:
            return list(COLUMNS)[section]
        return None
