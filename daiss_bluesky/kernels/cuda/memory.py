"""Memory that is not enough, said in one sentence, whichever library met it.

CuPy's pool says so by an error of its own; transforms, modules and what is pinned come
from elsewhere, each with another one.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from daiss_bluesky.core.errors import UnavailableError
from daiss_bluesky.kernels.cuda.module import cupy

_SIGNS = "out of memory", "alloc_failed"


def lacks_memory(error: BaseException) -> bool:
    """Tell whether CUDA, or a library of it, has no memory left."""
    words = str(error).lower()
    known = isinstance(error, (MemoryError, RuntimeError))
    return known and any(sign in words for sign in _SIGNS)


@contextmanager
def told_of_memory(sentence: str) -> Iterator[None]:
    """Turn such an error into UnavailableError; {} in the sentence is what it said."""
    try:
        yield
    except (MemoryError, RuntimeError) as error:
        if not lacks_memory(error):
            raise
        raise UnavailableError(sentence.format(error)) from None


def pin(n_bytes: int) -> Any:
    """Give memory of the host that stays in place; what its buffer is a view of."""
    sentence = f"the host cannot pin {n_bytes / 1e9:.3g} GB of its memory ({{}})"
    with told_of_memory(sentence):
        return cupy().cuda.alloc_pinned_memory(n_bytes)
