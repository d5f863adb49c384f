"""How many threads a piece of work is worth.

On a busy machine threads wait for each other longer than a small frame takes alone.
"""

from collections.abc import Iterator
from contextlib import contextmanager

from numba import get_num_threads, set_num_threads

WORTH_A_THREAD = 4_000_000
"""Multiplications and additions, about a millisecond."""


@contextmanager
def threads_for(work: int) -> Iterator[int]:
    """Give compiled kernels in this thread as many threads as the work deserves."""
    usual = get_num_threads()
    count = int(min(usual, max(1, work // WORTH_A_THREAD)))
    set_num_threads(count)
    try:
        yield count
    finally:
        set_num_threads(usual)
