"""One picture pane: picture, histogram, header and readout, and what joins them."""

from collections.abc import Mapping
from typing import Any

from qtpy.QtCore import QRectF, Qt, Signal
from qtpy.QtWidgets import QHBoxLayout, QSplitter, QVBoxLayout, QWidget

from daiss_bluesky.core.errors import InputError
from daiss_bluesky.viewers.model.contrast import Levels
from daiss_bluesky.viewers.model.look import Look
from daiss_bluesky.viewers.model.picture import Picture
from daiss_bluesky.viewers.model.readout import element_at, point_text
from daiss_bluesky.viewers.qt.pane.canvas import Canvas
from daiss_bluesky.viewers.qt.pane.colors import DARK, PaneColors
from daiss_bluesky.viewers.qt.pane.elided import ElidedLabel
from daiss_bluesky.viewers.qt.pane.header import Header, make_actions
from daiss_bluesky.viewers.qt.pane.levels_bar import LevelsBar
from daiss_bluesky.viewers.qt.pane.look_menus import LookMenus
from daiss_bluesky.viewers.qt.pane.measuring import Measuring
from daiss_bluesky.viewers.qt.pane.painting import Painting
from daiss_bluesky.viewers.qt.pane.saving import Saving
from daiss_bluesky.viewers.qt.pane.tools_menu import ToolsMenu

_WIDE = 1.5
"""Width to height from which the measuring panel is beside the picture."""


