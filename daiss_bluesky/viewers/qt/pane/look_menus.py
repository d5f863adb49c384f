"""Menus and keys of a pane that choose map, scale and contrast."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace

from qtpy.QtWidgets import QAction, QMenu

from daiss_bluesky.viewers.model.colormaps import NAMES
from daiss_bluesky.viewers.model.contrast import SCALES, Contrast
from daiss_bluesky.viewers.qt.pane.header import Header
from daiss_bluesky.viewers.qt.pane.painting import Painting

CONTRASTS = {
    "0.5–99.5 %": Contrast(),
    "0.1–99.9 %": Contrast(low_percent=0.1, high_percent=99.9),
    "2–98 %": Contrast(low_percent=2.0, high_percent=98.0),
    "mean ± 2 σ": Contrast("sigma", sigmas=2.0),
    "mean ± 3 σ": Contrast("sigma", sigmas=3.0),
    "min–max": Contrast("range"),
    "± around 0": Contrast("symmetric"),
}


class LookMenus:
    """Buttons of the header that say what is chosen."""

    def __init__(
        self, painting: Painting, header: Header, keyed: Mapping[str, QAction]
    ) -> None:
        self._painting, self._header, self._keyed = painting, header, keyed
        self._contrasts = _choices(CONTRASTS, self._choose_contrast)
        self._maps = _choices(NAMES, self._choose_map)
        self._scales = _choices(SCALES, self._choose_scale)
        for name in ("lock", "visible"):
            keyed[name].setCheckable(True)
        keyed["lock"].setIconText("Lock")
        self._log_counts = QAction("Logarithmic counts")
        self._log_counts.setCheckable(True)
        self._log_counts.triggered.connect(self._choose_counts)
        contrast = _menu("Contrast", self._contrasts)
        contrast.addActions([keyed["visible"], self._log_counts, keyed["histogram"]])
        color = _menu("Color map", self._maps)
        color.addActions([keyed["invert"], *self._scales.values()])
        self._contrast = header.add_menu(
            "0.5–99.5 %", "%", "Contrast: how levels follow the picture", contrast
        )
        header.add_switch(keyed["lock"])
        self._map = header.add_menu("gray", "map", "Color map and scale", color)
        keyed["lock"].triggered.connect(self._toggle_lock)
        keyed["visible"].triggered.connect(self._toggle_visible)
        keyed["invert"].triggered.connect(self._invert)
        keyed["next_scale"].triggered.connect(self._next_scale)
        painting.look_changed.connect(self.show_look)
        self.show_look()

    def show_look(self) -> None:
        """Mark what is chosen."""
        look = self._painting.look
        plain = replace(look.contrast, visible_only=False)
        named = next((n for n, kept in CONTRASTS.items() if kept == plain), "fixed")
        for name, action in self._contrasts.items():
            action.setChecked(name == named)
        for name, action in self._maps.items():
            action.setChecked(name == look.colormap)
        for name, action in self._scales.items():
            action.setChecked(name == look.scale)
        self._keyed["lock"].setChecked(look.locked is not None)
        self._keyed["visible"].setChecked(look.contrast.visible_only)
        self._log_counts.setChecked(look.log_counts)
        self._header.set_texts(self._contrast, named, "%")
        scale = "" if look.scale == "linear" else f" {look.scale}"
        name = look.colormap.replace("_inverted", " inv.")
        self._header.set_texts(self._map, name + scale, name)

    def _choose_contrast(self, name: str) -> None:
        look = self._painting.look
        contrast = replace(CONTRASTS[name], visible_only=look.contrast.visible_only)
        self._painting.set_look(replace(look, contrast=contrast, locked=None))

    def _choose_map(self, name: str) -> None:
        self._painting.set_look(replace(self._painting.look, colormap=name))

    def _choose_scale(self, name: str) -> None:
        self._painting.set_look(replace(self._painting.look, scale=name))

    def _choose_counts(self, log_counts: bool) -> None:
        self._painting.set_look(replace(self._painting.look, log_counts=log_counts))

    def _toggle_lock(self) -> None:
        if self._painting.look.locked is None:
            self._painting.lock_levels()
        else:
            self._painting.free_levels()

    def _toggle_visible(self) -> None:
        look = self._painting.look
        contrast = replace(look.contrast, visible_only=not look.contrast.visible_only)
        self._painting.set_look(replace(look, contrast=contrast, locked=None))

    def _invert(self) -> None:
        look = self._painting.look
        self._painting.set_look(replace(look, colormap=look.inverted()))

    def _next_scale(self) -> None:
        look = self._painting.look
        following = SCALES[(SCALES.index(look.scale) + 1) % len(SCALES)]
        self._painting.set_look(replace(look, scale=following))


def _choices(names: Iterable[str], choose: Callable[[str], None]) -> dict[str, QAction]:
    actions = {}
    for name in names:
        action = QAction(name.replace("_", " "))
        action.setCheckable(True)
        action.triggered.connect(lambda *_, name=name: choose(name))
        actions[name] = action
    return actions


def _menu(title: str, choices: dict[str, QAction]) -> QMenu:
    menu = QMenu(title)
    menu.addActions(list(choices.values()))
    menu.addSeparator()
    return menu
