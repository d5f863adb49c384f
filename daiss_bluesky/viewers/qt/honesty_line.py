"""The line that says what the picture is worth, readable from two metres."""

from qtpy.QtCore import Qt
from qtpy.QtWidgets import QFrame, QHBoxLayout, QLabel, QProgressBar, QVBoxLayout

from daiss_bluesky.viewers.model.honesty import Honesty
from daiss_bluesky.viewers.qt.theme import DARK, Theme

_WHOLE = 1000


class HonestyLine(QFrame):
    """Status as a colored word, the rest in words, coverage as a bar."""

    def __init__(self) -> None:
        super().__init__()
        self.setObjectName("honesty")
        self._theme = DARK
        self._shown: Honesty | None = None
        self._status = QLabel("waiting")
        self._status.setObjectName("status")
        self._status.setAccessibleName("status of the reconstruction")
        self._line = QLabel("no reconstruction is followed yet")
        self._line.setObjectName("line")
        self._line.setAccessibleName("what is in the picture")
        self._line.setWordWrap(True)
        self._bar = QProgressBar()
        self._bar.setTextVisible(False)
        self._bar.setRange(0, _WHOLE)
        self._bar.setAccessibleName("coverage")
        words = QHBoxLayout()
        words.setContentsMargins(14, 8, 14, 6)
        words.setSpacing(14)
        words.addWidget(self._status, 0, Qt.AlignmentFlag.AlignVCenter)
        words.addWidget(self._line, 1)
        whole = QVBoxLayout(self)
        whole.setContentsMargins(0, 0, 0, 0)
        whole.setSpacing(0)
        whole.addLayout(words)
        whole.addWidget(self._bar)

    def show_honesty(self, honesty: Honesty | None, now_s: float) -> None:
        """Say it as it is now; None while nothing is followed."""
        if honesty is None:
            self._status.setText("waiting")
            self._line.setText("no reconstruction is followed yet")
            self._bar.setValue(0)
            return
        if self._shown is None or honesty.status != self._shown.status:
            self._status.setText(honesty.status)
        self._shown = honesty
        self._paint_status()
        rest = honesty.line(now_s).removeprefix(f"{honesty.status} · ")
        if honesty.message:
            rest = f"{rest} · {honesty.message}"
        self._line.setText(rest)
        self._bar.setValue(round(_WHOLE * min(1.0, honesty.coverage)))

    def text(self) -> str:
        """Give the whole line as it stands there."""
        return f"{self._status.text()} · {self._line.text()}"

    def set_theme(self, theme: Theme) -> None:
        """Take other colors."""
        self._theme = theme
        self._paint_status()

    def _paint_status(self) -> None:
        status = self._shown.status if self._shown else ""
        colors = {
            "running": self._theme.accent,
            "complete": self._theme.good,
            "incomplete": self._theme.warn,
            "failed": self._theme.bad,
        }
        color = colors.get(status, self._theme.dim)
        self._status.setStyleSheet(f"color: {color}")
