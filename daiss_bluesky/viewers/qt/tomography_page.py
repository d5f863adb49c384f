"""The page of tomography: three linked slices, projection, sinogram."""

from typing import Any

from qtpy.QtCore import Signal

from daiss_bluesky.viewers.model.orthogonal import ACROSS
from daiss_bluesky.viewers.model.picture import Picture
from daiss_bluesky.viewers.qt.linked_slices import LinkedSlices
from daiss_bluesky.viewers.qt.page import PanePage

TITLES = {
    "slice_xy": "Slice xy",
    "slice_xz": "Slice xz",
    "slice_yz": "Slice yz",
    "projection": "Newest projection",
    "sinogram": "Sinogram of the slice's row",
}


class TomographyPage(PanePage):
    """Moving a crosshair moves the others, and asks for the slices through it."""

    point_wanted = Signal(object)
    """A `Point` whose slices the user wants to see."""

    def __init__(self, parent: Any = None) -> None:
        super().__init__(TITLES, parent)
        self.linked = LinkedSlices({view: self.panes[view] for view in ACROSS}, self)
        self.linked.wanted.connect(self.point_wanted)
        panes = self.panes
        upper = self.row([panes[view] for view in ACROSS], [5, 4, 4])
        lower = self.row([panes["projection"], panes["sinogram"]], [1, 2])
        self.fill(self.column([upper, lower], [1, 1]))
        self.without_histogram("slice_xz", "slice_yz", "projection", "sinogram")

    def show_picture(self, picture: Picture) -> None:
        """Show a picture, and keep the crosshairs where they belong."""
        super().show_picture(picture)
        self.linked.note(picture)

    def forget(self) -> None:
        """Begin anew: another result is shown."""
        self.linked.forget()
