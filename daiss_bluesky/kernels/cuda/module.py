"""CUDA sources of this folder: constants put in, compiled when first used, launched.

One operator a file, `NAME.cu`. What a loop's length or a type depends on is a constant
of the compilation (`-D`), because the compiler makes faster code of it.
"""

import importlib
import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from types import MappingProxyType
from typing import Any

import numpy as np

from daiss_bluesky.core.errors import UnavailableError

FOLDER = Path(__file__).parent

STANDARD = "--std=c++17"

Constant = int | float | str | bool
Size = tuple[int, ...]

_INCLUDE = re.compile(r'^#include "([a-z_]+\.cuh)"\n', re.MULTILINE)
_MOST_BLOCKS = 65535
"""Along y or z."""
_HALF_BYTES = 2
_SHARED_BYTES = 48 * 1024
"""More dynamic shared memory for a block must be asked for."""


def cupy() -> Any:
    """Give CuPy's module; raises UnavailableError where it is not installed."""
    try:
        return importlib.import_module("cupy")
    except ImportError as error:
        raise UnavailableError(
            "a CUDA kernel needs CuPy: pip install 'daiss-bluesky[gpu]'"
        ) from error


def source(name: str) -> str:
    """Give the text of an operator, with the files of this folder that it includes.

    The compiler is not left to find these: CuPy keeps compiled code on disk by the text
    it was given, and would not see that an included file changed.
    """
    return _with_includes(f"{name}.cu", set())


def _with_includes(file: str, seen: set[str]) -> str:
    if file in seen:
        return ""
    seen.add(file)
    text = (FOLDER / file).read_text(encoding="utf-8")
    return _INCLUDE.sub(lambda found: _with_includes(found[1], seen), text)


def options(constants: Mapping[str, Constant]) -> tuple[str, ...]:
    """Give the compiler's options for constants, in the order of their names."""
    given = tuple(f"-D{name}={_literal(constants[name])}" for name in sorted(constants))
    return STANDARD, *given


def _literal(value: Constant) -> str:
    if isinstance(value, bool):
        return str(int(value))
    # hex() keeps every bit of a number.
    return f"{value.hex()}f" if isinstance(value, float) else str(value)


@dataclass(frozen=True, slots=True, init=False)
class Operator:
    """The functions of one source with its constants set.

    Cheap to make: code is compiled when a function is first launched on a device, and
    kept for all operators that are equal.
    """

    name: str
    constants: tuple[tuple[str, Constant], ...]

    def __init__(
        self, name: str, constants: Mapping[str, Constant] = MappingProxyType({})
    ) -> None:
        object.__setattr__(self, "name", name)
        object.__setattr__(self, "constants", tuple(sorted(constants.items())))

    def launch(
        self,
        function: str,
        blocks: Size,
        threads: Size,
        arguments: tuple[Any, ...],
        *,
        shared_bytes: int = 0,
    ) -> None:
        """Start a function on CuPy's current device and stream; does not wait.

        Arguments are CuPy arrays and NumPy scalars of the parameters' very types.
        Nothing is started where a size is 0.
        """
        if 0 in blocks:
            return
        if max(blocks[1:], default=0) > _MOST_BLOCKS:
            raise ValueError(f"{self.name}: {blocks} are too many blocks")
        device = int(cupy().cuda.runtime.getDevice())
        kernel = _compiled(self, function, device)
        if shared_bytes > _SHARED_BYTES:
            kernel.max_dynamic_shared_size_bytes = shared_bytes
        kernel(blocks, threads, arguments, shared_mem=shared_bytes)


@lru_cache(maxsize=256)
def _compiled(operator: Operator, function: str, device: int) -> Any:
    return _module(operator, device).get_function(function)


@lru_cache(maxsize=128)
def _module(operator: Operator, device: int) -> Any:  # noqa: ARG001 - part of the key
    text = source(operator.name)
    return cupy().RawModule(code=text, options=options(dict(operator.constants)))


def shared_memory() -> int:
    """Tell how many bytes a block of threads may share on CuPy's current device."""
    runtime = cupy().cuda.runtime
    device = runtime.getDevice()
    most = runtime.cudaDevAttrMaxSharedMemoryPerBlockOptin
    return int(runtime.deviceGetAttribute(most, device))


def parts(total: int, each: int) -> int:
    """Tell how many blocks of `each` cover a total."""
    return -(-total // each)


def is_half(array: Any) -> bool:
    """Tell whether an array of real numbers is in half precision."""
    return int(array.dtype.itemsize) == _HALF_BYTES


def steps_of(array: Any) -> tuple[np.int64, ...]:
    """Give how many elements lie between neighbors along each axis but the last."""
    return tuple(np.int64(n // array.dtype.itemsize) for n in array.strides[:-1])
