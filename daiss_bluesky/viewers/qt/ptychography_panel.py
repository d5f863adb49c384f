"""Beside the object: what is improved, how good it is, where the beam was."""

from collections.abc import Mapping
from typing import Any

from qtpy.QtCore import QObject, Signal
from qtpy.QtWidgets import QCheckBox, QLabel, QTabWidget, QVBoxLayout, QWidget

from daiss_bluesky.core.ptychography import PTYCHOGRAPHY_KEY
from daiss_bluesky.viewers.model.followed import Followed
from daiss_bluesky.viewers.model.honesty import Honesty
from daiss_bluesky.viewers.qt.errands import Errands
from daiss_bluesky.viewers.qt.feed import Feed, Steering, awaited
from daiss_bluesky.viewers.qt.positions import PositionsPlot
from daiss_bluesky.viewers.qt.theme import Theme

SWITCHES = {
    "update_object": "improve the object",
    "update_probe": "improve the probe",
    "refine_positions": "refine positions at the end",
}
REFINED = "positions_um"
FACTS = {
    "modes": "probe modes",
    "overlap": "overlap",
    "orientation": "orientation",
    "frames_paired": "frames paired",
    "frames_empty": "frames empty",
    "frames_saturated": "frames saturated",
    "frames_without_position": "frames without position",
    "warning": "warning",
}


class PtychographyPanel(QObject):
    """Owns the panel; switches go to the reconstructor as errands."""

    said = Signal(str)

    def __init__(
        self,
        feed: Feed,
        steering: Steering | None,
        errands: Errands,
        map_pane: QWidget,
        parent: Any = None,
    ) -> None:
        super().__init__(parent)
        self._feed, self._steering, self._errands = feed, steering, errands
        self._followed = Followed()
        self._wished: dict[str, bool] = {}
        """Switches that no update has confirmed yet."""
        self._asked: set[str] = set()
        self._places: dict[str, Any] = {}
        self.switches = {name: QCheckBox(text) for name, text in SWITCHES.items()}
        self.facts = QLabel("")
        self.facts.setProperty("role", "dim")
        self.facts.setWordWrap(True)
        self.positions = PositionsPlot()
        self.panel = QWidget()
        layout = QVBoxLayout(self.panel)
        layout.setContentsMargins(8, 8, 8, 8)
        layout.setSpacing(6)
        for name, box in self.switches.items():
            layout.addWidget(box)
            box.setEnabled(steering is not None)
            box.clicked.connect(lambda on, name=name: self._switch(name, on))
        self.crop = QCheckBox("scanned area only")
        self.crop.setToolTip("fit the object's pictures to what any frame lit")
        self.crop.setChecked(True)
        layout.addWidget(self.crop)
        layout.addWidget(self.facts)
        self.tabs = QTabWidget()
        self.tabs.addTab(self.positions, "Positions")
        self.tabs.addTab(map_pane, "Map")
        layout.addWidget(self.tabs, 1)

    def show_state(self, followed: Followed, honesty: Honesty) -> None:
        """Take what the newest update says of itself."""
        self._followed = followed
        in_force = honesty.parameters
        for name, box in self.switches.items():
            box.setEnabled(self._steering is not None and not followed.finished)
            if name not in in_force:
                continue
            shown = bool(in_force[name])
            if self._wished.get(name, shown) == shown or followed.finished:
                self._wished.pop(name, None)
                box.setChecked(shown)
        self.facts.setText(facts_of(in_force))
        self._refresh_positions()

    def forget(self) -> None:
        """Begin anew: another result is shown."""
        self._wished, self._asked = {}, set()
        self._places = {}
        self.positions.forget()

    def set_theme(self, theme: Theme) -> None:
        """Take other colors."""
        self.positions.set_theme(theme)

    def _refresh_positions(self) -> None:
        """Ask once for what was planned, and once for what was refined."""
        if "planned" not in self._asked:
            self._asked.add("planned")
            self._errands.send(
                "planned positions",
                lambda: planned_um(awaited(self._feed.start_document())),
                lambda found: self._show_positions("planned", found),
            )
        if "refined" not in self._asked and REFINED in self._followed.arrays:
            self._asked.add("refined")
            self._errands.send(
                "positions",
                lambda: awaited(self._feed.array(REFINED)),
                lambda found: self._show_positions("refined", found),
            )

    def _show_positions(self, name: str, places_um: Any) -> None:
        self._places[name] = places_um
        self.positions.show_positions(
            self._places.get("planned"), self._places.get("refined")
        )

    def _switch(self, name: str, on: bool) -> None:
        steering, of = self._steering, self._followed.result_uid
        if steering is None:
            return
        self._wished[name] = on
        words = f"{SWITCHES[name]}: {'on' if on else 'off'}, from now on"
        self._errands.send(
            name,
            lambda: steering.update(of=of, **{name: on}),
            lambda _: self.said.emit(words),
        )


def planned_um(start: Mapping[str, Any]) -> Any:
    """Give the positions (frame, 2) that a start document plans; None without."""
    return (start.get(PTYCHOGRAPHY_KEY) or {}).get("positions_um")


def facts_of(in_force: Mapping[str, Any]) -> str:
    """Say in lines what is known of the scan; zero counts of trouble are left out."""
    lines = []
    for name, words in FACTS.items():
        value = in_force.get(name)
        if value is None or value in {"", 0}:
            continue
        shown = f"{value:.3g}" if isinstance(value, float) else str(value)
        lines.append(f"{words}: {shown}")
    return "\n".join(lines)
