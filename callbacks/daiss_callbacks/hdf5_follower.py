"""Reads an HDF5 file while its writer still appends to it (SWMR), and afterwards."""

import math
import os
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, Self, TypeVar

import h5py
from numpy.typing import NDArray

from daiss_bluesky.core.errors import InputError, UnavailableError

SETTLE_S = 2.0
"""A file that cannot be read and has not changed for so long will not get better."""

SWMR_WRITING = "already open for write"
"""In HDF5's error for a file that a SWMR writer has open, or died with."""

OPEN_WITHOUT_SWMR = "SWMR read access flag not the same"
"""In HDF5's error for a file that this process has open in the other mode."""

_FASTEST_POLL_S, _SLOWEST_POLL_S = 0.003, 0.02

T = TypeVar("T")


class _NotYet(Exception):  # noqa: N818 - a state, not an error
    """Why what was asked for is not there; `final` if waiting will not help."""

    def __init__(self, reason: str, *, final: bool = False) -> None:
        super().__init__(reason)
        self.final = final


class Hdf5Follower:
    """One file that may not exist yet, may still grow, and may be replaced.

    A file whose writer does not use SWMR is locked by it and read once it is closed.
    Links to other files are refused: the caller allowed this file only. Used from one
    thread; `close` may be called from another, and ends a wait.
    """

    def __init__(self, path: Path, *, timeout_s: float = 30.0) -> None:
        """Follow a path; nothing is opened before the first read."""
        self.path = Path(path).resolve()
        self._timeout_s = timeout_s
        self.deadline_s = math.inf
        """Monotonic time after which nothing is waited for."""
        self._closed = threading.Event()
        self._lock = threading.Lock()
        self._file: Any = None
        self._identity: tuple[int, ...] = ()
        self._size = 0
        self._datasets: dict[str, Any] = {}

    def read(self, dataset: str, start: int, stop: int) -> NDArray[Any]:
        """Read rows start to stop along the first axis, waiting until they are there.

        Raises UnavailableError naming file and row when they do not come in time.
        """
        if not 0 <= start < stop:
            raise InputError(f"rows {start} to {stop} of {dataset} cannot be read")
        return self._wait(
            lambda: self._rows(dataset, start, stop), f"row {stop - 1} of {dataset}"
        )

    def read_if_present(
        self, dataset: str, start: int, stop: int
    ) -> NDArray[Any] | None:
        """Read rows like `read`; None where the file has no such dataset.

        Datasets are made before a writer switches to SWMR, so one that is absent once
        the file can be read stays absent.
        """
        present = self._wait(lambda: self._has(dataset), f"{dataset}")
        return self.read(dataset, start, stop) if present else None

    def close(self) -> None:
        """Close the file, and end a wait that another thread is in."""
        self._closed.set()
        with self._lock:
            self._forget()

    def __enter__(self) -> Self:
        """Enter."""
        return self

    def __exit__(self, *_: object) -> None:
        """Close."""
        self.close()

    def _wait(self, attempt: Callable[[], T], what: str) -> T:
        began = changed = time.monotonic()
        pause, state = _FASTEST_POLL_S, self._state()
        while True:
            try:
                with self._lock:
                    return attempt()
            except _NotYet as error:
                reason, final = str(error), error.final
            now = time.monotonic()
            if self._state() != state:
                changed, state = now, self._state()
            if final and now - changed >= min(SETTLE_S, self._timeout_s):
                raise UnavailableError(f"file {self.path} {reason}")
            if now - began >= self._timeout_s or now >= self.deadline_s:
                raise UnavailableError(
                    f"{what} of file {self.path} did not come within"
                    f" {self._timeout_s:g} s: the file {reason}"
                )
            if self._closed.wait(pause):
                raise UnavailableError(f"file {self.path} was closed while waited for")
            pause = min(pause * 1.3, _SLOWEST_POLL_S)

    def _state(self) -> tuple[int, ...] | None:
        try:
            found = self.path.stat()
        except OSError:
            return None
        return (found.st_dev, found.st_ino, found.st_size, found.st_mtime_ns)

    def _rows(self, name: str, start: int, stop: int) -> NDArray[Any]:
        self._open()
        try:
            dataset, n = self._dataset(name, stop)
            if n < stop:
                raise _NotYet(f"has {n} rows of {name}")
            self._check_stored(dataset, stop - 1)
            rows: NDArray[Any] = dataset[start:stop]
        except (OSError, RuntimeError) as error:
            self._forget()
            raise _NotYet(f"is damaged or truncated ({error})", final=True) from None
        return rows

    def _check_stored(self, dataset: Any, row: int) -> None:
        """Make sure a row is in the file: HDF5 reads zeros past the end of one."""
        if dataset.chunks is None:
            offset = dataset.id.get_offset()
            end = None if offset is None else offset + dataset.id.get_storage_size()
        else:
            corner = (row, *[0] * (dataset.ndim - 1))
            chunk = dataset.id.get_chunk_info_by_coord(corner)
            if chunk.byte_offset is None:
                raise _NotYet(f"has no data yet in row {row} of {dataset.name}")
            end = chunk.byte_offset + chunk.size
        # Of the file that is open: its name may have gone, as when it is moved away.
        if end is not None and end > os.fstat(self._file.id.get_vfd_handle()).st_size:
            raise _NotYet("is truncated", final=True)

    def _dataset(self, name: str, stop: int) -> tuple[Any, int]:
        """Give the dataset and how many rows it has, refreshed if it seems too few."""
        dataset = self._datasets.get(name)
        if dataset is None:
            dataset = self._find(name)
            self._datasets[name] = dataset
        elif dataset.shape[0] < stop:
            dataset.refresh()
        return dataset, int(dataset.shape[0])

    def _find(self, name: str) -> Any:
        if _passes_external_link(self._file, name):
            raise InputError(
                f"dataset {name} of file {self.path} is refused: it lies in other files"
            )
        found = self._file.get(name)
        if found is None:
            self._forget()
            raise _NotYet(f"has no dataset {name}", final=True)
        if _is_foreign(found, self._file):
            raise InputError(
                f"dataset {name} of file {self.path} is refused: it lies in other files"
            )
        if not isinstance(found, h5py.Dataset) or not found.shape:
            raise InputError(f"{name} of file {self.path} is not a dataset with rows")
        return found

    def _has(self, name: str) -> bool:
        self._open()
        return name in self._file

    def _open(self) -> None:
        state = self._state()
        if self._closed.is_set():
            raise UnavailableError(f"file {self.path} is closed")
        if self._file is not None and (state is None or self._same(state)):
            return
        self._forget()
        if state is None:
            raise _NotYet("does not exist")
        if self.path.resolve() != self.path:
            raise InputError(f"file {self.path} is refused: it became a link")
        try:
            self._file = _open_file(self.path)
        except BlockingIOError:
            raise _NotYet("is still written, not in SWMR mode") from None
        except PermissionError:
            raise UnavailableError(f"file {self.path} may not be read by us") from None
        except OSError as error:
            raise _NotYet(_why(error), final=state[2] > 0) from None
        self._identity, self._size = state[:2], state[2]

    def _same(self, state: tuple[int, ...]) -> bool:
        """Tell whether the path still leads to the open file, not written anew."""
        same = state[:2] == self._identity and state[2] >= self._size
        self._size = state[2]
        return same

    def _forget(self) -> None:
        self._datasets.clear()
        file, self._file = self._file, None
        if file is not None:
            file.close()


