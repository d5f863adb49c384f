"""Freed memory goes back to the machine."""

import ctypes
from functools import cache
from typing import Any


def give_memory_back() -> None:
    """Let the C library return what is free; does nothing where it has no such call.

    glibc keeps arrays of up to 32 MB for the thread that freed them, and each run has
    threads of its own: what a process held grew by two such arrays with each run.
    """
    if trim := _trim():
        trim(0)


@cache
def _trim() -> Any:
    return getattr(ctypes.CDLL(None), "malloc_trim", None)
