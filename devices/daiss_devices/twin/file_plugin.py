"""`HDF1:`: which file, when it is open, what goes into it."""

import asyncio
import errno
import threading
from pathlib import Path
from typing import Any

from daiss_bluesky.core.errors import InputError
from daiss_devices.twin.database import Database, PutRefused
from daiss_devices.twin.file_name import expand_template, inside, make_directory
from daiss_devices.twin.frame import Frame
from daiss_devices.twin.hdf5_writer import Hdf5Writer
from daiss_devices.twin.scene import Scene


class FilePlugin:
    """Writes frames while Capture is on; `take` is called by the camera's thread."""

    def __init__(self, database: Database, scene: Scene, root: Path) -> None:
        self._database = database
        self._scene = scene
        self._root = root
        self._writer: Hdf5Writer | None = None
        self._lock = threading.Lock()
        # A client that saw the readback of one put sends the next, while it is at work.
        self._turn = asyncio.Lock()
        self._wanted = 0
        self._seen = 0
        self._ended = asyncio.Event()
        self._loop: asyncio.AbstractEventLoop | None = None
        for name, handler in (
            ("FilePath", self._put_path),
            ("CreateDirectory", self._put_create_directory),
            ("Capture", self._put_capture),
            ("FlushNow", self._put_flush),
        ):
            database.on_put(f"HDF1:{name}", handler)

    def _get(self, name: str) -> Any:
        return self._database.value(f"HDF1:{name}")

    def _post(self, **values: Any) -> None:
        self._database.post({f"HDF1:{k}": v for k, v in values.items()})

    async def _put_path(self, path: str) -> str:
        path = path if path.endswith("/") else f"{path}/"
        async with self._turn:
            await self._find(path, int(self._get("CreateDirectory_RBV")))
        return path

    async def _put_create_directory(self, depth: int) -> int:
        async with self._turn:
            self._post(CreateDirectory_RBV=depth)
            await self._find(str(self._get("FilePath_RBV")), depth)
        return depth

    async def _find(self, path: str, depth: int) -> None:
        exists = await asyncio.to_thread(make_directory, self._root, path, depth)
        self._post(FilePath_RBV=path, FilePathExists_RBV=int(exists))
        await self._database.flush()

    async def _put_capture(self, choice: str) -> str:
        self._loop = asyncio.get_running_loop()
        if choice == "Done":
            await asyncio.to_thread(self._finish)
            await self._database.flush()
            return "Done"
        if self._writer is not None:
            return "Capture"
        self._ended.clear()
        if not await asyncio.to_thread(self._begin):
            await self._database.flush()
            return "Done"
        await self._database.write("HDF1:Capture", 1)
        await self._ended.wait()
        await self._database.flush()
        return "Done"

    async def _put_flush(self, choice: str) -> str:
        if choice != "No":
            await asyncio.to_thread(self._flush)
        return "No"

    def _flush(self) -> None:
        with self._lock:
            if self._writer is not None:
                self._writer.flush()

    def _begin(self) -> bool:
        with self._lock:
            try:
                path = self._next_file()
                self._writer = Hdf5Writer(
                    path,
                    self._scene.shape,
                    self._scene.dtype,
                    swmr=self._get("SWMRMode") == "On",
                )
            except (InputError, PutRefused, OSError) as error:
                self._report(f"{error}")
                return False
            self._wanted = int(self._get("NumCapture"))
            self._seen = 0
            self._post(
                FullFileName_RBV=str(path), NumCaptured_RBV=0, WriteStatus="Write OK",
                WriteMessage="", Capture=1, Capture_RBV=1,
                SWMRActive_RBV=int(self._get("SWMRMode") == "On"),
            )  # fmt: skip
            if self._get("AutoIncrement") == "Yes":
                number = int(self._get("FileNumber")) + 1
                self._post(FileNumber=number, FileNumber_RBV=number)
            return True

    def _next_file(self) -> Path:
        if self._get("FilePathExists_RBV") != "Yes":
            raise PutRefused(f"directory {self._get('FilePath_RBV')} does not exist")
        if self._get("FileWriteMode") == "Single":
            raise PutRefused("this camera writes files in Stream mode only")
        name = expand_template(
            self._get("FileTemplate"),
            self._get("FilePath_RBV"),
            self._get("FileName"),
            int(self._get("FileNumber")),
        )
        path = inside(self._root, Path(name))
        if path is None or path == self._root:
            raise PutRefused(f"file {name} is outside {self._root}")
        return path

    def take(self, frame: Frame) -> None:
        """Write a frame if capturing; a failure ends the capture and says why."""
        if self._get("EnableCallbacks") != "Enable":
            return
        if not self._get("ArraySize0_RBV"):  # started unprimed
            rows, columns = frame.pixels.shape
            self._post(ArraySize0_RBV=columns, ArraySize1_RBV=rows)
        with self._lock:
            if self._writer is not None:
                self._write(self._writer, frame)

    def _write(self, writer: Hdf5Writer, frame: Frame) -> None:
        every = max(1, int(self._get("NumFramesFlush")))
        try:
            self._check_disk(writer.count)
            writer.write(frame, flush=(writer.count + 1) % every == 0)
        except (OSError, RuntimeError) as error:  # h5py raises either
            self._report(getattr(error, "strerror", None) or f"{error}")
            self._close(writer)
            return
        self._post(
            NumCaptured_RBV=writer.count,
            ArrayCounter_RBV=writer.count,
            UniqueId_RBV=frame.unique_id,
        )
        if writer.count == self._wanted:
            self._close(writer)

    def loses(self) -> bool:
        """Tell whether the next frame is to be lost; counts frames since Capture."""
        number, self._seen = self._seen, self._seen + 1
        text = str(self._database.value("twin:DropFrames"))
        return str(number) in text.replace(" ", "").split(",")

    def _check_disk(self, count: int) -> None:
        full = self._database.value("twin:DiskFull") == "Yes"
        after = int(self._database.value("twin:DiskFullAfter"))
        if full or (0 <= after <= count):
            raise OSError(errno.ENOSPC, "No space left on device (simulated)")

    def _report(self, message: str) -> None:
        self._post(WriteStatus="Write error", WriteMessage=message)

    def _finish(self) -> None:
        with self._lock:
            if self._writer is not None:
                self._close(self._writer)

    def _close(self, writer: Hdf5Writer) -> None:
        """Finish the file; callers hold the lock."""
        self._writer = None
        try:
            writer.close()
        except (OSError, RuntimeError) as error:
            self._report(f"{error}")
        self._post(Capture=0, Capture_RBV=0, SWMRActive_RBV=0)
        if self._loop is not None and not self._loop.is_closed():
            self._loop.call_soon_threadsafe(self._ended.set)

    def close(self) -> None:
        """Finish the file that is open."""
        self._finish()
