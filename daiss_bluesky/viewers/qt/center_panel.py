"""Moves the rotation center: spin box, steps, lock, undo, apply."""

from qtpy.QtCore import Qt, Signal
from qtpy.QtWidgets import (
    QCheckBox,
    QDoubleSpinBox,
    QGridLayout,
    QHBoxLayout,
    QLabel,
    QPushButton,
    QVBoxLayout,
    QWidget,
)

from daiss_bluesky.viewers.model.center_steps import (
    COARSE_PX,
    FINE_PX,
    STEP_PX,
    CenterSteps,
)

_STEPS = (-COARSE_PX, -STEP_PX, -FINE_PX, FINE_PX, STEP_PX, COARSE_PX)
_FARTHEST_PX = 100_000.0


class CenterPanel(QWidget):
    """Shows the center in force and takes the one that is wanted."""

    applied = Signal(object)
    """A center in columns from the left edge; None: find it again."""
    wanted = Signal(object)
    """The center that is shown now, sent or not."""

    def __init__(self) -> None:
        super().__init__()
        self.steps = CenterSteps()
        self._told_px: float | None = None
        self.in_force = _label(
            "in force: nothing yet", "what the newest update was reconstructed with"
        )
        self.relative = _label("", "columns right of the detector's middle")
        self.spin = self._make_spin()
        self.lock = QPushButton("Lock")
        self.lock.setCheckable(True)
        self.lock.setToolTip("keep the center: neither keys nor clicks move it")
        self.undo = QPushButton("Undo")
        self.undo.setToolTip("back to the center before (Ctrl+Z)")
        self.apply = QPushButton("Apply")
        self.apply.setProperty("role", "apply")
        self.apply.setToolTip("send it to the reconstructor (Return)")
        self.find = QPushButton("Find again")
        self.find.setToolTip("let the reconstructor find the center itself")
        self.auto = QCheckBox("auto-update")
        self.auto.setToolTip("send every change at once; off: only with Apply")
        self.auto.setChecked(True)
        self._lay_out()
        self._connect()
        self.refresh()

    def show_in_force(
        self, center_px: float | None, source: str, columns: int | None
    ) -> None:
        """Take what the newest update says of itself."""
        self.steps.columns = columns
        self.steps.heard(center_px)
        known = "nothing yet" if center_px is None else f"{center_px:.2f} px"
        self.in_force.setText(f"in force: {known}" + (f" ({source})" if source else ""))
        self.refresh()

    def forget(self) -> None:
        """Begin anew: another run is shown. The lock stays."""
        self.steps = CenterSteps(locked=self.steps.locked)
        self.refresh()

    def nudge(self, step_px: float) -> None:
        """Move the wanted center by some columns."""
        self._changed(self.steps.nudge(step_px))

    def want(self, center_px: float) -> None:
        """Set the wanted center, as a click into the fan does."""
        self._changed(self.steps.want(center_px))

    def undo_last(self) -> None:
        """Go back by one change."""
        self._changed(self.steps.undo())

    def send(self) -> None:
        """Send what is wanted to the reconstructor."""
        if self.steps.value_px is not None and not self.steps.locked:
            self.applied.emit(self.steps.value_px)

    def refresh(self) -> None:
        """Show the state as it is; the user's own editing is not disturbed."""
        steps = self.steps
        value_px = steps.value_px
        for one in (self.spin, *self._buttons, self.apply):
            one.setEnabled(value_px is not None and not steps.locked)
        self.find.setEnabled(not steps.locked)
        self.undo.setEnabled(steps.can_undo())
        if not (self.spin.hasFocus() and self.spin.isEnabled()):
            self._put(self.spin.minimum() if value_px is None else value_px)
        shift_px = steps.relative_px
        relative = (
            "" if shift_px is None else f"middle of the detector {shift_px:+.2f} px"
        )
        self.relative.setText(relative)
        if value_px != self._told_px:
            self._told_px = value_px
            self.wanted.emit(value_px)

    def _changed(self, changed: bool) -> None:
        if not changed:
            return
        if self.steps.value_px is not None:
            self._put(self.steps.value_px)
        self.refresh()
        if self.auto.isChecked():
            self.send()

    def _put(self, value_px: float) -> None:
        blocked = self.spin.blockSignals(True)
        self.spin.setValue(value_px)
        self.spin.blockSignals(blocked)

    def _typed(self) -> None:
        if self.steps.value_px is not None and self.spin.isEnabled():
            self._changed(self.steps.want(self.spin.value()))

    def _lock(self, locked: bool) -> None:
        self.steps.locked = locked
        self.refresh()

    def _make_spin(self) -> QDoubleSpinBox:
        spin = QDoubleSpinBox()
        spin.setObjectName("center")
        spin.setDecimals(2)
        spin.setRange(-_FARTHEST_PX, _FARTHEST_PX)
        spin.setSingleStep(FINE_PX)
        spin.setButtonSymbols(QDoubleSpinBox.ButtonSymbols.NoButtons)
        spin.setSpecialValueText("not known yet")
        spin.setSuffix(" px")
        spin.setKeyboardTracking(False)
        spin.setAccessibleName("rotation center, columns from the left edge")
        return spin

    def _lay_out(self) -> None:
        self._buttons = [QPushButton(f"{step:+g}") for step in _STEPS]
        for button in self._buttons:
            button.setFocusPolicy(Qt.FocusPolicy.NoFocus)
            button.setStyleSheet("padding: 4px 2px")
        nudges = QHBoxLayout()
        nudges.setSpacing(3)
        for button in self._buttons:
            nudges.addWidget(button, 1)
        grid = QGridLayout()
        grid.setSpacing(4)
        grid.addWidget(self.lock, 0, 0)
        grid.addWidget(self.undo, 0, 1)
        grid.addWidget(self.find, 1, 0)
        grid.addWidget(self.apply, 1, 1)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(8, 8, 8, 8)
        layout.setSpacing(6)
        for one in (self.spin, self.relative, self.in_force):
            layout.addWidget(one)
        layout.addLayout(nudges)
        layout.addLayout(grid)
        layout.addWidget(self.auto)

    def _connect(self) -> None:
        for button, step in zip(self._buttons, _STEPS, strict=True):
            button.clicked.connect(lambda *_, step=step: self.nudge(step))
        self.spin.valueChanged.connect(lambda *_: self._typed())
        self.lock.toggled.connect(self._lock)
        self.undo.clicked.connect(self.undo_last)
        self.apply.clicked.connect(self.send)
        self.find.clicked.connect(lambda *_: self.applied.emit(None))


def _label(text: str, tip: str) -> QLabel:
    label = QLabel(text)
    label.setProperty("role", "dim")
    label.setToolTip(tip)
    label.setWordWrap(True)
    return label
