"""Dark and light: the same tokens for the palette, the style sheet and the plots."""

from dataclasses import asdict, dataclass
from string import Template
from typing import Any

import pyqtgraph as pg
from qtpy.QtGui import QColor, QPalette
from qtpy.QtWidgets import QApplication


@dataclass(frozen=True, slots=True)
class Theme:
    """Colors by what they are for; contrast of text is 4.5 to 1 or more."""

    name: str
    background: str
    surface: str
    raised: str
    line: str
    text: str
    dim: str
    accent: str
    on_accent: str
    good: str
    warn: str
    bad: str
    second: str
    """Of a second curve; told from `accent` by the color-blind too."""


DARK = Theme(
    name="dark",
    background="#12151a",
    surface="#1a1f26",
    raised="#252c36",
    line="#3a4450",
    text="#eef2f6",
    dim="#a3afbc",
    accent="#4cb5f5",
    on_accent="#0b1620",
    good="#45d19a",
    warn="#ffb84d",
    bad="#ff7b7b",
    second="#f0a35e",
)
LIGHT = Theme(
    name="light",
    background="#eef1f5",
    surface="#ffffff",
    raised="#f4f6f9",
    line="#c3ccd6",
    text="#14191f",
    dim="#515d6b",
    accent="#0b64b8",
    on_accent="#ffffff",
    good="#0a7a4c",
    warn="#8f5400",
    bad="#b3261e",
    second="#b4530a",
)
THEMES = {theme.name: theme for theme in (DARK, LIGHT)}

_SHEET = Template("""
* { font-size: 13px; }
QMainWindow, QDialog { background: $background; }
QMainWindow::separator { background: $background; width: 6px; height: 6px; }
QMainWindow::separator:hover { background: $accent; }
QToolTip { background: $raised; color: $text; border: 1px solid $line; padding: 4px; }
QDockWidget { color: $dim; font-weight: 600; }
QDockWidget::title { background: $surface; padding: 6px 8px; }
QLabel[role="dim"] { color: $dim; }
QLabel[role="title"] { color: $dim; font-weight: 600; }
QLabel[role="big"] { font-size: 18px; color: $dim; }
QFrame#honesty { background: $surface; border-bottom: 1px solid $line; }
QFrame#honesty QLabel { font-size: 21px; }
QFrame#honesty QLabel#status { font-size: 26px; font-weight: 700; }
QFrame#bar { background: $surface; border-bottom: 1px solid $line; }
QFrame#bar QLabel#name { font-size: 17px; font-weight: 700; }
QFrame#banner { background: $warn; }
QFrame#banner QLabel { color: $background; font-size: 16px; font-weight: 600; }
QFrame#card { background: $surface; border: 1px solid $line; border-radius: 6px; }
QFrame#keys { background: $surface; border: 2px solid $accent; border-radius: 8px; }
QPushButton, QToolButton { background: $raised; color: $text; border: 1px solid $line;
  border-radius: 4px; padding: 4px 10px; }
QPushButton:hover, QToolButton:hover { border-color: $accent; }
QPushButton:focus, QToolButton:focus { border: 2px solid $accent; padding: 3px 9px; }
QPushButton:checked, QToolButton:checked { background: $accent; color: $on_accent; }
QPushButton:disabled, QToolButton:disabled { color: $dim; background: $surface; }
QPushButton[role="chip"] { border-radius: 10px; padding: 2px 5px; font-size: 12px; }
QPushButton[role="apply"] { background: $accent; color: $on_accent; font-weight: 600; }
QPushButton[role="apply"]:disabled { background: $raised; color: $dim; }
QLineEdit, QDoubleSpinBox, QSpinBox, QComboBox { background: $raised; color: $text;
  border: 1px solid $line; border-radius: 4px; padding: 4px 6px; }
QLineEdit:focus, QDoubleSpinBox:focus, QSpinBox:focus { border: 2px solid $accent; }
QDoubleSpinBox#center { font-size: 20px; font-weight: 600; }
QTableView { background: $surface; color: $text; gridline-color: $raised; border: 0;
  alternate-background-color: $raised; selection-background-color: $accent;
  selection-color: $on_accent; }
QHeaderView::section { background: $raised; color: $dim; border: 0;
  border-bottom: 1px solid $line; padding: 4px 6px; font-weight: 600; }
QProgressBar { background: $raised; border: 0; max-height: 6px; }
QProgressBar::chunk { background: $accent; }
QSlider::groove:horizontal { height: 4px; background: $line; border-radius: 2px; }
QSlider::handle:horizontal { width: 14px; margin: -6px 0; border-radius: 7px;
  background: $accent; }
QSlider::handle:horizontal:disabled { background: $line; }
QTabBar::tab { background: $surface; color: $dim; padding: 6px 12px;
  border-bottom: 2px solid transparent; }
QTabBar::tab:selected { color: $text; border-bottom: 2px solid $accent; }
QTabWidget::pane { border: 0; }
ImagePane { background: $surface; }
ImagePane QToolButton { background: transparent; border: 0; padding: 1px 3px;
  font-size: 11px; color: $dim; }
ImagePane QToolButton:hover { color: $text; background: $raised; }
ImagePane QToolButton:checked { color: $on_accent; background: $accent; }
ImagePane QToolButton[popupMode="2"] { padding-right: 10px; }
ImagePane QLabel { font-size: 12px; }
QCheckBox::indicator { width: 14px; height: 14px; border: 1px solid $dim;
  border-radius: 3px; background: $raised; }
QCheckBox::indicator:checked { background: $accent; border-color: $accent; }
QCheckBox::indicator:disabled { border-color: $line; background: $surface; }
QCheckBox::indicator:checked:disabled { background: $dim; }
QSplitter::handle { background: $background; }
QSplitter::handle:hover { background: $accent; }
QStatusBar { background: $surface; color: $dim; }
QMenu { background: $surface; color: $text; border: 1px solid $line; }
QMenu::item:selected { background: $accent; color: $on_accent; }
""")


def style_sheet(theme: Theme) -> str:
    """Write the one style sheet of all windows."""
    return _SHEET.substitute(asdict(theme))


def palette(theme: Theme) -> Any:
    """Give the palette that Fusion draws the rest with."""
    made = QPalette()
    roles = {
        "Window": theme.background,
        "Base": theme.surface,
        "AlternateBase": theme.raised,
        "Button": theme.raised,
        "ToolTipBase": theme.raised,
        "Highlight": theme.accent,
        "HighlightedText": theme.on_accent,
        "WindowText": theme.text,
        "Text": theme.text,
        "ButtonText": theme.text,
        "ToolTipText": theme.text,
        "PlaceholderText": theme.dim,
        "Link": theme.accent,
    }
    for role, color in roles.items():
        made.setColor(getattr(QPalette.ColorRole, role), QColor(color))
    for role in ("WindowText", "Text", "ButtonText"):
        which = getattr(QPalette.ColorRole, role)
        made.setColor(QPalette.ColorGroup.Disabled, which, QColor(theme.dim))
    return made


def apply_theme(application: QApplication, theme: Theme) -> None:
    """Dress the whole application; plots made later follow as well.

    Every widget there is takes a while for it: nothing is done twice.
    """
    sheet = style_sheet(theme)
    if application.styleSheet() == sheet:
        return
    if not application.styleSheet():
        application.setStyle("Fusion")
    application.setPalette(palette(theme))
    application.setStyleSheet(sheet)
    pg.setConfigOptions(background=theme.surface, foreground=theme.dim)
