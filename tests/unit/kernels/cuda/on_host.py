"""The CUDA kernels run by the processor, for what needs no device to be tested.

The very sources are compiled by the system's C++ compiler, behind `on_host.h`.
"""

import ctypes
import hashlib
import re
import shutil
import subprocess
import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
import scipy.fft
from numpy.typing import DTypeLike, NDArray

from daiss_bluesky.kernels.cuda.module import Constant, options, source

COMPILER = shutil.which("g++")

_FLAGS = ("-O2", "-march=native", "-shared", "-fPIC", "-U_FORTIFY_SOURCE", "-w")
_MOST_ARGUMENTS = 16
_KEPT = tempfile.TemporaryDirectory(prefix="kernels-on-host-")
_FOLDER = Path(_KEPT.name)


class HostQueue:
    """A queue whose device is this machine's memory and processor."""

    xp: Any = np
    fft: Any = scipy.fft
    together = True

    @contextmanager
    def active(self) -> Iterator[None]:
        yield

    def pinned(self, shape: tuple[int, ...], dtype: DTypeLike) -> NDArray[Any]:
        return np.zeros(shape, dtype)

    def send(self, target: Any, source: NDArray[Any]) -> None:
        target[:] = source.reshape(-1).view(np.uint8)

    def fetch(self, target: NDArray[Any], source: Any) -> None:
        target[...] = source

    def get(self, array: Any) -> NDArray[Any]:
        return np.array(array)

    def address(self, array: Any) -> int:
        return int(array.ctypes.data)

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
        library = _compiled(name, tuple(sorted(constants.items())))
        words = [
            one.ctypes.data if isinstance(one, np.ndarray) else int(one)
            for one in arguments
        ]
        words += [0] * (_MOST_ARGUMENTS - len(words))
        sizes = (*blocks, 1)[:2]
        library.launch(
            ctypes.cast(library[function], ctypes.c_void_p),
            (ctypes.c_longlong * _MOST_ARGUMENTS)(*words),
            (ctypes.c_int * 2)(*sizes),
            threads,
        )

    def record(self, work: Callable[[], None]) -> Callable[[], None]:
        return work

    def wait(self) -> None:
        pass

    def free_bytes(self) -> int:
        return 1 << 40


@lru_cache(maxsize=64)
def _compiled(name: str, constants: tuple[tuple[str, Constant], ...]) -> ctypes.CDLL:
    assert COMPILER is not None
    defined = options(dict(constants))
    text = (Path(__file__).parent / "on_host.h").read_text() + source(name)
    # An array of unknown size cannot be static: all dynamic shared memory is one.
    text = re.sub(
        r"extern __shared__ (\w+) (\w+)\[\];", r"\1* \2 = (\1*)shared_memory;", text
    )
    key = hashlib.sha256("\0".join((text, *defined)).encode()).hexdigest()[:16]
    code, library = _FOLDER / f"{key}.cpp", _FOLDER / f"{key}.so"
    if not library.exists():
        code.write_text(text)
        command = [COMPILER, *defined, *_FLAGS, str(code), "-o", str(library)]
        subprocess.run(command, check=True)
    return ctypes.CDLL(str(library))
