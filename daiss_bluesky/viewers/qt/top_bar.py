"""The bar at the top: connection, what is followed, theme, keys."""

from typing import Any

from qtpy.QtCore import Qt, Signal
from qtpy.QtWidgets import QFrame, QHBoxLayout, QLabel, QPushButton

from daiss_bluesky.viewers.model.connection import Connection
from daiss_bluesky.viewers.model.followed import Followed
from daiss_bluesky.viewers.qt.theme import DARK, Theme


class TopBar(QFrame):
    """Tells at a glance whether this is live, and of what."""

    follow_asked = Signal(bool)
    theme_asked = Signal()
    keys_asked = Signal()

    def __init__(self) -> None:
        super().__init__()
        self.setObjectName("bar")
        self._theme = DARK
        self._state = ""
        self.name = QLabel("daiss")
        self.name.setObjectName("name")
        self.dot = QLabel("●")
        self.connection = QLabel("connecting")
        self.connection.setProperty("role", "dim")
        self.connection.setAccessibleName("connection")
        self.behind = QLabel("")
        self.behind.setAccessibleName("newer results")
        self.follow = QPushButton("Follow latest")
        self.follow.setCheckable(True)
        self.follow.setChecked(True)
        self.follow.setToolTip("show each new run as it comes (L)")
        self.follow.clicked.connect(self.follow_asked)
        self.theme = _button("Theme", "dark or light (T)", self.theme_asked)
        self.keys = _button("?", "keys (?)", self.keys_asked)
        layout = QHBoxLayout(self)
        layout.setContentsMargins(14, 6, 10, 6)
        layout.setSpacing(8)
        layout.addWidget(self.name, 1)
        for one in (self.behind, self.follow, self.dot, self.connection):
            layout.addWidget(one)
        layout.addSpacing(8)
        layout.addWidget(self.theme)
        layout.addWidget(self.keys)
        for button in (self.follow, self.theme, self.keys):
            button.setFocusPolicy(Qt.FocusPolicy.TabFocus)

    def add(self, button: QPushButton) -> None:
        """Put a button beside the name of what is followed."""
        layout = self.layout()
        assert isinstance(layout, QHBoxLayout)  # noqa: S101 - made so above
        layout.insertWidget(1, button)

    def show_followed(self, followed: Followed) -> None:
        """Name the result that is shown, and say how many are newer."""
        self.name.setText(_name(followed))
        self.follow.setChecked(not followed.pinned)
        words = ""
        if followed.pinned:
            words = (
                f"{followed.behind} behind, press L" if followed.behind else "pinned"
            )
        self.behind.setText(words)

    def show_connection(self, connection: Connection, now_s: float) -> None:
        """Color the dot, and tell the age of the last message."""
        self._state = connection.state
        age_s = connection.age_s(now_s)
        words: list[str] = [connection.state]
        if connection.source:
            words.append(connection.source)
        if age_s is not None:
            words.append(f"{age_s:.0f} s ago" if age_s >= 1 else "now")
        self.connection.setText(" · ".join(words))
        self.connection.setToolTip(
            f"{connection.messages_per_s:.1f} messages/s,"
            f" {connection.overtaken} pictures overtaken by newer ones"
        )
        self._paint()

    def set_theme(self, theme: Theme) -> None:
        """Take other colors."""
        self._theme = theme
        self._paint()

    def _paint(self) -> None:
        theme = self._theme
        colors = {"connected": theme.good, "refused": theme.bad}
        self.dot.setStyleSheet(f"color: {colors.get(self._state, theme.warn)}")
        self.behind.setStyleSheet(f"color: {theme.warn}; font-weight: 600")


def _name(followed: Followed) -> str:
    if not followed.result_uid:
        return "daiss"
    scan = "scan" if followed.scan_id is None else f"scan {followed.scan_id}"
    return " · ".join(one for one in (scan, followed.sample, followed.technique) if one)


def _button(text: str, tip: str, signal: Any) -> QPushButton:
    button = QPushButton(text)
    button.setToolTip(tip)
    button.clicked.connect(lambda *_: signal.emit())
    return button
