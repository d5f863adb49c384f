"""A line across the window for what the user must know; gone when it is over."""

from typing import Any

from qtpy.QtCore import Qt
from qtpy.QtWidgets import QFrame, QHBoxLayout, QLabel, QSizePolicy


class Banner(QFrame):
    """Shows one sentence, or nothing."""

    def __init__(self, parent: Any = None) -> None:
        super().__init__(parent)
        self.setObjectName("banner")
        self._label = QLabel("")
        self._label.setAccessibleName("notice")
        self._label.setWordWrap(True)
        self._label.setAlignment(Qt.AlignmentFlag.AlignCenter)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Maximum)
        layout = QHBoxLayout(self)
        layout.setContentsMargins(12, 6, 12, 6)
        layout.addWidget(self._label)
        self.hide()

    def say(self, sentence: str, level: str = "warn") -> None:
        """Show a sentence (`warn` or `bad`); an empty one hides the banner."""
        if self.property("level") != level:
            self.setProperty("level", level)
            self.style().unpolish(self)
            self.style().polish(self)
        self._label.setText(sentence)
        self.setVisible(bool(sentence))

    def text(self) -> str:
        """Give the sentence."""
        return str(self._label.text())
