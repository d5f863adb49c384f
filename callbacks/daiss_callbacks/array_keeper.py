"""Images that came inside events: kept in memory up to a bound, then on disk."""

import tempfile
import threading
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

import numpy as np
from numpy.typing import NDArray

from daiss_bluesky.core.errors import UnavailableError
from daiss_callbacks.locations import InMemory, KeptArray

MEMORY_LIMIT_BYTES = 256 * 2**20


class ArrayKeeper:
    """Keeps images for as long as they may be read again.

    Beyond the bound they go to one unnamed temporary file, which the system removes
    when it is closed, or when the process is killed. Safe to use from several threads.
    """

    def __init__(
        self,
        limit_bytes: int = MEMORY_LIMIT_BYTES,
        scratch: Path | None = None,
    ) -> None:
        """Keep up to limit_bytes in memory; scratch: where the file goes."""
        self._limit_bytes = limit_bytes
        self._scratch = scratch
        self._held_bytes = 0
        self._spill: _SpillFile | None = None
        self._lock = threading.Lock()

    @property
    def spilled_bytes(self) -> int:
        """How much is on disk."""
        return self._spill.size if self._spill else 0

    def keep(self, pixels: NDArray[Any]) -> KeptArray:
        """Take an image; raises UnavailableError where the disk takes no more."""
        with self._lock:
            if self._held_bytes + pixels.nbytes <= self._limit_bytes:
                self._held_bytes += pixels.nbytes
                return InMemory(pixels)
            if self._spill is None:
                self._spill = _SpillFile(self._scratch)
            return self._spill.append(pixels)

    def close(self) -> None:
        """Remove the file; images in it cannot be read any more."""
        with self._lock:
            if self._spill is not None:
                self._spill.close()


class _SpillFile:
    def __init__(self, scratch: Path | None) -> None:
        self.size = 0
        self._lock = threading.Lock()
        try:
            self._file: IO[bytes] = tempfile.TemporaryFile(dir=scratch)  # noqa: SIM115
        except OSError as error:
            raise UnavailableError(
                f"no temporary file for images can be made in"
                f" {scratch or tempfile.gettempdir()}: {error.strerror}"
            ) from None

    def append(self, pixels: NDArray[Any]) -> "_Spilled":
        data = np.ascontiguousarray(pixels)
        with self._lock:
            try:
                self._file.seek(self.size)
                self._file.write(data.tobytes())
                self._file.flush()
            except OSError as error:
                raise UnavailableError(
                    f"image {data.shape} cannot be kept on disk: {error.strerror}"
                ) from None
            spilled = _Spilled(self, self.size, data.shape, data.dtype)
            self.size += data.nbytes
        return spilled

    def read(self, offset: int, n_bytes: int) -> bytes:
        with self._lock:
            if self._file.closed:
                raise UnavailableError("the images of this run are not kept any more")
            self._file.seek(offset)
            return self._file.read(n_bytes)

    def close(self) -> None:
        with self._lock:
            self._file.close()


@dataclass(frozen=True, slots=True, eq=False)
class _Spilled:
    file: _SpillFile
    offset: int
    shape: tuple[int, ...]
    dtype: np.dtype[Any]

    def read(self) -> NDArray[Any]:
        n_bytes = int(np.prod(self.shape)) * self.dtype.itemsize
        data = self.file.read(self.offset, n_bytes)
        return np.frombuffer(data, self.dtype).reshape(self.shape)
