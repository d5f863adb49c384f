"""Decides how the newest picture is painted: look, difference, blinking, saturation."""

from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray
from qtpy.QtCore import QObject, QTimer, Signal
from qtpy.QtGui import QPixmap

from daiss_bluesky.viewers.model.colormaps import (
    DIVERGING,
    complex_colors,
    table,
)
from daiss_bluesky.viewers.model.comparison import difference, full_scale, saturated
from daiss_bluesky.viewers.model.contrast import Contrast, Levels, lookup
from daiss_bluesky.viewers.model.look import Look, default_look
from daiss_bluesky.viewers.model.picture import Picture
from daiss_bluesky.viewers.model.shown import Shown
from daiss_bluesky.viewers.qt.pane.canvas import Canvas
from daiss_bluesky.viewers.qt.pane.levels_bar import LevelsBar

BLINK_MS = 500


class Painting(QObject):
    """Paints on a canvas and counts on a levels bar.

    The difference has a look of its own, so that levels locked on one are not those
    of the other.
    """

    look_changed = Signal()
    repainted = Signal()

    def __init__(self, canvas: Canvas, levels_bar: LevelsBar) -> None:
        super().__init__()
        self._canvas, self._levels_bar = canvas, levels_bar
        self.picture: Picture | None = None
        self.reference: Picture | None = None
        self.levels = Levels(0.0, 1.0)
        self.subtracting = False
        self.marking_saturation = False
        self.saturation_level: float | None = None
        """Counts; None is the full scale of the picture's integers."""
        self.look_chosen = False
        self._plain = Look()
        self._apart = Look(DIVERGING, contrast=Contrast("symmetric"))
        self._lut = lookup(table("gray"), "linear")
        self._blink = QTimer(self)
        self._blink.setInterval(BLINK_MS)
        self._blink.timeout.connect(self._turn)
        self._shows_reference = False
        self._mask: NDArray[np.bool_] | None = None
        self._shown: NDArray[Any] = np.zeros((0, 0))

    @property
    def look(self) -> Look:
        """Look of what is shown now."""
        return self._apart if self.comparable and self.subtracting else self._plain

    @property
    def plain_look(self) -> Look:
        """Look of pictures themselves."""
        return self._plain

    @property
    def comparable(self) -> bool:
        """Whether there is an earlier picture of the same size."""
        now, before = self.picture, self.reference
        return now is not None and before is not None and now.shape == before.shape

    def show(self, picture: Picture) -> None:
        """Paint a newer picture, in the look of its view until another is chosen."""
        look = self.look
        self.picture = picture
        if not self.look_chosen:
            fresh = default_look(picture.view, picture.pixels)
            self._plain = self._plain if fresh == self._plain else fresh
        if self.look is not look:
            self.apply_look()
        self.paint()

    def forget(self) -> None:
        """Show nothing until the next picture; look and levels stay."""
        self.picture = None
        self.set_reference(None)
        self._mask = None
        self._shown = np.zeros((0, 0))
        self._canvas.wipe()

    def set_look(self, look: Look) -> None:
        """Choose how it is painted; InputError for an unknown map or scale."""
        lookup(table(look.colormap), look.scale)
        if self.look is self._apart:
            self._apart = look
        else:
            self._plain, self.look_chosen = look, True
        self.apply_look()
        self.paint()

    def apply_look(self) -> None:
        """Take map and scale of the present look."""
        look = self.look
        self._lut = lookup(table(look.colormap), look.scale)
        self._levels_bar.set_map(self._lut)
        self._levels_bar.log_counts = look.log_counts
        self.look_changed.emit()

    def lock_levels(self, levels: Levels | None = None) -> None:
        """Keep levels, the present ones if none are given."""
        self.set_look(replace(self.look, locked=levels or self.levels))

    def free_levels(self) -> None:
        """Let levels follow the picture again."""
        self.set_look(replace(self.look, locked=None))

    def set_reference(self, picture: Picture | None) -> None:
        """Take the picture that others are compared with; None forgets it."""
        if picture is None and self.reference is None:
            return
        self.reference = picture
        if picture is None:
            self.subtracting, self._shows_reference = False, False
            self._blink.stop()
        self.apply_look()
        self.paint()

    def set_subtracting(self, subtracting: bool) -> None:
        """Show the difference with the reference, the present picture if none."""
        if subtracting and self.reference is None:
            self.reference = self.picture
        self.subtracting = subtracting
        self.apply_look()
        self.paint()

    def set_blinking(self, blinking: bool) -> None:
        """Show picture and reference in turn, with the same levels."""
        if blinking and self.reference is None:
            self.reference = self.picture
        self._shows_reference = False
        if blinking:
            self._blink.start()
        else:
            self._blink.stop()
        self.paint()

    def mark_saturation(self, marking: bool) -> None:
        """Color what reaches the saturation level, and count it."""
        self.marking_saturation = marking
        self.paint()

    @property
    def blinking(self) -> bool:
        """Whether it blinks."""
        return bool(self._blink.isActive())

    def _turn(self) -> None:
        self._shows_reference = not self._shows_reference and self.comparable
        self.paint()

    def paint(self) -> None:
        """Paint again, for look or visible part changed."""
        if self.picture is None:
            return
        pixels = self._shown = self._choose_pixels(self.picture)
        real = np.abs(pixels) if np.iscomplexobj(pixels) else pixels
        self.levels = self._levels_for(real)
        if np.iscomplexobj(pixels):
            colors = complex_colors(pixels, self.levels.high)
            self._canvas.paint(colors, None, None)
            self._levels_bar.set_map(table("gray"))
        else:
            self._canvas.paint(pixels, self.levels, self._lut)
        if self._levels_bar.isVisibleTo(self._levels_bar.parentWidget()):
            self._levels_bar.show_counts(real, self.levels)
        self._mask = self._full_pixels()
        self._canvas.mark(self._mask)
        self.repainted.emit()

    def shown_pixels(self) -> NDArray[Any]:
        """Give what is on the screen: picture, reference or their difference."""
        return self._shown

    def _choose_pixels(self, picture: Picture) -> NDArray[Any]:
        if self.reference is None or not self.comparable:
            return picture.pixels
        if self._shows_reference:
            return self.reference.pixels
        if self.subtracting:
            return difference(picture, self.reference)
        return picture.pixels

    def shown(self) -> Shown:
        """Give what is on the screen, for whom takes it elsewhere."""
        return Shown(self._shown, self.levels, self._lut, self._mask)

    def grab(self) -> QPixmap:
        """Give what is on the screen."""
        return self._canvas.grab()

    def difference_text(self, row: int, column: int) -> str:
        """Write the element of the difference, where that is shown."""
        subtracted = self.comparable and self.subtracting
        rows, columns = self._shown.shape
        if not subtracted or not (0 <= row < rows and 0 <= column < columns):
            return ""
        return f" · Δ {self._shown[row, column]!s}"

    def notes(self) -> tuple[str, ...]:
        """Say what else is shown than the picture."""
        said = []
        if np.iscomplexobj(self.shown_pixels()):
            said.append("hue: phase · brightness: amplitude")
        if self.reference is not None and (self.subtracting or self.blinking):
            said.append(self._comparison_note(self.reference))
        if self._mask is not None:
            level = self._saturation()
            said.append(f"{np.count_nonzero(self._mask)} px at {level:g} or more")
        elif self.marking_saturation:
            said.append("saturation: no level is known for this picture")
        return tuple(said)

    def _comparison_note(self, reference: Picture) -> str:
        if not self.comparable:
            return f"update {reference.number} has another size"
        if self._shows_reference:
            return f"B: update {reference.number}"
        if self.subtracting:
            return f"minus update {reference.number}"
        return "A: this one"

    def _levels_for(self, pixels: NDArray[Any]) -> Levels:
        look = self.look
        if look.locked is not None:
            return look.locked
        if self._shows_reference:
            return self.levels
        if look.contrast.visible_only:
            pixels = self._canvas.visible_part(pixels)
        return look.contrast.levels(pixels)

    def _saturation(self) -> float | None:
        if self.saturation_level is not None or self.picture is None:
            return self.saturation_level
        return full_scale(self.picture.pixels)

    def _full_pixels(self) -> NDArray[np.bool_] | None:
        level = self._saturation()
        if self.picture is None or not self.marking_saturation or level is None:
            return None
        if np.iscomplexobj(self.picture.pixels):
            return None
        return saturated(self.picture.pixels, level)
