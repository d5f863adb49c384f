"""The same station for facilities that run ophyd-async: rotation and camera."""

import asyncio
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path, PurePath, PurePosixPath, PureWindowsPath
from typing import Any

from ophyd_async.core import PathInfo, UUIDFilenameProvider
from ophyd_async.epics.adcore import ADWriterFactory
from ophyd_async.epics.adsimdetector import SimDetector
from ophyd_async.epics.motor import Motor

from daiss_devices.beamline_file import CameraFile, read_beamline


@dataclass(frozen=True, slots=True, eq=False)
class AsyncStation:
    """Devices of a tomography station; data keys are those of the classic one."""

    rotation: Motor
    camera: SimDetector

    async def connect(self, timeout_s: float = 10.0, *, mock: bool = False) -> None:
        """Connect both; raises ophyd-async's NotConnectedError, a tree of what is not.

        From a prompt: `call_in_bluesky_event_loop(station.connect())`.
        """
        await asyncio.gather(
            self.rotation.connect(mock, timeout_s), self.camera.connect(mock, timeout_s)
        )


class DayDirectory:
    """Path provider: one directory a day, and names that are never used twice."""

    def __init__(self, file: CameraFile) -> None:
        self._file = file
        self._name = UUIDFilenameProvider()

    def __call__(self, datakey_name: str | None = None) -> PathInfo:
        """Name the next file, for the IOC and for whoever reads it."""
        day = datetime.now().astimezone()
        write = day.strftime(self._file.write_path_template)
        read = day.strftime(self._file.read_path_template or write)
        pure: type[PurePath] = (
            PureWindowsPath if self._file.path_semantics == "windows" else PurePosixPath
        )
        uri: dict[str, Any] = {}
        if read != write:
            uri["directory_uri"] = f"{Path(read).as_uri()}/".replace(
                "file://", "file://localhost", 1
            )
        return PathInfo(
            directory_path=pure(write),
            filename=self._name(datakey_name),
            create_dir_depth=-3,
            **uri,
        )


def load_async_station(path: Path, **overrides: Any) -> AsyncStation:
    """Make the devices of a beamline file, not connected yet.

    Raises InputError for what the file gets wrong.
    """
    file = read_beamline(path, overrides)
    writer = ADWriterFactory.hdf(DayDirectory(file.camera))
    return AsyncStation(
        rotation=Motor(file.rotation.pv, name="rotation"),
        camera=SimDetector(file.camera.pv, writer, name="camera"),
    )
