"""The page of ptychography: object, probe, positions, what the detector sees."""

from typing import Any

from daiss_bluesky.viewers.qt.page import PanePage

TITLES = {
    "object_phase": "Object, phase (rad)",
    "object_amplitude": "Object, amplitude",
    "probe": "Probe",
    "coverage": "Coverage",
    "diffraction": "Diffraction",
    "map": "Transmission map",
}


class PtychographyPage(PanePage):
    """Phase and amplitude are large; the window puts the map beside the positions."""

    def __init__(self, parent: Any = None) -> None:
        super().__init__(TITLES, parent)
        panes, small = self.panes, ("probe", "diffraction", "coverage")
        upper = self.row([panes["object_phase"], panes["object_amplitude"]], [1, 1])
        lower = self.row([panes[view] for view in small], [1] * len(small))
        self.fill(self.column([upper, lower], [5, 4]))
        self.without_histogram(*small, "map")
