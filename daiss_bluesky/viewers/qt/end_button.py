"""The button that ends the reconstruction, or makes a finished one once more."""

from typing import Any

from qtpy.QtCore import Qt, QTimer, Signal
from qtpy.QtWidgets import QPushButton

from daiss_bluesky.viewers.model.followed import Followed
from daiss_bluesky.viewers.qt.errands import Errands
from daiss_bluesky.viewers.qt.feed import Steering

SURE_MS = 4000
"""For so long a second press means yes."""


class EndButton(QPushButton):
    """There is nothing to press without a reconstructor or a result.

    An end is asked for twice: no dialog, which would stand before the pictures.
    """

    said = Signal(str)
    """A sentence for the status bar."""
    made_again = Signal()
    """A new result comes."""

    def __init__(self, steering: Steering | None, errands: Errands) -> None:
        super().__init__()
        self._steering, self._errands = steering, errands
        self._followed = Followed()
        self._sure = QTimer(self)
        self._sure.setSingleShot(True)
        self._sure.setInterval(SURE_MS)
        self._sure.timeout.connect(self._name)
        self.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        self.clicked.connect(self.press)
        errands.refused.connect(self._refused)
        self._name()

    def show_followed(self, followed: Followed) -> None:
        """Take what is on the screen."""
        known = self._followed
        same = (known.result_uid, known.finished)
        self._followed = followed
        if same != (followed.result_uid, followed.finished):
            self._sure.stop()
            self._name()

    def press(self) -> None:
        """End the reconstruction at the second press, or ask for it once more."""
        if self._followed.finished:
            self._send("rerun")
        elif self._sure.isActive():
            self._sure.stop()
            self._send("abort")
        else:
            self._sure.start()
        self._name()

    def _send(self, request: str) -> None:
        steering, of = self._steering, self._followed.result_uid
        if steering is None:
            return
        if request == "rerun":
            self._errands.send(request, lambda: steering.rerun(of), self._again)
            return
        reason = "from the window"
        self._errands.send(request, lambda: steering.abort(of, reason=reason))

    def _again(self, _: Any) -> None:
        self.said.emit("made once more: it is shown as soon as it begins")
        self.made_again.emit()

    def _refused(self, name: str, sentence: str) -> None:
        if name in {"rerun", "abort"}:
            self.said.emit(sentence)

    def _name(self) -> None:
        known = self._steering is not None and bool(self._followed.result_uid)
        self.setVisible(known)
        if self._followed.finished:
            self.setText("Run again")
            self.setToolTip("reconstruct this run once more; this result stays")
        elif self._sure.isActive():
            self.setText("Press again to end")
        else:
            self.setText("End")
            self.setToolTip("end this reconstruction as incomplete; the scan goes on")
