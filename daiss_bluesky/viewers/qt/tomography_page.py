"""The page of tomography: three linked slices, projection, sinogram."""

from dataclasses import replace
from math import floor

from qtpy.QtCore import Signal

from daiss_bluesky.viewers.model.orthogonal import ACROSS, Point
from daiss_bluesky.viewers.model.picture import Picture
from daiss_bluesky.viewers.qt.half_turn import HalfTurnPane
from daiss_bluesky.viewers.qt.linked_slices import LinkedSlices
from daiss_bluesky.viewers.qt.page import PanePage
from daiss_bluesky.viewers.qt.theme import Theme

TITLES = {
    "slice_xy": "Slice xy",
    "slice_xz": "Slice xz",
    "slice_yz": "Slice yz",
    "projection": "Projection",
    "sinogram": "Sinogram",
}


class TomographyPage(PanePage):
    """Moving a crosshair moves the others, and asks for the slices through it."""

    point_wanted = Signal(object)
    """A `Point` whose slices the user wants to see."""

    def __init__(self) -> None:
        super().__init__(TITLES)
        self.linked = LinkedSlices({view: self.panes[view] for view in ACROSS}, self)
        self.linked.wanted.connect(self.point_wanted)
        self.linked.placed.connect(self._place_in_projection)
        self.panes["projection"].crosshair_moved.connect(self._moved_in_projection)
        panes = self.panes
        upper = self.row([panes[view] for view in ACROSS], [5, 4, 4])
        self.half_turn = HalfTurnPane()
        below = [panes["projection"], panes["sinogram"], self.half_turn]
        lower = self.row(below, [5, 4, 4])
        self.fill(self.column([upper, lower], [1, 1]))
        self.without_histogram("slice_xz", "slice_yz", "projection", "sinogram")

    def show_picture(self, picture: Picture) -> None:
        """Show a picture, and keep the crosshairs where they belong."""
        super().show_picture(picture)
        self.linked.note(picture)
        if picture.view == "projection" and self.linked.point is not None:
            self._place_in_projection(self.linked.point)

    def _place_in_projection(self, point: Point) -> None:
        pane = self.panes["projection"]
        if pane.picture is not None:
            _, column = pane.crosshair()
            pane.set_crosshair(point.z + 0.5, column)

    def _moved_in_projection(self, row: float, _column: float) -> None:
        point = self.linked.point
        if point is not None:
            self.linked.go(replace(point, z=floor(row)))

    def forget(self) -> None:
        """Begin anew: another result is shown."""
        super().forget()
        self.linked.forget()
        self.half_turn.forget()

    def set_theme(self, theme: Theme) -> None:
        """Take other colors."""
        super().set_theme(theme)
        self.half_turn.set_theme(theme)
