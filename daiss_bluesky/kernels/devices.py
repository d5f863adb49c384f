"""Which GPUs this machine has, looked up when first asked and never at import."""

import ctypes
import logging
from dataclasses import dataclass
from functools import lru_cache
from importlib import import_module
from importlib.util import find_spec
from typing import Any

from daiss_bluesky.core.device import gpu_numbers

logger = logging.getLogger(__name__)

LEAST_CAPABILITY = 8, 0
"""Older ones lack the tensor cores' formats that kernels use."""


@dataclass(frozen=True, slots=True)
class Gpu:
    """One CUDA device that CuPy can use."""

    number: int
    model: str
    memory_bytes: int
    capability: tuple[int, int]

    @property
    def name(self) -> str:
        """As a pipeline file names it."""
        return f"cuda:{self.number}"

    @property
    def is_too_old(self) -> bool:
        """Tell whether kernels do not run on it."""
        return self.capability < LEAST_CAPABILITY

    def __str__(self) -> str:
        return f"{self.name} ({self.model}, {self.memory_bytes / 1e9:.0f} GB)"


@dataclass(frozen=True, slots=True)
class Gpus:
    """All there are, or why there is none."""

    found: tuple[Gpu, ...]
    why_none: str | None = None
    """One clear sentence without its full stop."""


@dataclass(frozen=True, slots=True)
class ChosenDevice:
    """Where to compute, and why not on a GPU where none is used."""

    gpus: tuple[Gpu, ...]
    """None: the CPU."""
    reason: str

    def __str__(self) -> str:
        return ", ".join(str(gpu) for gpu in self.gpus) or "cpu"


def load_cupy() -> Any:
    """Give CuPy; it is imported here and nowhere else, so late."""
    return import_module("cupy")


@lru_cache(maxsize=1)
def find_gpus() -> Gpus:
    """Look for GPUs; the answer stays the same as long as the process lives."""
    try:
        ctypes.CDLL("libcuda.so.1")
    except OSError:
        return Gpus((), "this machine has no CUDA driver")
    if find_spec("cupy") is None:
        return Gpus((), "CuPy is not installed, which a GPU needs: daiss-bluesky[gpu]")
    try:
        return _ask(load_cupy())
    except ImportError as error:
        return Gpus((), f"CuPy cannot be imported: {error}")


def _ask(cupy: Any) -> Gpus:
    runtime = cupy.cuda.runtime
    try:
        count = runtime.getDeviceCount()
        properties = [runtime.getDeviceProperties(i) for i in range(count)]
    except runtime.CUDARuntimeError as error:
        return Gpus((), f"the CUDA driver gives no device: {error}")
    if (lacking := _lacking(cupy)) is not None:
        return Gpus((), lacking)
    found = tuple(
        Gpu(
            number,
            one["name"].decode(),
            int(one["totalGlobalMem"]),
            (int(one["major"]), int(one["minor"])),
        )
        for number, one in enumerate(properties)
    )
    return Gpus(found, None if found else "the CUDA driver knows no device")


def _lacking(cupy: Any) -> str | None:
    """Say what is not there that CuPy looks for only once it is needed."""
    try:
        cupy.cuda.nvrtc.getVersion()
        for name in ("cufft", "cublas"):
            getattr(cupy.cuda, name)
    except (ImportError, RuntimeError) as error:
        why = " ".join(str(error).split())
        return f"libraries of CUDA are missing, which daiss-bluesky[gpu] brings: {why}"
    return None


def choose_device(asked: str, gpus: Gpus | None = None) -> ChosenDevice:
    """Choose for `core.device.AskedDevice`; what is not there is the CPU, and is told.

    `gpus` are this machine's where they are not given.
    """
    if asked == "cpu":
        return ChosenDevice((), "the CPU, as the parameters say")
    gpus = find_gpus() if gpus is None else gpus
    new = [gpu.number for gpu in gpus.found if not gpu.is_too_old]
    numbers = gpu_numbers(asked) or tuple(new[:1]) or (0,)
    if not gpus.found:
        reason = f"the CPU: {gpus.why_none}"
    elif missing := [n for n in numbers if n >= len(gpus.found)]:
        known = ", ".join(gpu.name for gpu in gpus.found)
        reason = f"the CPU: there is no cuda:{missing[0]} (known: {known})"
    elif old := [gpus.found[n] for n in numbers if gpus.found[n].is_too_old]:
        has, needed = (
            ".".join(map(str, one)) for one in (old[0].capability, LEAST_CAPABILITY)
        )
        reason = (
            f"the CPU: {old[0]} has compute capability {has}, kernels need {needed}"
        )
    else:
        chosen = tuple(gpus.found[n] for n in numbers)
        return ChosenDevice(chosen, ", ".join(str(gpu) for gpu in chosen))
    _tell(f"device {asked} becomes {reason}", warns=asked != "auto")
    return ChosenDevice((), reason)


@lru_cache(maxsize=32)
def _tell(sentence: str, *, warns: bool) -> None:
    """Say it once."""
    logger.log(logging.WARNING if warns else logging.INFO, sentence)
