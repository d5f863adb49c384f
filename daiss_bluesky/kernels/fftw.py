"""FFTW through pyfftw, for `kernels.fft`: plans made once and lent to one thread each.

A plan remembers the arrays it works on, so two threads must not share it: each borrows
one, and there are as many as threads ever asked at once. Between calls a plan points
at arrays of its own, so that it keeps none of a caller's alive.
"""

import importlib
import math
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from threading import Lock
from typing import Any

import numpy as np
from numpy.typing import DTypeLike, NDArray

_MEASURED = 1 << 20
"""Transforms of up to so many values are measured: larger ones would cost too much."""

_MEASURE_S = 0.05
_KEPT = 64
"""Tasks whose plans are kept, the latest ones."""

_ALIGNMENT = 16
"""Bytes: what NumPy's own arrays have."""


@dataclass(frozen=True, slots=True)
class _Task:
    """All that a plan depends on."""

    shape: tuple[int, ...]
    spectrum_shape: tuple[int, ...]
    axes: tuple[int, ...]
    forward: bool
    overwrite: bool
    workers: int


@dataclass(frozen=True, slots=True, eq=False)
class _Plan:
    """One plan of FFTW, and the arrays it points at while it is not in use."""

    fftw: Any
    own_input: NDArray[Any]
    own_output: NDArray[Any]

    def run(self, x: NDArray[Any], y: NDArray[Any]) -> None:
        """Transform x into y, without normalization."""
        self.fftw.update_arrays(x, y)
        self.fftw.execute()
        self.fftw.update_arrays(self.own_input, self.own_output)


_free: dict[_Task, list[_Plan]] = {}
_lock = Lock()


def forward(
    x: NDArray[np.float32], axes: tuple[int, ...], workers: int
) -> NDArray[np.complex64]:
    """Transform real values over axes; the last of them is halved."""
    axes = tuple(axis % x.ndim for axis in axes)
    halved = list(x.shape)
    halved[axes[-1]] = halved[axes[-1]] // 2 + 1
    y = _empty(tuple(halved), np.complex64)
    with _borrowed(_Task(x.shape, y.shape, axes, True, False, workers)) as plan:
        plan.run(_fit(x), y)
    return y


def backward(
    spectrum: NDArray[np.complex64],
    lengths: tuple[int, ...],
    axes: tuple[int, ...],
    workers: int,
    overwrite: bool,
) -> NDArray[np.float32]:
    """Undo `forward`; with `overwrite` the spectrum may be used up."""
    axes = tuple(axis % spectrum.ndim for axis in axes)
    shape = list(spectrum.shape)
    for axis, length in zip(axes, lengths, strict=True):
        shape[axis] = length
    y = _empty(tuple(shape), np.float32)
    task = _Task(y.shape, spectrum.shape, axes, False, overwrite, workers)
    x = _fit(spectrum)
    if len(axes) > 1 and not overwrite and np.may_share_memory(x, spectrum):
        # FFTW has no way back over two axes that leaves its input alone.
        x = _copy(x)
    with _borrowed(task) as plan:
        plan.run(x, y)
    y *= np.float32(1 / math.prod(lengths))
    return y


@contextmanager
def _borrowed(task: _Task) -> Iterator[_Plan]:
    with _lock:
        free = _free.setdefault(task, [])
        if len(_free) > _KEPT:
            _free.pop(next(iter(_free)))
        plan = free.pop() if free else None
    plan = plan or _make(task)
    try:
        yield plan
    finally:
        with _lock:
            free.append(plan)


def _make(task: _Task) -> _Plan:
    real, spectrum = (
        _empty(task.shape, np.float32),
        _empty(task.spectrum_shape, np.complex64),
    )
    x, y = (real, spectrum) if task.forward else (spectrum, real)
    measured = real.size <= _MEASURED
    flags = ["FFTW_MEASURE" if measured else "FFTW_ESTIMATE"]
    if task.overwrite:
        flags.append("FFTW_DESTROY_INPUT")
    plan = _library().FFTW(
        x,
        y,
        axes=task.axes,
        direction="FFTW_FORWARD" if task.forward else "FFTW_BACKWARD",
        flags=tuple(flags),
        threads=task.workers,
        planning_timelimit=_MEASURE_S,
    )
    return _Plan(plan, x, y)


@cache
def _library() -> Any:
    return importlib.import_module("pyfftw")


def _empty(shape: tuple[int, ...], dtype: DTypeLike) -> NDArray[Any]:
    """Make an array that is aligned to 16 bytes and to no more, as plans expect it."""
    size = math.prod(shape) * np.dtype(dtype).itemsize
    raw = np.empty(size + 4 * _ALIGNMENT, np.uint8)
    start = (_ALIGNMENT - raw.ctypes.data) % (2 * _ALIGNMENT)
    return raw[start : start + size].view(dtype).reshape(shape)


def _fit(x: NDArray[Any]) -> NDArray[Any]:
    """Give x as a plan can take it, copied only if it is not in one aligned piece."""
    fits = x.flags.c_contiguous and x.ctypes.data % _ALIGNMENT == 0
    return x if fits else _copy(x)


def _copy(x: NDArray[Any]) -> NDArray[Any]:
    y = _empty(x.shape, x.dtype)
    y[...] = x
    return y
