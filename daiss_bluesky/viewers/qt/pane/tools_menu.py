"""Menu and keys of lines, regions, pins, comparison and saturation."""

from collections.abc import Callable, Mapping

from qtpy.QtWidgets import QAction, QInputDialog, QMenu

from daiss_bluesky.viewers.model.regions import MOST, SHAPES
from daiss_bluesky.viewers.qt.pane.crosshair import Crosshair
from daiss_bluesky.viewers.qt.pane.header import Header
from daiss_bluesky.viewers.qt.pane.measuring import Measuring
from daiss_bluesky.viewers.qt.pane.painting import Painting

_SWITCHES = ("difference", "blink", "saturation")
_FULL_16_BIT = 65535


class ToolsMenu:
    """Joins keys and menu to what they do."""

    def __init__(
        self,
        painting: Painting,
        measuring: Measuring,
        cross: Crosshair,
        header: Header,
        keyed: Mapping[str, QAction],
    ) -> None:
        self._painting, self._measuring, self._keyed = painting, measuring, keyed
        self._region_actions: list[QAction] = []
        says = "Profiles, regions, pins, comparison"
        self._button = header.add_menu("Tools", "⋯", says, self._menu())
        for name in _SWITCHES:
            keyed[name].setCheckable(True)
        for name, do in self._doing(cross).items():
            keyed[name].triggered.connect(do)
        measuring.marks.regions_changed.connect(self._offer_regions)
        painting.look_changed.connect(self._show_switches)

    def _doing(self, cross: Crosshair) -> Mapping[str, Callable[..., object]]:
        painting, marks = self._painting, self._measuring.marks
        return {
            "line": lambda *_: marks.add_line(),
            "cross_profiles": lambda *_: self._measuring.toggle_cross_profiles(),
            "pin": lambda *_: marks.add_pin(cross.row, cross.column),
            "reference": lambda *_: painting.set_reference(painting.picture),
            "difference": painting.set_subtracting,
            "blink": painting.set_blinking,
            "saturation": painting.mark_saturation,
        }

    def _menu(self) -> QMenu:
        marks = self._measuring.marks
        menu = QMenu("Tools")
        menu.addActions([self._keyed[n] for n in ("line", "cross_profiles", "pin")])
        menu.addSeparator()
        for shape in SHAPES:
            action = menu.addAction(f"Region: {shape}")
            action.triggered.connect(lambda *_, shape=shape: marks.add_region(shape))
            self._region_actions.append(action)
        menu.addSeparator()
        menu.addActions([self._keyed[n] for n in ("reference", *_SWITCHES)])
        menu.addAction("Saturation level…").triggered.connect(self._ask_level)
        menu.addSeparator()
        clear = menu.addAction("Remove lines, regions and pins")
        clear.triggered.connect(lambda *_: self._measuring.clear())
        return menu

    def _offer_regions(self) -> None:
        for action in self._region_actions:
            action.setEnabled(len(self._measuring.marks.regions) < MOST)

    def _ask_level(self, *_: object) -> None:
        level, given = QInputDialog.getDouble(
            self._button,
            "Saturation",
            "Counts at which the detector is full:",
            self._painting.saturation_level or _FULL_16_BIT,
            0,
            1e12,
        )
        if given:
            self._painting.saturation_level = level
            self._keyed["saturation"].setChecked(True)
            self._painting.mark_saturation(True)

    def _show_switches(self) -> None:
        self._keyed["difference"].setChecked(self._painting.subtracting)
        self._keyed["blink"].setChecked(self._painting.blinking)
