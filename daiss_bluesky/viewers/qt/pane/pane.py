"""One picture pane: picture, histogram, header and readout, and what joins them."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray
from qtpy.QtCore import QRectF, Qt, Signal
from qtpy.QtWidgets import QHBoxLayout, QLabel, QVBoxLayout, QWidget

from daiss_bluesky.core.errors import InputError
from daiss_bluesky.viewers.model.colormaps import complex_colors, table
from daiss_bluesky.viewers.model.contrast import SCALES, Contrast, Levels, lookup
from daiss_bluesky.viewers.model.look import Look, default_look
from daiss_bluesky.viewers.model.picture import Picture
from daiss_bluesky.viewers.model.readout import point_text
from daiss_bluesky.viewers.qt.pane.canvas import Canvas
from daiss_bluesky.viewers.qt.pane.colors import DARK, PaneColors
from daiss_bluesky.viewers.qt.pane.header import Header, make_actions
from daiss_bluesky.viewers.qt.pane.levels_bar import LevelsBar
from daiss_bluesky.viewers.qt.pane.look_menus import LookMenus


class ImagePane(QWidget):
    """Shows one view; zoom, levels, crosshair and marks survive new pictures.

    Rows and columns are counted from the picture's top left edge in px: the element
    under (row, column) is [floor(row), floor(column)].
    """

    crosshair_moved = Signal(float, float)
    """Row, column; of the user's moves, not of `set_crosshair`."""
    look_changed = Signal()

    def __init__(self, title: str = "", parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.picture: Picture | None = None
        self.look = Look()
        self._look_chosen = False
        self._crosshair_placed = False
        self._levels = Levels(0.0, 1.0)
        self._lut = lookup(table("gray"), "linear")
        self.canvas = Canvas()
        self.levels_bar = LevelsBar()
        self.header = Header()
        self.readout = QLabel()
        self.readout.setAccessibleName("Value under the cursor")
        self.readout.setMinimumHeight(self.readout.fontMetrics().height() + 4)
        self.readout.setMinimumWidth(20)
        self.actions_by_name = make_actions(self)
        self._menus = LookMenus(self)
        self._lay_out()
        self._connect()
        self.set_title(title)
        self.set_colors(DARK)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)

    def set_title(self, title: str) -> None:
        """Name the pane, above it and for screen readers."""
        self.header.title.setText(title)
        self.setAccessibleName(title)

    def set_colors(self, colors: PaneColors) -> None:
        """Take the window's theme."""
        self.canvas.set_colors(colors)
        self.levels_bar.set_colors(colors)

    def show_picture(self, picture: Picture) -> None:
        """Show a newer picture, of whatever size."""
        before, self.picture = self.picture, picture
        if before is None or before.view != picture.view:
            self._start_view(picture)
        elif before.shape != picture.shape:
            self.canvas.rescale(*_factors(before, picture))
        self._paint()
        self.canvas.overlay.show_picture(picture)
        if not self._crosshair_placed:
            self.set_crosshair(*(side / 2 for side in picture.shape))
        self._refresh_readout()

    def _start_view(self, picture: Picture) -> None:
        if not self._look_chosen:
            self.look = default_look(picture.view)
            self._apply_look()

    def _paint(self) -> None:
        if self.picture is None:
            return
        pixels = self.picture.pixels
        real = np.abs(pixels) if np.iscomplexobj(pixels) else pixels
        self._levels = self._levels_for(real)
        if np.iscomplexobj(pixels):
            self.canvas.paint(complex_colors(pixels, self._levels.high), None, None)
        else:
            self.canvas.paint(pixels, self._levels, self._lut)
        if self.levels_bar.isVisibleTo(self):
            self.levels_bar.show_counts(real, self._levels)

    def _levels_for(self, pixels: NDArray[Any]) -> Levels:
        if self.look.locked is not None:
            return self.look.locked
        if self.look.contrast.visible_only:
            pixels = self.canvas.visible_part(pixels)
        return self.look.contrast.levels(pixels)

    @property
    def levels(self) -> Levels:
        """Levels the picture is painted with."""
        return self._levels

    def set_look(self, look: Look) -> None:
        """Choose how pictures are painted; InputError for an unknown map or scale."""
        self._lut = lookup(table(look.colormap), look.scale)
        self.look, self._look_chosen = look, True
        self._apply_look()
        self._paint()
        self.look_changed.emit()

    def _apply_look(self) -> None:
        self._lut = lookup(table(self.look.colormap), self.look.scale)
        self.levels_bar.set_map(self._lut)
        self.levels_bar.log_counts = self.look.log_counts
        self._menus.show_look(self.look)

    def set_contrast(self, contrast: Contrast) -> None:
        """Let levels follow the picture in this way; frees locked ones."""
        self.set_look(replace(self.look, contrast=contrast, locked=None))

    def lock_levels(self, levels: Levels | None = None) -> None:
        """Keep levels, the present ones if none are given."""
        self.set_look(replace(self.look, locked=levels or self._levels))

    def free_levels(self) -> None:
        """Let levels follow the picture again."""
        self.set_look(replace(self.look, locked=None))

    def set_crosshair(self, row: float, column: float) -> None:
        """Put the crosshair, without a signal."""
        self._crosshair_placed = True
        self.canvas.crosshair.place(row, column)
        self._refresh_readout()

    def crosshair(self) -> tuple[float, float]:
        """Give row and column of the crosshair."""
        return self.canvas.crosshair.row, self.canvas.crosshair.column

    def save_layout(self) -> dict[str, Any]:
        """Give what `load_layout` restores, as JSON can hold it."""
        part = self.canvas.view.viewRect()
        zoom = [part.x(), part.y(), part.width(), part.height()]
        return {
            "look": self.look.to_dict() if self._look_chosen else None,
            "zoom": None if self.canvas.view.fitted else zoom,
            "crosshair": list(self.crosshair()),
            "crosshair_visible": self.canvas.crosshair.visible,
            "histogram": self.levels_bar.isVisibleTo(self),
        }

    def load_layout(self, stored: Mapping[str, Any]) -> None:
        """Restore; what is missing stays, what is not understood is InputError."""
        try:
            self._load(stored)
        except (TypeError, ValueError, KeyError, AttributeError) as error:
            raise InputError(f"stored layout of a pane: {error}") from error

    def _load(self, stored: Mapping[str, Any]) -> None:
        if stored.get("look"):
            self.set_look(Look.from_dict(stored["look"]))
        if stored.get("zoom"):
            self.canvas.view.show_rect(QRectF(*map(float, stored["zoom"])))
        if stored.get("crosshair"):
            row, column = map(float, stored["crosshair"])
            self.set_crosshair(row, column)
        self.canvas.crosshair.set_visible(bool(stored.get("crosshair_visible", True)))
        self.levels_bar.setVisible(bool(stored.get("histogram", True)))

    def _lay_out(self) -> None:
        middle = QHBoxLayout()
        middle.setSpacing(2)
        middle.addWidget(self.canvas, 1)
        middle.addWidget(self.levels_bar)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(1)
        column.addWidget(self.header)
        column.addLayout(middle, 1)
        column.addWidget(self.readout)

    def _connect(self) -> None:
        self.canvas.hovered.connect(self._refresh_readout)
        self.canvas.view.clicked.connect(self._click)
        self.canvas.crosshair.moved.connect(self._cross)
        self.canvas.view.sigRangeChanged.connect(self._range_changed)
        self.levels_bar.dragged.connect(self._drag_levels)
        self.levels_bar.released.connect(self._paint)
        self.levels_bar.freed.connect(self.free_levels)
        doing = {
            "fit": self.canvas.view.fit,
            "one_to_one": self.canvas.view.one_to_one,
            "lock": self._toggle_lock,
            "visible": self._toggle_visible,
            "invert": self._invert,
            "next_scale": self._next_scale,
            "histogram": self._toggle_histogram,
            "crosshair": self._toggle_crosshair,
        }
        for name, action in self.actions_by_name.items():
            action.triggered.connect(doing[name])

    def _click(self, row: float, column: float) -> None:
        self.canvas.crosshair.place(row, column)
        self._cross(row, column)

    def _cross(self, row: float, column: float) -> None:
        self._refresh_readout()
        self.crosshair_moved.emit(row, column)

    def _range_changed(self, *_: Any) -> None:
        if self.look.contrast.visible_only and self.look.locked is None:
            self._paint()

    def _drag_levels(self, low: float, high: float) -> None:
        self.set_look(replace(self.look, locked=Levels(low, high)))

    def _toggle_lock(self) -> None:
        if self.look.locked is None:
            self.lock_levels()
        else:
            self.free_levels()

    def _toggle_visible(self) -> None:
        contrast = self.look.contrast
        self.set_contrast(replace(contrast, visible_only=not contrast.visible_only))

    def _invert(self) -> None:
        self.set_look(replace(self.look, colormap=self.look.inverted()))

    def _next_scale(self) -> None:
        following = SCALES[(SCALES.index(self.look.scale) + 1) % len(SCALES)]
        self.set_look(replace(self.look, scale=following))

    def _toggle_histogram(self) -> None:
        self.levels_bar.setVisible(not self.levels_bar.isVisibleTo(self))
        self._paint()

    def _toggle_crosshair(self) -> None:
        self.canvas.crosshair.set_visible(not self.canvas.crosshair.visible)

    def _refresh_readout(self) -> None:
        if self.picture is None:
            return
        point = self.canvas.cursor_point()
        text = "" if point is None else point_text(self.picture, *point)
        if not text:
            text = "+ " + point_text(self.picture, *self.crosshair())
        self.readout.setText(text)


def _factors(before: Picture, after: Picture) -> tuple[float, float]:
    """By how much a length in px grew: by pixel sizes, or else by the shapes."""
    if before.pixel_size_um is not None and after.pixel_size_um is not None:
        factor = before.pixel_size_um / after.pixel_size_um
        return factor, factor
    return (
        after.shape[0] / max(1, before.shape[0]),
        after.shape[1] / max(1, before.shape[1]),
    )