def _open_file(path: Path) -> Any:
    """Open in SWMR mode, in which finished files open too and are not locked.

    Tried without SWMR first: in SWMR mode HDF5 takes damage for a write in progress and
    tries again for hours. No chunk cache, which only adds a copy to whole-row reads.
    """
    try:
        h5py.File(path, "r").close()
    except OSError as error:
        if SWMR_WRITING not in str(error):
            raise
    try:
        return h5py.File(path, "r", libver="latest", swmr=True, rdcc_nbytes=0)
    except OSError as error:
        if OPEN_WITHOUT_SWMR not in str(error):
            raise
        return h5py.File(path, "r", rdcc_nbytes=0)


def _passes_external_link(file: Any, name: str) -> bool:
    """Tell whether the way to an object leaves the file; asks without following."""
    parts = name.strip("/").split("/")
    return any(
        isinstance(
            file.get("/".join(parts[: i + 1]), getlink=True, default=None),
            h5py.ExternalLink,
        )
        for i in range(len(parts))
    )


def _is_foreign(found: Any, file: Any) -> bool:
    """Tell whether an object's data lie in another file (links, views, raw files)."""
    if found.file.filename != file.filename:
        return True
    return isinstance(found, h5py.Dataset) and bool(found.external or found.is_virtual)


def _why(error: OSError) -> str:
    text = str(error)
    if "signature not found" in text:
        return "is not an HDF5 file"
    if "truncated" in text:
        return "is truncated"
    return f"cannot be opened as HDF5 ({text})"
