"""Menus of a pane that choose map, scale and contrast."""

from collections.abc import Callable, Iterable
from dataclasses import replace
from typing import Protocol

from qtpy.QtWidgets import QAction, QMenu

from daiss_bluesky.viewers.model.colormaps import NAMES
from daiss_bluesky.viewers.model.contrast import SCALES, Contrast
from daiss_bluesky.viewers.model.look import Look
from daiss_bluesky.viewers.qt.pane.header import Header

CONTRASTS = {
    "0.5 – 99.5 %": Contrast(),
    "0.1 – 99.9 %": Contrast(low_percent=0.1, high_percent=99.9),
    "2 – 98 %": Contrast(low_percent=2.0, high_percent=98.0),
    "mean ± 2 σ": Contrast("sigma", sigmas=2.0),
    "mean ± 3 σ": Contrast("sigma", sigmas=3.0),
    "min – max": Contrast("range"),
}


class Painted(Protocol):
    """What the menus change."""

    look: Look
    header: Header
    actions_by_name: dict[str, QAction]

    def set_look(self, look: Look) -> None:
        """Choose how pictures are painted."""


class LookMenus:
    """Buttons of the header that say what is chosen."""

    def __init__(self, pane: Painted) -> None:
        self._pane = pane
        self._contrasts = _choices(CONTRASTS, self._choose_contrast)
        self._maps = _choices(NAMES, self._choose_map)
        self._scales = _choices(SCALES, self._choose_scale)
        keyed = pane.actions_by_name
        for name in ("lock", "visible", "crosshair"):
            keyed[name].setCheckable(True)
        keyed["crosshair"].setChecked(True)
        keyed["lock"].setIconText("Lock")
        contrast = _menu("Contrast", self._contrasts, keyed["visible"])
        color = _menu("Color map", self._maps, keyed["invert"])
        color.addSection("Scale")
        color.addActions(list(self._scales.values()))
        self._contrast = pane.header.add_menu("%", "Contrast", contrast)
        pane.header.add_switch(keyed["lock"])
        self._map = pane.header.add_menu("gray", "Color map and scale", color)

    def show_look(self, look: Look) -> None:
        """Mark what is chosen."""
        plain = replace(look.contrast, visible_only=False)
        named = next((n for n, kept in CONTRASTS.items() if kept == plain), "fixed")
        for name, action in self._contrasts.items():
            action.setChecked(name == named)
        for name, action in self._maps.items():
            action.setChecked(name == look.colormap)
        for name, action in self._scales.items():
            action.setChecked(name == look.scale)
        keyed = self._pane.actions_by_name
        keyed["lock"].setChecked(look.locked is not None)
        keyed["visible"].setChecked(look.contrast.visible_only)
        self._contrast.setText(named)
        scale = "" if look.scale == "linear" else f" {look.scale}"
        self._map.setText(look.colormap.replace("_inverted", " inv.") + scale)

    def _choose_contrast(self, name: str) -> None:
        look = self._pane.look
        contrast = replace(CONTRASTS[name], visible_only=look.contrast.visible_only)
        self._pane.set_look(replace(look, contrast=contrast, locked=None))

    def _choose_map(self, name: str) -> None:
        self._pane.set_look(replace(self._pane.look, colormap=name))

    def _choose_scale(self, name: str) -> None:
        self._pane.set_look(replace(self._pane.look, scale=name))


def _choices(names: Iterable[str], choose: Callable[[str], None]) -> dict[str, QAction]:
    actions = {}
    for name in names:
        action = QAction(name.replace("_", " "))
        action.setCheckable(True)
        action.triggered.connect(lambda _checked, name=name: choose(name))
        actions[name] = action
    return actions


def _menu(title: str, choices: dict[str, QAction], last: QAction) -> QMenu:
    menu = QMenu(title)
    menu.addActions(list(choices.values()))
    menu.addSeparator()
    menu.addAction(last)
    return menu
