"""A slider over past updates: as it was then, or what has changed since."""

import time
from collections.abc import Sequence

from qtpy.QtCore import Qt, QTimer, Signal
from qtpy.QtWidgets import QHBoxLayout, QLabel, QPushButton, QSlider, QWidget

_PLAY_EVERY_MS = 250
_PAGE = 10


class Scrubber(QWidget):
    """Stands at the newest update until it is moved; End goes back there."""

    moved = Signal(object)
    """Number of the update that is looked at; None is the newest, as it comes."""
    difference_asked = Signal(bool)

    def __init__(self) -> None:
        super().__init__()
        self._numbers: tuple[int, ...] = ()
        self._times_s: tuple[float, ...] = ()
        self.slider = QSlider(Qt.Orientation.Horizontal)
        self.slider.setAccessibleName("past updates")
        self.slider.setPageStep(_PAGE)
        self.slider.setRange(0, 0)
        self.slider.valueChanged.connect(self._slid)
        self.words = QLabel("newest")
        self.words.setMinimumWidth(190)
        self.play = _switch("Play", "play the updates so far")
        self.difference = _switch(
            "Difference", "newest minus the update that the slider is at (D)"
        )
        self.newest = QPushButton("Newest")
        self.newest.setToolTip("follow the newest again (Ctrl+End)")
        self.newest.clicked.connect(self.go_newest)
        self.difference.toggled.connect(self.difference_asked)
        self.play.toggled.connect(self._play)
        self._timer = QTimer(self)
        self._timer.timeout.connect(self._play_on)
        layout = QHBoxLayout(self)
        layout.setContentsMargins(8, 2, 8, 4)
        for one in (self.play, self.slider, self.words, self.difference, self.newest):
            layout.addWidget(one, int(one is self.slider))
        self._tell()

    @property
    def number(self) -> int | None:
        """The update that is looked at; None is the newest."""
        at = int(self.slider.value())
        if not self._numbers or at >= len(self._numbers) - 1:
            return None
        return self._numbers[at]

    def show_updates(self, numbers: Sequence[int], times_s: Sequence[float]) -> None:
        """Take the updates there are; the slider stays at its own, or at the newest."""
        if tuple(numbers) == self._numbers:
            return
        stays = self.number
        self._numbers, self._times_s = tuple(numbers), tuple(times_s)
        last = max(0, len(self._numbers) - 1)
        blocked = self.slider.blockSignals(True)
        self.slider.setRange(0, last)
        self.slider.setValue(last if stays is None else self._place_of(stays))
        self.slider.blockSignals(blocked)
        self._tell()

    def step(self, by: int) -> None:
        """Go some updates on, or back."""
        self.slider.setValue(self.slider.value() + by)

    def go_newest(self, *_: object) -> None:
        """Follow the newest again."""
        self.play.setChecked(False)
        self.difference.setChecked(False)
        self.slider.setValue(self.slider.maximum())

    def _place_of(self, number: int) -> int:
        earlier = [i for i, one in enumerate(self._numbers) if one <= number]
        return earlier[-1] if earlier else 0

    def _slid(self, *_: object) -> None:
        self._tell()
        self.moved.emit(self.number)

    def _tell(self) -> None:
        several = len(self._numbers) > 1
        for one in (self.slider, self.play, self.difference, self.newest):
            one.setEnabled(several)
        number = self.number
        if number is None:
            self.words.setText("newest update" if self._numbers else "no update yet")
            return
        age_s = time.time() - self._times_s[self.slider.value()]
        self.words.setText(f"update {number}, of {age_s:.0f} s ago")

    def _play(self, on: bool) -> None:
        if not on:
            self._timer.stop()
            return
        if self.number is None:
            self.slider.setValue(0)
        self._timer.start(_PLAY_EVERY_MS)

    def _play_on(self) -> None:
        self.step(1)
        if self.number is None:
            self.play.setChecked(False)


def _switch(text: str, tip: str) -> QPushButton:
    button = QPushButton(text)
    button.setCheckable(True)
    button.setToolTip(tip)
    return button
