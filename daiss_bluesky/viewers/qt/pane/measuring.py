"""Panel of profiles and regions; there is none while nothing is measured."""

from qtpy.QtWidgets import QTabWidget

from daiss_bluesky.viewers.model.picture import Picture
from daiss_bluesky.viewers.qt.pane.canvas import Canvas
from daiss_bluesky.viewers.qt.pane.colors import DARK, PaneColors
from daiss_bluesky.viewers.qt.pane.marks import Marks
from daiss_bluesky.viewers.qt.pane.profile_panel import ProfilePanel
from daiss_bluesky.viewers.qt.pane.region_panel import RegionPanel

_LEAST_PX = 240


class Measuring(QTabWidget):
    """Two tabs, each made when it is first wanted: most panes never measure."""

    def __init__(self, canvas: Canvas) -> None:
        super().__init__()
        self.marks = Marks(canvas)
        self._crosshair = canvas.crosshair
        self._picture: Picture | None = None
        self._colors = DARK
        self._profiles: ProfilePanel | None = None
        self._regions: RegionPanel | None = None
        self.setDocumentMode(True)
        self.tabBar().setDrawBase(False)
        self.setMinimumWidth(_LEAST_PX)
        self.setVisible(False)
        self.marks.lines_changed.connect(self._lines_changed)
        self.marks.regions_changed.connect(self._regions_changed)

    @property
    def profiles(self) -> ProfilePanel:
        """The tab of profiles."""
        if self._profiles is None:
            cross = self._crosshair
            panel = ProfilePanel(self.marks, lambda: (cross.row, cross.column))
            panel.set_colors(self._colors)
            panel.choice_changed.connect(self._lines_changed)
            self.insertTab(0, panel, "Profiles")
            self._profiles = panel
        return self._profiles

    @property
    def regions(self) -> RegionPanel:
        """The tab of regions."""
        if self._regions is None:
            panel = RegionPanel(self.marks)
            panel.set_colors(self._colors)
            self.addTab(panel, "Regions")
            self._regions = panel
        return self._regions

    def show_picture(self, picture: Picture) -> None:
        """Measure a newer picture, where there is anything to measure."""
        self._picture = picture
        self.marks.show_picture(picture)
        if self._profiles is not None and self._profiles.wanted:
            self._profiles.show_picture(picture)
        if self._regions is not None and self.marks.regions:
            self._regions.show_picture(picture)

    def forget(self) -> None:
        """Begin trends anew; what is measured stays."""
        self._picture = None
        for mark in self.marks.regions:
            mark.trend.clear()

    def set_colors(self, colors: PaneColors) -> None:
        """Take the theme's colors."""
        self._colors = colors
        for panel in (self._profiles, self._regions):
            if panel is not None:
                panel.set_colors(colors)

    def crosshair_moved(self) -> None:
        """Take the profiles through the crosshair again."""
        if self._profiles is not None and self._profiles.wanted:
            self._profiles.refresh()

    def toggle_cross_profiles(self) -> None:
        """Plot the crosshair's row and column, or neither."""
        panel = self.profiles
        shown = panel.row.isChecked() or panel.column.isChecked()
        panel.row.setChecked(not shown)
        panel.column.setChecked(not shown)

    def clear(self) -> None:
        """Take all marks and profiles away."""
        if self._profiles is not None:
            self._profiles.row.setChecked(False)
            self._profiles.column.setChecked(False)
            self._profiles.clear_frozen()
        self.marks.clear()

    def _lines_changed(self) -> None:
        if self.marks.lines or self._profiles is not None:
            if self._picture is not None:
                self.profiles.show_picture(self._picture)
            self._show(self.profiles, self.profiles.wanted)

    def _regions_changed(self) -> None:
        if self.marks.regions or self._regions is not None:
            if self._picture is not None:
                self.regions.show_picture(self._picture)
            self._show(self.regions, bool(self.marks.regions))

    def _show(self, changed: ProfilePanel | RegionPanel, wanted: bool) -> None:
        lines = self._profiles is not None and self._profiles.wanted
        self.setVisible(lines or bool(self.marks.regions))
        if wanted:
            self.setCurrentWidget(changed)
        elif lines or self.marks.regions:
            self.setCurrentWidget(self.profiles if lines else self.regions)
