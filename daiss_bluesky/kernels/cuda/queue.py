"""One stream of a CUDA device: arrays there, and launches one after the other."""

import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from importlib import import_module
from typing import Any, Protocol

import numpy as np
from numpy.typing import DTypeLike, NDArray

from daiss_bluesky.kernels.cuda.memory import pin, told_of_memory
from daiss_bluesky.kernels.cuda.module import Constant, Operator, cupy

Array = Any
"""Of the device."""


class Queue(Protocol):
    """Where arrays lie and kernels run: `DeviceQueue`, or the host's in tests."""

    xp: Any
    """The array namespace: CuPy, or NumPy."""
    fft: Any
    """Its Fourier transforms, as scipy has them."""
    together: bool
    """Much at once is faster here, see `orientation_trial.Arrays`."""

    def active(self) -> AbstractContextManager[None]:
        """Give a context in which `xp` and launches mean this device and stream."""

    def pinned(self, shape: tuple[int, ...], dtype: DTypeLike) -> NDArray[Any]:
        """Give host memory that is copied to and from while other things run.

        Kernels can read it in place, slowly.
        """

    def send(self, target: Array, source: NDArray[Any]) -> None:
        """Copy from the host, in turn; pinned memory must stay as it is until then."""

    def fetch(self, target: NDArray[Any], source: Array) -> None:
        """Copy to pinned memory, in turn."""

    def get(self, array: Array) -> NDArray[Any]:
        """Give a copy on the host; waits."""

    def address(self, array: Array) -> int:
        """Tell where an array begins, pinned ones too."""

    def launch(
        self,
        name: str,
        constants: Mapping[str, Constant],
        function: str,
        blocks: tuple[int, ...],
        threads: int,
        arguments: tuple[Any, ...],
        shared_bytes: int = 0,
    ) -> None:
        """Start a function of a source, in turn."""

    def record(self, work: Callable[[], None]) -> Callable[[], None]:
        """Give what starts all launches of `work` at once; they are not started now."""

    def wait(self) -> None:
        """Wait until all is done."""

    def free_bytes(self) -> int:
        """Tell what memory of the device is left."""


class DeviceQueue:
    """A stream of CuPy's; see `Queue`."""

    together = True

    def __init__(self, number: int = 0) -> None:
        """Open one on this device."""
        self.xp: Any = cupy()
        self.fft: Any = import_module("cupyx.scipy.fft")
        self._device = self.xp.cuda.Device(number)
        with self._device:
            self._stream = self.xp.cuda.Stream(non_blocking=True)
        self._lock = threading.RLock()

    @contextmanager
    def active(self) -> Iterator[None]:
        """See `Queue`; one thread at a time, for what is recorded to be its own."""
        sentence = (
            f"cuda:{self._device.id} has no memory left ({{}}); device_memory_gb sets"
            " how much frames may take"
        )
        with told_of_memory(sentence), self._lock, self._device, self._stream:
            yield

    def pinned(self, shape: tuple[int, ...], dtype: DTypeLike) -> NDArray[Any]:
        """See `Queue`."""
        count = int(np.prod(shape))
        memory = pin(count * np.dtype(dtype).itemsize)
        return np.frombuffer(memory, dtype, count).reshape(shape)

    def send(self, target: Array, source: NDArray[Any]) -> None:
        """See `Queue`."""
        self._copy(target.data.ptr, source.ctypes.data, source.nbytes, up=True)

    def fetch(self, target: NDArray[Any], source: Array) -> None:
        """See `Queue`."""
        self._copy(target.ctypes.data, source.data.ptr, target.nbytes, up=False)

    def _copy(self, target: int, source: int, count: int, *, up: bool) -> None:
        runtime = self.xp.cuda.runtime
        kind = runtime.memcpyHostToDevice if up else runtime.memcpyDeviceToHost
        runtime.memcpyAsync(target, source, count, kind, self._stream.ptr)

    def get(self, array: Array) -> NDArray[Any]:
        """See `Queue`."""
        return np.asarray(array.get(stream=self._stream))

    def address(self, array: Array) -> int:
        """See `Queue`."""
        own = array.ctypes.data if isinstance(array, np.ndarray) else array.data.ptr
        return int(own)

    def launch(
        self,
        name: str,
        constants: Mapping[str, Constant],
        function: str,
        blocks: tuple[int, ...],
        threads: int,
        arguments: tuple[Any, ...],
        shared_bytes: int = 0,
    ) -> None:
        """See `Queue`."""
        operator = Operator(name, constants)
        operator.launch(
            function, blocks, (threads,), arguments, shared_bytes=shared_bytes
        )

    def record(self, work: Callable[[], None]) -> Callable[[], None]:
        """See `Queue`."""
        self._stream.begin_capture()
        try:
            work()
        finally:
            graph = self._stream.end_capture()
        return lambda: graph.launch(self._stream)

    def wait(self) -> None:
        """See `Queue`."""
        self._stream.synchronize()

    def free_bytes(self) -> int:
        """See `Queue`."""
        pool = self.xp.get_default_memory_pool()
        return int(self._device.mem_info[0] + pool.free_bytes())
