"""Shows the panes of a page as they were at an update, or what changed since."""

from collections.abc import Mapping
from typing import Any

from qtpy.QtCore import QObject

from daiss_bluesky.viewers.model.history import History
from daiss_bluesky.viewers.qt.page import PanePage
from daiss_bluesky.viewers.qt.progress_plots import ProgressPlots
from daiss_bluesky.viewers.qt.scrubber import Scrubber

FOREMOST = {"tomography": "slice_xy", "ptychography": "object_phase"}
"""The view whose updates the slider counts."""


class LookingBack(QObject):
    """Joins scrubber, history and panes; live pictures wait while the past is shown."""

    def __init__(
        self,
        history: History,
        pages: Mapping[str, PanePage],
        plots: ProgressPlots,
        parent: Any = None,
    ) -> None:
        super().__init__(parent)
        self._history, self._pages, self._plots = history, pages, plots
        self._technique = ""
        self._subtracting = False
        self.scrubber = Scrubber()
        self.scrubber.moved.connect(lambda *_: self._show())
        self.scrubber.difference_asked.connect(lambda *_: self._show())

    @property
    def live(self) -> bool:
        """Tell whether pictures are to be shown as they come."""
        return self.scrubber.number is None or self.scrubber.difference.isChecked()

    def refresh(self, technique: str) -> None:
        """Learn of new updates."""
        self._technique = technique
        kept = self._history.of(FOREMOST.get(technique, ""))
        self.scrubber.show_updates(
            [one.number for one in kept], [one.published_s for one in kept]
        )

    def forget(self) -> None:
        """Begin anew: another result is shown."""
        self.scrubber.go_newest()
        self.scrubber.show_updates([], [])

    def toggle_difference(self) -> None:
        """Show what changed since the update that is looked at, or that update."""
        if self.scrubber.difference.isEnabled():
            self.scrubber.difference.toggle()

    def _show(self) -> None:
        page = self._pages.get(self._technique)
        if page is None:
            return
        number, subtract = self.scrubber.number, self.scrubber.difference.isChecked()
        self._plots.mark(number)
        for view, pane in page.panes.items():
            kept = self._history.of(view)
            if not kept:
                continue
            past = None if number is None else self._history.at(view, number)
            if past is not None and subtract:
                pane.show_picture(kept[-1])
                pane.set_reference(past)
                pane.show_difference(True)
                continue
            if self._subtracting:
                pane.set_reference(None)
            pane.show_picture(past or kept[-1])
        self._subtracting = subtract and number is not None
