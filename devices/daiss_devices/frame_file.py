"""The HDF5 plugin of a camera: one SWMR file per stage, named once and for all."""

from datetime import datetime
from typing import Any
from uuid import uuid4

from ophyd import Component, EpicsSignalRO
from ophyd.areadetector.filestore_mixins import FileStoreHDF5IterativeWrite
from ophyd.areadetector.plugins import HDF5Plugin_V34

DATASET = "/entry/data/data"
ATTRIBUTES = "/entry/instrument/NDAttributes"
WRITE_OK = 0


class FrameFile(HDF5Plugin_V34, FileStoreHDF5IterativeWrite):
    """Writes every frame of a stage into one file, readable while it grows."""

    frames_written = Component(
        EpicsSignalRO, "NumCaptured_RBV", lazy=False, auto_monitor=True, kind="omitted"
    )
    failure = Component(
        EpicsSignalRO, "WriteStatus", lazy=False, auto_monitor=True, kind="omitted"
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        # A camera in free run must not wait for the disk.
        self.ensure_nonblocking()
        self.stage_sigs["swmr_mode"] = "On"
        self.stage_sigs["lazy_open"] = "Yes"
        self.stage_sigs["store_attr"] = "Yes"
        self.stage_sigs.move_to_end("capture")

    def make_filename(self) -> tuple[str, str, str]:
        """Name a new file, in the directory of the day: name, read and write path."""
        day = datetime.now().astimezone()
        read_path = day.strftime(self.read_path_template)
        write_path = day.strftime(self.write_path_template)
        return uuid4().hex, read_path, write_path

    def stage(self) -> Any:
        """Open a new file; a plugin that has not seen a frame yet is shown one."""
        if not any(self.array_size.get()):
            self.parent.prime()
        return super().stage()

    @property
    def path(self) -> str:
        """The open file, as clients name it."""
        return str(self._fn)

    def frames_now(self) -> int:
        """Ask how many frames have been written; not what was said last."""
        return int(self.frames_written.get(use_monitor=False))

    def why_failed(self) -> str | None:
        """Give the plugin's own words for a failed write, or None."""
        if self.failure.get() == WRITE_OK:
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
