"""Binds the window's keys to what they do; `keys` says the same in words."""

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from qtpy.QtCore import Qt
from qtpy.QtGui import QKeySequence
from qtpy.QtWidgets import QApplication, QLineEdit, QShortcut

from daiss_bluesky.viewers.model.center_steps import COARSE_PX, FINE_PX, STEP_PX

if TYPE_CHECKING:
    from daiss_bluesky.viewers.qt.window import ViewerWindow

_SPELLINGS = {"Shift+[": ("Shift+[", "{"), "Shift+]": ("Shift+]", "}")}
"""A keyboard that makes another character with Shift sends that one."""


def add_shortcuts(window: "ViewerWindow") -> None:
    """Make the shortcuts; a key that is typed into a text field stays there."""
    for key, do in _actions(window).items():
        for spelling in _SPELLINGS.get(key, (key,)):
            shortcut = QShortcut(QKeySequence(spelling), window)
            shortcut.setContext(Qt.ShortcutContext.WindowShortcut)
            shortcut.activated.connect(_unless_typing(do))


def _unless_typing(do: Callable[[], Any]) -> Callable[[], None]:
    def guarded() -> None:
        if not isinstance(QApplication.focusWidget(), QLineEdit):
            do()

    return guarded


def _actions(window: "ViewerWindow") -> Mapping[str, Callable[[], Any]]:
    steering = window.steering
    return {
        "L": window.follow_latest,
        "U": steering.center.auto.toggle,
        "/": window.runs.search.setFocus,
        "Ctrl+B": window.runs_dock.toggleViewAction().trigger,
        "[": lambda: steering.center.nudge(-STEP_PX),
        "]": lambda: steering.center.nudge(STEP_PX),
        "Shift+[": lambda: steering.center.nudge(-FINE_PX),
        "Shift+]": lambda: steering.center.nudge(FINE_PX),
        "Ctrl+[": lambda: steering.center.nudge(-COARSE_PX),
        "Ctrl+]": lambda: steering.center.nudge(COARSE_PX),
        "Ctrl+Z": steering.center.undo_last,
        "F": steering.open_fan,
        "O": steering.ask_half_turn,
        "Ctrl+Left": lambda: window.past.scrubber.step(-1),
        "Ctrl+Right": lambda: window.past.scrubber.step(1),
        "Ctrl+PgUp": lambda: window.past.scrubber.step(-10),
        "Ctrl+PgDown": lambda: window.past.scrubber.step(10),
        "Ctrl+End": window.past.scrubber.go_newest,
        "D": window.past.toggle_difference,
        "T": window.toggle_theme,
        "Z": window.toggle_alone,
        "F11": window.toggle_full_screen,
        "?": window.keys.toggle,
        "Esc": window.keys.hide,
    }
