"""The HDF5 plugin of a camera: one SWMR file per stage, named once and for all."""

import contextlib
import time
from datetime import datetime
from typing import Any
from uuid import uuid4

from ophyd import Component, EpicsSignalRO
from ophyd.areadetector.filestore_mixins import FileStoreIterativeWrite
from ophyd.areadetector.plugins import HDF5Plugin_V34

from daiss_bluesky.core.errors import UnavailableError
from daiss_devices.put import settle

DATASET = "/entry/data/data"
ATTRIBUTES = "/entry/instrument/NDAttributes"
WRITE_OK = 0
DIRECTORY_S, POLL_S = 3.0, 0.02
"""How long an IOC may take to see or make a directory."""
TEMPLATE = "%s%s.h5"
"""Without the running number, which a plugin that opens lazily counts up too late for
anybody to know the name beforehand."""

SETTINGS: tuple[tuple[str, Any], ...] = (
    ("enable", 1),
    ("parent.cam.array_callbacks", 1),
    ("blocking_callbacks", "No"),  # a camera in free run must not wait for the disk
    ("auto_increment", "Yes"),
    ("auto_save", "Yes"),
    ("num_capture", 0),
    ("file_template", TEMPLATE),
    ("file_write_mode", "Stream"),
    ("swmr_mode", "On"),
    ("lazy_open", "Yes"),
    ("store_attr", "Yes"),
    ("create_directory", -3),  # before the path: it is acted on when that is written
)


class FrameFile(HDF5Plugin_V34, FileStoreIterativeWrite):
    """Writes every frame of a stage into one file, readable while it grows."""

    frames_written = Component(
        EpicsSignalRO, "NumCaptured_RBV", lazy=False, auto_monitor=True, kind="omitted"
    )
    failure = Component(
        EpicsSignalRO, "WriteStatus", lazy=False, auto_monitor=True, kind="omitted"
    )
    filestore_spec = "AD_HDF5"
    timeout_s = 10.0

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        # ophyd waits for staged signals without end, and puts the path before the depth
        # of directories that may be made for it; `stage` sets SETTINGS instead.
        self.stage_sigs.clear()
        self._fn = ""

    def stage(self) -> Any:
        """Open a new file; a plugin that has not seen a frame yet is shown one.

        Raises UnavailableError naming the PV and the plugin's reason.
        """
        if not any(self.array_size.get()):
            self.parent.prime()
        day = datetime.now().astimezone()
        read_path = day.strftime(self.read_path_template)
        name = uuid4().hex
        settle(self.capture, 0, self.timeout_s)
        for attribute, value in SETTINGS:
            settle(self._signal(attribute), value, self.timeout_s)
        settle(self.file_path, day.strftime(self.write_path_template), self.timeout_s)
        settle(self.file_name, name, self.timeout_s)
        self._await_directory()
        staged = super().stage()
        self._fn = TEMPLATE % (read_path, name)
        self._generate_resource({"frame_per_point": 1})
        self._arm()
        return staged

    def _await_directory(self) -> None:
        """Wait until the IOC says that its directory is there.

        It says so in a PV of its own, which may change after that of the path.
        """
        deadline = time.monotonic() + DIRECTORY_S
        while not self.file_path_exists.get(use_monitor=False):
            if time.monotonic() > deadline:
                raise UnavailableError(
                    f"the IOC of {self.prefix} has no directory {self.file_path.get()}"
                )
            time.sleep(POLL_S)

    def _arm(self) -> None:
        try:
            settle(self.capture, 1, self.timeout_s)
        except UnavailableError as error:
            raise UnavailableError(
                f"{self.prefix}Capture does not start: {self.why_failed() or error}"
            ) from None

    def _signal(self, attribute: str) -> Any:
        found: Any = self
        for part in attribute.split("."):
            found = getattr(found, part)
        return found

    def unstage(self) -> Any:
        """Close the file; an IOC that is gone has closed it already."""
        with contextlib.suppress(TimeoutError):
            self.capture.put(0)
        return super().unstage()

    @property
    def path(self) -> str:
        """The open file, as clients name it."""
        return str(self._fn)

    def frames_now(self) -> int:
        """Ask how many frames have been written; not what was said last."""
        return int(self.frames_written.get(use_monitor=False))

    def why_failed(self) -> str | None:
        """Give the plugin's own words for a failed write, or None."""
        if self.failure.get(use_monitor=False) == WRITE_OK:
            return None
        return str(self.write_message.get()) or "write error"

    def count_from(self, n: int) -> None:
        """Say that the next trigger gives the file's frame n."""
        self._point_counter = iter(range(n, 2**62))

    def describe_configuration(self) -> dict[str, Any]:
        """Leave the plugin's some hundred settings out of every descriptor."""
        return {}

    def read_configuration(self) -> dict[str, Any]:
        """Leave the plugin's some hundred settings out of every descriptor."""
        return {}
