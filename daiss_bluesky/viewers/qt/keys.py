"""Keys of the window, and the sheet that `?` shows."""

from collections.abc import Mapping
from typing import Any

from qtpy.QtCore import Qt
from qtpy.QtWidgets import QFrame, QGridLayout, QLabel

KEYS: Mapping[str, Mapping[str, str]] = {
    "Follow": {
        "L": "follow the latest run",
        "U": "auto-update: send every change of the center at once",
        "/": "search the runs",
        "Ctrl+B": "show or hide the run browser",
    },
    "Center": {
        "[": "center 1 px to the left",
        "]": "center 1 px to the right",
        "Shift+[": "0.1 px to the left",
        "Shift+]": "0.1 px to the right",
        "Ctrl+[": "10 px to the left",
        "Ctrl+]": "10 px to the right",
        "Ctrl+Z": "undo",
        "F": "center fan",
        "O": "read 0° and 180° again",
    },
    "Past updates": {
        "Ctrl+Left": "one update back",
        "Ctrl+Right": "one update on",
        "Ctrl+PgUp": "ten back",
        "Ctrl+PgDown": "ten on",
        "Ctrl+End": "the newest again",
        "D": "newest minus the one looked at",
    },
    "Window": {
        "T": "dark or light",
        "Z": "the picture that has the focus alone, or all",
        "F11": "full screen",
        "?": "these keys",
        "Esc": "close this",
    },
}


class KeySheet(QFrame):
    """A sheet over the window; any group of keys may be given besides the window's."""

    def __init__(self, parent: Any, more: Mapping[str, Mapping[str, str]]) -> None:
        super().__init__(parent)
        self.setObjectName("keys")
        self.setAccessibleName("keys")
        self._grid = QGridLayout(self)
        self._grid.setContentsMargins(24, 18, 24, 18)
        self._grid.setHorizontalSpacing(18)
        self._grid.setVerticalSpacing(4)
        groups = [*KEYS.items(), *more.items()]
        middle = (sum(len(keys) + 1 for _, keys in groups) + 1) // 2
        row, column = 0, 0
        for title, keys in groups:
            if row >= middle:
                row, column = 0, column + 2
            row = self._add_group(title, keys, row, column)
        self.hide()

    def toggle(self) -> None:
        """Show it in the middle of the window, or hide it."""
        if self.isVisible():
            self.hide()
            return
        self.adjustSize()
        middle = self.parentWidget().rect().center()
        self.move(middle - self.rect().center())
        self.raise_()
        self.show()

    def words(self) -> str:
        """Give all that stands on it."""
        return "\n".join(label.text() for label in self.findChildren(QLabel))

    def _add_group(
        self, title: str, keys: Mapping[str, str], row: int, column: int
    ) -> int:
        head = QLabel(title)
        head.setProperty("role", "title")
        self._grid.addWidget(head, row, column, 1, 2)
        for key, meaning in keys.items():
            row += 1
            shown = QLabel(f"<b>{key}</b>")
            self._grid.addWidget(shown, row, column, Qt.AlignmentFlag.AlignRight)
            self._grid.addWidget(QLabel(meaning), row, column + 1)
        return row + 1
