"""A line across the window for what the user must know; gone when it is over."""

from qtpy.QtCore import Qt
from qtpy.QtWidgets import QFrame, QHBoxLayout, QLabel, QSizePolicy


class Banner(QFrame):
    """Shows one sentence, or nothing."""

    def __init__(self) -> None:
        super().__init__()
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

    def say(self, sentence: str) -> None:
        """Show a sentence; an empty one hides the banner."""
        self._label.setText(sentence)
        self.setVisible(bool(sentence))

    def text(self) -> str:
        """Give the sentence."""
        return str(self._label.text())