class ImagePane(QWidget):
    """Shows one view; zoom, levels, crosshair and marks survive new pictures.

    Rows and columns are counted from the picture's top left edge in px: the element
    under (row, column) is [floor(row), floor(column)].
    """

    crosshair_moved = Signal(float, float)
    """Row, column; of the user's moves, not of `set_crosshair`."""
    said = Signal(str)
    """What was saved or copied, or why not; for the status line."""

    def __init__(self, title: str = "") -> None:
        super().__init__()
        self._crosshair_placed = False
        self._last: Picture | None = None
        """What zoom and marks were placed on; `forget` does not forget it."""
        self._before_click: tuple[float, float] | None = None
        self.canvas = Canvas()
        self.levels_bar = LevelsBar()
        self.header = Header()
        self.readout = ElidedLabel()
        self.actions_by_name = make_actions(self)
        self._lay_out_picture()
        self.painting = Painting(self.canvas, self.levels_bar)
        self.measuring = Measuring(self.canvas)
        self._add_menus()
        self._lay_out()
        self._connect()
        self.set_title(title)
        self.set_colors(DARK)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)

    def _add_menus(self) -> None:
        painting, header, keyed = self.painting, self.header, self.actions_by_name
        cross = self.canvas.crosshair
        self._look_menus = LookMenus(painting, header, keyed)
        self._tools_menu = ToolsMenu(painting, self.measuring, cross, header, keyed)
        self.saving = Saving(self, painting, self.measuring, header, keyed)

    @property
    def picture(self) -> Picture | None:
        """The newest picture."""
        return self.painting.picture

    @property
    def look(self) -> Look:
        """How it is painted."""
        return self.painting.look

    @property
    def levels(self) -> Levels:
        """Levels it is painted with."""
        return self.painting.levels

    def set_title(self, title: str) -> None:
        """Name the pane, above it and for screen readers."""
        self.header.title.setText(title)
        self.header.title.setToolTip(title)
        self.setAccessibleName(title)
        self.canvas.setAccessibleName(f"{title}: picture")

    def set_colors(self, colors: PaneColors) -> None:
        """Take the window's theme."""
        for part in (self.canvas, self.levels_bar, self.measuring):
            part.set_colors(colors)

    def show_picture(self, picture: Picture) -> None:
        """Show a newer picture, of whatever size."""
        before, self._last = self._last, picture
        if before is not None and before.shape != picture.shape:
            self._rescale(*_factors(before, picture))
        begins = self.picture is None
        self.painting.show(picture)
        self.canvas.view.set_square("angle" not in picture.rows_along)
        if begins:
            self._begin()
        if not self._crosshair_placed:
            self.set_crosshair(*(side / 2 for side in picture.shape))
        self.measuring.show_picture(picture)
        self._refresh_readout()

    def forget(self) -> None:
        """Show nothing until a picture of another result comes; marks and look stay."""
        self.painting.forget()
        self.levels_bar.setVisible(False)
        self.measuring.forget()
        self.readout.setText("")

    def _begin(self) -> None:
        """Show what has a meaning from the first picture on."""
        self._show_crosshair(self.actions_by_name["crosshair"].isChecked())
        self.levels_bar.setVisible(self.actions_by_name["histogram"].isChecked())
        self.painting.paint()

    def _rescale(self, down: float, right: float) -> None:
        if (down, right) != (1.0, 1.0):
            self.canvas.rescale(down, right)
            self.measuring.marks.rescale(down, right)

    def set_look(self, look: Look) -> None:
        """Choose how pictures are painted; InputError for an unknown map or scale."""
        self.painting.set_look(look)

    def lock_levels(self, levels: Levels | None = None) -> None:
        """Keep levels, the present ones if none are given."""
        self.painting.lock_levels(levels)

    def set_source(self, tiled_uri: str, *, finished: bool = False) -> None:
        """Say where "copy as Python" reads: the server, and if the result is done."""
        self.saving.tiled_uri = tiled_uri
        self.saving.result_finished = finished

    def set_reference(self, picture: Picture | None) -> None:
        """Take an earlier picture to compare with; None forgets it."""
        self.painting.set_reference(picture)

    def show_difference(self, shown: bool) -> None:
        """Show the newest picture minus the reference."""
        self.painting.set_subtracting(shown)

    def set_crosshair(self, row: float, column: float) -> None:
        """Put the crosshair, without a signal."""
        self._crosshair_placed = True
        self.canvas.crosshair.place(row, column)
        self.measuring.crosshair_moved()
        self._refresh_readout()

    def crosshair(self) -> tuple[float, float]:
        """Give row and column of the crosshair."""
        return self.canvas.crosshair.row, self.canvas.crosshair.column

    def save_layout(self) -> dict[str, Any]:
        """Give what `load_layout` restores, as JSON can hold it."""
        part = self.canvas.view.viewRect()
        zoom = [part.x(), part.y(), part.width(), part.height()]
        chosen = self.painting.look_chosen
        return {
            "look": self.painting.plain_look.to_dict() if chosen else None,
            "zoom": None if self.canvas.view.fitted else zoom,
            "crosshair": list(self.crosshair()) if self._crosshair_placed else None,
            "crosshair_visible": self.actions_by_name["crosshair"].isChecked(),
            "histogram": self.actions_by_name["histogram"].isChecked(),
            "marks": self.measuring.marks.to_dict(),
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
        if "crosshair_visible" in stored:
            self._show_crosshair(bool(stored["crosshair_visible"]))
        if "histogram" in stored:
            self._show_histogram(bool(stored["histogram"]))
        if "marks" in stored:
            self.measuring.marks.load(stored["marks"])

    def _lay_out_picture(self) -> None:
        self.readout.setAccessibleDescription("Value under the cursor")
        self._picture_area = QWidget()
        middle = QHBoxLayout(self._picture_area)
        middle.setContentsMargins(0, 0, 0, 0)
        middle.setSpacing(2)
        middle.addWidget(self.canvas, 1)
        middle.addWidget(self.levels_bar)

    def _lay_out(self) -> None:
        halves = self._halves = QSplitter(Qt.Orientation.Vertical)
        halves.setChildrenCollapsible(False)
        halves.addWidget(self._picture_area)
        halves.addWidget(self.measuring)
        halves.setStretchFactor(0, 3)
        halves.setStretchFactor(1, 2)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(1)
        column.addWidget(self.header)
        column.addWidget(halves, 1)
        column.addWidget(self.readout)

    def resizeEvent(self, event: Any) -> None:
        """Put the measuring panel where there is more room."""
        super().resizeEvent(event)
        wide = self.width() > _WIDE * self.height()
        way = Qt.Orientation.Horizontal if wide else Qt.Orientation.Vertical
        if self._halves.orientation() != way:
            self._halves.setOrientation(way)

    def _connect(self) -> None:
        painting, keyed = self.painting, self.actions_by_name
        self.canvas.hovered.connect(self._refresh_readout)
        self.canvas.view.clicked.connect(self._click)
        self.canvas.view.double_clicked.connect(self._take_back_click)
        self.canvas.crosshair.moved.connect(self._cross)
        self.canvas.view.sigRangeChanged.connect(self._range_changed)
        self.levels_bar.dragged.connect(self._drag_levels)
        self.levels_bar.released.connect(painting.paint)
        self.levels_bar.freed.connect(painting.free_levels)
        painting.repainted.connect(self._caption)
        self.saving.said.connect(self.said)
        self.saving.said.connect(self.readout.setText)
        for name in ("crosshair", "histogram"):
            keyed[name].setCheckable(True)
            keyed[name].setChecked(True)
        self.canvas.crosshair.set_visible(False)
        self.levels_bar.setVisible(False)
        keyed["fit"].triggered.connect(lambda *_: self.canvas.view.fit())
        keyed["one_to_one"].triggered.connect(lambda *_: self.canvas.view.one_to_one())
        keyed["histogram"].triggered.connect(self._show_histogram)
        keyed["crosshair"].triggered.connect(self._show_crosshair)

    def _click(self, row: float, column: float) -> None:
        self._before_click = self.crosshair()
        self.canvas.crosshair.place(row, column)
        self._cross(row, column)

    def _take_back_click(self) -> None:
        """A double click fits; its first half moved the crosshair."""
        if self._before_click is not None:
            self.canvas.crosshair.place(*self._before_click)
            self._cross(*self._before_click)

    def _cross(self, row: float, column: float) -> None:
        self._crosshair_placed = True
        self.measuring.crosshair_moved()
        self._refresh_readout()
        self.crosshair_moved.emit(row, column)

    def _range_changed(self, *_: Any) -> None:
        if self.look.contrast.visible_only and self.look.locked is None:
            self.painting.paint()

    def _drag_levels(self, low: float, high: float) -> None:
        self.lock_levels(Levels(low, high))

    def _show_histogram(self, visible: bool) -> None:
        self.actions_by_name["histogram"].setChecked(visible)
        self.levels_bar.setVisible(visible and self.picture is not None)
        self.painting.paint()

    def _show_crosshair(self, visible: bool) -> None:
        self.actions_by_name["crosshair"].setChecked(visible)
        self.canvas.crosshair.set_visible(visible and self.picture is not None)

    def _caption(self) -> None:
        self._refresh_readout()
        if self.picture is not None:
            self.canvas.overlay.show_picture(self.picture, self.painting.notes())

    def _refresh_readout(self) -> None:
        if self.picture is None:
            return
        point = self.canvas.cursor_point()
        text = "" if point is None else point_text(self.picture, *point)
        if point is None or not text:
            point = self.crosshair()
            text = "+ " + point_text(self.picture, *point)
        delta = self.painting.difference_text(*element_at(*point))
        self.readout.setText(text + delta)


def _factors(before: Picture, after: Picture) -> tuple[float, float]:
    """By how much a length in px grew: by pixel sizes, or else by the shapes."""
    if before.pixel_size_um is not None and after.pixel_size_um is not None:
        factor = before.pixel_size_um / after.pixel_size_um
        return factor, factor
    return (
        after.shape[0] / max(1, before.shape[0]),
        after.shape[1] / max(1, before.shape[1]),
    )
