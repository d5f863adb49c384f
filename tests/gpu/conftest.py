"""Tests of kernels on a device; each is skipped where there is none."""

import importlib
from functools import lru_cache
from typing import Any

import pytest


@lru_cache(maxsize=1)
def _missing() -> str | None:
    """Tell in one line why there is no device to test on; None where there is."""
    try:
        cupy = importlib.import_module("cupy")
    except ImportError:
        return "needs CuPy and a CUDA device: CuPy is not installed"
    try:
        count = int(cupy.cuda.runtime.getDeviceCount())
    except cupy.cuda.runtime.CUDARuntimeError as error:
        return f"needs a CUDA device: {error}"
    return None if count else "needs a CUDA device: none was found"


@pytest.fixture(autouse=True)
def _device() -> None:
    if reason := _missing():
        pytest.skip(reason)


@pytest.fixture
def cp() -> Any:
    """CuPy, with a device behind it."""
    return importlib.import_module("cupy")
