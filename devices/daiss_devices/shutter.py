"""A two-state shutter that is known to be where it was sent."""

import threading
from typing import Any, Literal

from ophyd import Device, DeviceStatus, EpicsSignal, EpicsSignalRO
from ophyd import FormattedComponent as FCpt

from daiss_bluesky.core.errors import UnavailableError, unknown
from daiss_devices.beamline_file import ShutterFile

Position = Literal["open", "closed"]


class Shutter(Device):
    """Moves to "open" or "closed"; done when the readback says so.

    Closed while a scan is paused, and then put back, so that a pause costs no dose.
    """

    command = FCpt(EpicsSignal, "{_file.pv}", string=True, kind="omitted")
    readback = FCpt(
        EpicsSignalRO, "{_file.readback}", string=True, kind="normal", auto_monitor=True
    )

    def __init__(self, file: ShutterFile, *, name: str, **kwargs: Any) -> None:
        self._file = file
        self._before_pause: Position | None = None
        super().__init__("", name=name, **kwargs)
        self.readback.name = name

    def set(self, position: Position) -> DeviceStatus:
        """Open or close."""
        words = {"open": self._file.open, "closed": self._file.closed}
        if position not in words:
            raise unknown("shutter position", position, words)
        return self._send(words[position])

    def _send(self, word: str) -> DeviceStatus:
        status = DeviceStatus(self)
        once = threading.Lock()

        def finish(error: Exception | None) -> None:
            if not once.acquire(blocking=False):
                return
            late.cancel()
            self.readback.clear_sub(arrived)
            if error is not None:
                status.set_exception(error)
            elif self._file.delay_s > 0:
                threading.Timer(self._file.delay_s, status.set_finished).start()
            else:
                status.set_finished()

        def arrived(*, value: Any, **_: Any) -> None:
            if value == word:
                finish(None)

        def too_late() -> None:
            finish(
                UnavailableError(
                    f"{self.name} was told {word!r} but did not say so within"
                    f" {self._file.timeout_s:g} s"
                )
            )

        late = threading.Timer(self._file.timeout_s, too_late)
        late.daemon = True
        late.start()
        try:
            self.command.put(word)
        except TimeoutError:
            finish(UnavailableError(f"{self.name} ({self._file.pv}) does not answer"))
            return status
        self.readback.subscribe(arrived, run=True)
        return status

    @property
    def position(self) -> Position | None:
        """Where it is; None where the readback says neither."""
        word = self.readback.get()
        if word == self._file.open:
            return "open"
        return "closed" if word == self._file.closed else None

    def pause(self) -> None:
        """Close, and remember what to go back to."""
        self._before_pause = self.position
        if self._before_pause == "open":
            self.set("closed").wait(self._file.timeout_s)

    def resume(self) -> None:
        """Open again if the pause closed it."""
        before, self._before_pause = self._before_pause, None
        if before == "open":
            self.set("open").wait(self._file.timeout_s)
