"""The page of ptychography: object, probe, positions, what the detector sees."""

from qtpy.QtCore import QRectF

from daiss_bluesky.viewers.model.picture import Picture
from daiss_bluesky.viewers.model.scanned_area import scanned_area
from daiss_bluesky.viewers.qt.page import PanePage

TITLES = {
    "object_phase": "Object, phase (rad)",
    "object_amplitude": "Object, amplitude",
    "probe": "Probe",
    "coverage": "Coverage",
    "diffraction": "Diffraction",
    "map": "Transmission map",
}

OF_OBJECT = ("object_phase", "object_amplitude", "coverage")
"""Views of one shape: pixel by pixel the same place."""


class PtychographyPage(PanePage):
    """Phase and amplitude are large; the window puts the map beside the positions."""

    def __init__(self) -> None:
        super().__init__(TITLES)
        panes, small = self.panes, ("probe", "diffraction", "coverage")
        upper = self.row([panes["object_phase"], panes["object_amplitude"]], [1, 1])
        lower = self.row([panes[view] for view in small], [1] * len(small))
        self.fill(self.column([upper, lower], [5, 4]))
        self.without_histogram(*small, "map")
        self._area: QRectF | None = None
        self._cropped = True

    def show_picture(self, picture: Picture) -> None:
        """Show a picture; the coverage says what part of the object was scanned."""
        super().show_picture(picture)
        if picture.view == "coverage":
            found = scanned_area(picture.pixels)
            top, left, rows, columns = found or (0, 0, *picture.shape)
            self._area = QRectF(left, top, columns, rows)
            self.set_cropped(self._cropped)
        elif picture.view in OF_OBJECT:
            self._fit_to_area(picture.view)

    def set_cropped(self, cropped: bool) -> None:
        """Fit the object's panes to what was scanned, or to all of it."""
        self._cropped = cropped
        for view in OF_OBJECT:
            self._fit_to_area(view)

    def forget(self) -> None:
        """Begin anew: another result is shown."""
        self._area = None

    def _fit_to_area(self, view: str) -> None:
        pane = self.panes[view]
        if pane.picture is None:
            return
        rows, columns = pane.picture.shape
        whole = QRectF(0, 0, columns, rows)
        area = self._area if self._cropped and self._area else whole
        if whole.contains(area):
            pane.canvas.view.set_bounds(area)
