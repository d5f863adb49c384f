"""Beside the object: what is improved, how good it is, where the beam was."""

from collections.abc import Mapping
from typing import Any

from qtpy.QtCore import QObject, Signal
from qtpy.QtWidgets import QCheckBox, QLabel, QTabWidget, QVBoxLayout, QWidget

from daiss_bluesky.viewers.model.followed import Followed
from daiss_bluesky.viewers.model.honesty import Honesty
from daiss_bluesky.viewers.qt.errands import Errands
from daiss_bluesky.viewers.qt.feed import Steering
from daiss_bluesky.viewers.qt.positions import PositionsPlot
from daiss_bluesky.viewers.qt.theme import Theme

SWITCHES = {
    "update_object": "improve the object",
    "update_probe": "improve the probe",
    "refine_positions": "refine positions at the end",
}
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
        steering: Steering | None,
        errands: Errands,
        map_pane: QWidget,
        parent: Any = None,
    ) -> None:
        super().__init__(parent)
        self._steering, self._errands = steering, errands
        self._followed = Followed()
        self._wished: dict[str, bool] = {}
        """Switches that no update has confirmed yet."""
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

    def forget(self) -> None:
        """Begin anew: another result is shown."""
        self._wished = {}
        self.positions.forget()

    def set_theme(self, theme: Theme) -> None:
        """Take other colors."""
        self.positions.set_theme(theme)

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
