"""Line above the picture: its title, and menus for how it is painted."""

from typing import Any

from qtpy.QtCore import Qt
from qtpy.QtGui import QKeySequence
from qtpy.QtWidgets import (
    QAction,
    QHBoxLayout,
    QMenu,
    QToolButton,
    QWidget,
)

from daiss_bluesky.viewers.qt.pane.elided import ElidedLabel
from daiss_bluesky.viewers.qt.pane.keys import KEYS

_NARROW_PX = 460


class Header(QWidget):
    """Title to the left, buttons to the right."""

    def __init__(self) -> None:
        super().__init__()
        self.setStyleSheet("QToolButton { padding: 2px 6px; }")
        self._menus: list[QMenu] = []
        """A button does not keep its menu alive."""
        self._row = QHBoxLayout(self)
        self._row.setContentsMargins(4, 2, 4, 2)
        self._row.setSpacing(2)
        self.title = ElidedLabel()
        font = self.title.font()
        font.setBold(True)
        self.title.setFont(font)
        self._short: dict[QToolButton, tuple[str, str]] = {}
        self._row.addWidget(self.title, 1)

    def add_menu(self, name: str, short: str, says: str, menu: QMenu) -> QToolButton:
        """Add a button that opens a menu; `short` is its name in a narrow pane."""
        button = QToolButton()
        self.set_texts(button, name, short)
        button.setToolTip(says)
        button.setAccessibleName(says)
        button.setMenu(menu)
        self._menus.append(menu)
        button.setPopupMode(QToolButton.ToolButtonPopupMode.InstantPopup)
        button.setAutoRaise(True)
        self._row.addWidget(button)
        return button

    def set_texts(self, button: QToolButton, text: str, short: str) -> None:
        """Say what a button shows where there is room, and where there is not."""
        self._short[button] = (text, short)
        button.setText(short if self.width() < _NARROW_PX else text)

    def resizeEvent(self, event: Any) -> None:
        """Leave room for the title."""
        super().resizeEvent(event)
        narrow = self.width() < _NARROW_PX
        for button, texts in self._short.items():
            button.setText(texts[narrow])

    def add_switch(self, action: QAction) -> QToolButton:
        """Add a button for an action."""
        button = QToolButton()
        button.setDefaultAction(action)
        button.setAccessibleName(action.toolTip())
        button.setAutoRaise(True)
        self._row.addWidget(button)
        return button


def make_actions(owner: QWidget) -> dict[str, QAction]:
    """Make the actions of KEYS, each with its key while `owner` has the focus."""
    actions = {}
    for key in KEYS:
        action = QAction(key.says, owner)
        action.setShortcut(QKeySequence(key.key))
        action.setShortcutContext(Qt.ShortcutContext.WidgetWithChildrenShortcut)
        action.setToolTip(f"{key.says} ({key.key})")
        owner.addAction(action)
        actions[key.action] = action
    return actions
