"""A page of image panes: what the pages of both techniques share."""

from collections.abc import Mapping, Sequence
from contextlib import suppress
from typing import Any

from qtpy.QtCore import QByteArray, Qt, Signal
from qtpy.QtWidgets import QApplication, QSplitter, QVBoxLayout, QWidget

from daiss_bluesky.core.errors import InputError
from daiss_bluesky.viewers.model.picture import Picture
from daiss_bluesky.viewers.qt.pane.colors import PaneColors
from daiss_bluesky.viewers.qt.pane.pane import ImagePane
from daiss_bluesky.viewers.qt.theme import Theme

_PANE_PX = 200


def _focus() -> QWidget:
    return QApplication.focusWidget() or QWidget()


def pane_colors(theme: Theme) -> PaneColors:
    """Give a pane the window's colors."""
    return PaneColors(
        ground=theme.surface,
        text=theme.text,
        faint=theme.dim,
        crosshair=theme.accent,
        marks=(theme.warn, theme.accent, theme.bad, theme.good),
    )


class PanePage(QWidget):
    """One pane a view, arranged in splitters whose places are remembered."""

    said = Signal(str)
    """What a pane saved or copied, or why not."""

    def __init__(self, titles: Mapping[str, str]) -> None:
        super().__init__()
        self.panes: dict[str, ImagePane] = {}
        for view, title in titles.items():
            pane = ImagePane(title)
            pane.setObjectName(view)
            # Of a page not shown yet a pane's own wishes are those of a wide one.
            pane.setMinimumWidth(_PANE_PX)
            pane.said.connect(self.said)
            self.panes[view] = pane
        self.splitters: list[QSplitter] = []
        self._alone: ImagePane | None = None
        self._layout = QVBoxLayout(self)
        self._layout.setContentsMargins(0, 0, 0, 0)

    def row(self, widgets: Sequence[QWidget], shares: Sequence[int]) -> QSplitter:
        """Put widgets side by side."""
        return self._split(Qt.Orientation.Horizontal, widgets, shares)

    def column(self, widgets: Sequence[QWidget], shares: Sequence[int]) -> QSplitter:
        """Put widgets below each other."""
        return self._split(Qt.Orientation.Vertical, widgets, shares)

    def fill(self, widget: QWidget) -> None:
        """Make this all of the page."""
        self._layout.addWidget(widget)

    def without_histogram(self, *views: str) -> None:
        """Begin without the histograms of small panes; H shows them."""
        for view in views:
            self.panes[view].load_layout({"histogram": False})

    def toggle_alone(self) -> None:
        """Give all of the page to the pane that has the focus, or share it again."""
        focused = [p for p in self.panes.values() if p.isAncestorOf(_focus())]
        whole = self._alone is not None
        self._alone = None if whole or not focused else focused[0]
        for splitter in self.splitters:
            for i in range(splitter.count()):
                part = splitter.widget(i)
                holds = self._alone is None or part is self._alone
                part.setVisible(holds or part.isAncestorOf(self._alone))

    def show_picture(self, picture: Picture) -> None:
        """Show a picture in the pane of its view; others are not for this page."""
        pane = self.panes.get(picture.view)
        if pane is not None:
            pane.show_picture(picture)

    def forget(self) -> None:
        """Begin anew: another result is shown."""
        for pane in self.panes.values():
            pane.forget()

    def set_source(self, tiled_uri: str, *, has_volume: bool) -> None:
        """Say where "copy as Python" reads."""
        for pane in self.panes.values():
            pane.set_source(tiled_uri, finished=has_volume)

    def set_theme(self, theme: Theme) -> None:
        """Take other colors."""
        for pane in self.panes.values():
            pane.set_colors(pane_colors(theme))

    def save_layout(self) -> dict[str, Any]:
        """Give splitters and panes as JSON can hold them."""
        places = [bytes(one.saveState().toHex()).decode() for one in self.splitters]
        panes = {view: pane.save_layout() for view, pane in self.panes.items()}
        return {"splitters": places, "panes": panes}

    def load_layout(self, layout: Mapping[str, Any]) -> None:
        """Take over what `save_layout` gave; what does not fit is left out."""
        places = layout.get("splitters", [])
        for splitter, place in zip(self.splitters, places, strict=False):
            splitter.restoreState(QByteArray.fromHex(place.encode()))
        for view, stored in layout.get("panes", {}).items():
            if view in self.panes:
                with suppress(InputError):
                    self.panes[view].load_layout(stored)

    def _split(
        self, orientation: Any, widgets: Sequence[QWidget], shares: Sequence[int]
    ) -> QSplitter:
        splitter = QSplitter(orientation)
        splitter.setChildrenCollapsible(False)
        splitter.setHandleWidth(6)
        for i, (widget, share) in enumerate(zip(widgets, shares, strict=True)):
            splitter.addWidget(widget)
            splitter.setStretchFactor(i, share)
        splitter.setSizes([100 * share for share in shares])
        self.splitters.append(splitter)
        return splitter
