"""The page of ptychography: object, probe, positions, what the detector sees."""

from typing import Any

from daiss_bluesky.viewers.qt.page import PanePage
from daiss_bluesky.viewers.qt.positions import PositionsPlot
from daiss_bluesky.viewers.qt.theme import Theme

TITLES = {
    "object_phase": "Phase of the object (rad)",
    "object_amplitude": "Amplitude of the object",
    "probe": "Probe, amplitude of the strongest mode",
    "coverage": "Coverage: frames that lit each pixel",
    "diffraction": "Newest diffraction, log10(1 + counts)",
    "map": "Transmission, position by position",
}


class PtychographyPage(PanePage):
    """The phase is large, the rest around it."""

    def __init__(self, parent: Any = None) -> None:
        super().__init__(TITLES, parent)
        self.positions = PositionsPlot()
        panes = self.panes
        upper = self.row(
            [panes["object_amplitude"], panes["probe"], panes["diffraction"]], [1] * 3
        )
        lower = self.row([panes["coverage"], panes["map"], self.positions], [1] * 3)
        right = self.column([upper, lower], [1, 1])
        self.fill(self.row([panes["object_phase"], right], [4, 6]))

    def set_theme(self, theme: Theme) -> None:
        """Take other colors."""
        super().set_theme(theme)
        self.positions.set_theme(theme)

    def forget(self) -> None:
        """Begin anew: another result is shown."""
        self.positions.forget()
