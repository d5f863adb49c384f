"""Menu of lines, regions, pins and comparisons, and the panel below the picture."""

from collections.abc import Callable, Mapping

from qtpy.QtWidgets import QAction, QInputDialog, QMenu, QTabWidget

from daiss_bluesky.viewers.model.picture import Picture
from daiss_bluesky.viewers.model.regions import MOST, SHAPES
from daiss_bluesky.viewers.qt.pane.canvas import Canvas
from daiss_bluesky.viewers.qt.pane.colors import PaneColors
from daiss_bluesky.viewers.qt.pane.crosshair import Crosshair
from daiss_bluesky.viewers.qt.pane.header import Header
from daiss_bluesky.viewers.qt.pane.marks import Marks
from daiss_bluesky.viewers.qt.pane.painting import Painting
from daiss_bluesky.viewers.qt.pane.profile_panel import ProfilePanel
from daiss_bluesky.viewers.qt.pane.region_panel import RegionPanel

_SWITCHES = ("difference", "blink", "saturation")


class Tools(QTabWidget):
    """Tabs of profiles and regions; hidden while there are none."""

    def __init__(
        self,
        canvas: Canvas,
        painting: Painting,
        header: Header,
        keyed: Mapping[str, QAction],
    ) -> None:
        super().__init__()
        self._painting, self._keyed = painting, keyed
        self.marks = Marks(canvas)
        cross = canvas.crosshair
        self.profiles = ProfilePanel(self.marks, lambda: (cross.row, cross.column))
        self.regions = RegionPanel(self.marks)
        self.addTab(self.profiles, "Profiles")
        self.addTab(self.regions, "Regions")
        self.setDocumentMode(True)
        self.setVisible(False)
        self._region_actions: list[QAction] = []
        header.add_menu("Tools", "Profiles, regions, pins, comparison", self._menu())
        for name in _SWITCHES:
            keyed[name].setCheckable(True)
        for name, do in self._doing(cross).items():
            keyed[name].triggered.connect(do)
        self.marks.lines_changed.connect(self._show_if_wanted)
        self.marks.regions_changed.connect(self._show_if_wanted)
        painting.look_changed.connect(self._show_switches)

    def _doing(self, cross: Crosshair) -> Mapping[str, Callable[..., object]]:
        painting = self._painting
        return {
            "line": lambda *_: self.marks.add_line(),
            "cross_profiles": self._toggle_cross,
            "pin": lambda *_: self.marks.add_pin(cross.row, cross.column),
            "reference": lambda *_: painting.set_reference(painting.picture),
            "difference": painting.set_subtracting,
            "blink": painting.set_blinking,
            "saturation": self._mark_saturation,
        }

    def show_picture(self, picture: Picture) -> None:
        """Measure a newer picture, where there is anything to measure."""
        self.marks.show_picture(picture)
        if self.profiles.wanted:
            self.profiles.show_picture(picture)
        if self.regions.wanted:
            self.regions.show_picture(picture)

    def set_colors(self, colors: PaneColors) -> None:
        """Take the theme's colors."""
        for part in (self.profiles, self.regions):
            part.set_colors(colors)

    def crosshair_moved(self) -> None:
        """Take the profiles through the crosshair again."""
        if self.profiles.wanted:
            self.profiles.refresh()

    def _menu(self) -> QMenu:
        menu = QMenu("Tools")
        menu.addActions([self._keyed[n] for n in ("line", "cross_profiles", "pin")])
        menu.addSeparator()
        for shape in SHAPES:
            action = menu.addAction(f"Region: {shape}")
            action.triggered.connect(lambda *_, shape=shape: self._add_region(shape))
            self._region_actions.append(action)
        menu.addSeparator()
        menu.addActions([self._keyed[n] for n in ("reference", *_SWITCHES)])
        menu.addAction("Saturation level…").triggered.connect(self._ask_level)
        menu.addSeparator()
        menu.addAction("Remove lines, regions and pins").triggered.connect(
            lambda *_: self.clear()
        )
        return menu

    def clear(self) -> None:
        """Take all marks and profiles away."""
        self.profiles.row.setChecked(False)
        self.profiles.column.setChecked(False)
        self.profiles.clear_frozen()
        self.marks.clear()

    def _add_region(self, shape: str) -> None:
        self.marks.add_region(shape)
        self.setCurrentWidget(self.regions)

    def _toggle_cross(self, *_: object) -> None:
        shown = self.profiles.row.isChecked() or self.profiles.column.isChecked()
        self.profiles.row.setChecked(not shown)
        self.profiles.column.setChecked(not shown)
        self.setCurrentWidget(self.profiles)
        self._show_if_wanted()

    def _show_if_wanted(self) -> None:
        picture = self._painting.picture
        wanted = self.profiles.wanted or self.regions.wanted
        if not self.profiles.wanted:
            self.setCurrentWidget(self.regions)
        if wanted and picture is not None:
            self.show_picture(picture)
        self.setVisible(wanted)
        for action in self._region_actions:
            action.setEnabled(len(self.marks.regions) < MOST)

    def _mark_saturation(self, marking: bool) -> None:
        self._painting.marking_saturation = marking
        self._painting.paint()

    def _ask_level(self, *_: object) -> None:
        level, given = QInputDialog.getDouble(
            self, "Saturation", "Counts at which the detector is full:", 65535, 0, 1e12
        )
        if given:
            self._painting.saturation_level = level
            self._keyed["saturation"].setChecked(True)
            self._mark_saturation(True)

    def _show_switches(self) -> None:
        self._keyed["difference"].setChecked(self._painting.subtracting)
        self._keyed["blink"].setChecked(self._painting.blinking)
