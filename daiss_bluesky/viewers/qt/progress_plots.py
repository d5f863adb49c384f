"""Error, lag and coverage against the updates of the followed result."""

from typing import Any

from daiss_bluesky.viewers.model.curves import Curves
from daiss_bluesky.viewers.qt.curves import CurvePlot, CurveRow

TECHNIQUES = {
    "tomography": {"center": ("center_px",)},
    "ptychography": {"error": ("residual",), "resolution": ("frc_half_period_px",)},
}


class ProgressPlots(CurveRow):
    """Three plots and, by technique, the center's course or the error and the FRC."""

    def __init__(self) -> None:
        self.lag = CurvePlot("lag", "s")
        self.coverage = CurvePlot("coverage", "%")
        self.center = CurvePlot("rotation center", "px")
        self.error = CurvePlot("error", "")
        self.resolution = CurvePlot("FRC half period", "px")
        super().__init__(
            [self.error, self.resolution, self.center, self.lag, self.coverage]
        )
        self._shown: tuple[Any, str] = (None, "")

    def show_progress(self, curves: Curves, technique: str) -> None:
        """Draw the curves; nothing is done while they are the same object."""
        if self._shown[0] is curves and self._shown[1] == technique:
            return
        self._shown = (curves, technique)
        own = TECHNIQUES.get(technique, {})
        self.center.setVisible("center" in own)
        self.error.setVisible("error" in own)
        self.resolution.setVisible("resolution" in own)
        columns = curves.columns
        self._draw(self.lag, curves, {"lag": "lag_s"})
        covered = (
            {"coverage": 100 * columns["coverage"]} if "coverage" in columns else {}
        )
        self.coverage.show_curves(curves.number, covered)
        self._draw(self.center, curves, {"center": "center_px"})
        self._draw(self.error, curves, {"error": "residual"})
        self._draw(self.resolution, curves, {"half period": "frc_half_period_px"})

    def mark(self, number: int | None) -> None:
        """Mark the update that is looked at."""
        for plot in self.plots:
            plot.mark(number)

    def _draw(self, plot: CurvePlot, curves: Curves, names: dict[str, str]) -> None:
        found = {
            name: curves.columns[column]
            for name, column in names.items()
            if column in curves.columns
        }
        plot.show_curves(curves.number, found)
