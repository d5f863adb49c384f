"""Memory that is not enough is one sentence, whoever says so."""

import numpy as np
import pytest

from daiss_bluesky.core.errors import UnavailableError
from daiss_bluesky.kernels.cuda import memory
from daiss_bluesky.kernels.cuda.memory import lacks_memory, told_of_memory


@pytest.mark.parametrize(
    "error",
    [
        MemoryError("Out of memory allocating 512 bytes (allocated so far: 0 bytes)."),
        RuntimeError("CUFFT_ALLOC_FAILED"),
        RuntimeError("CUBLAS_STATUS_ALLOC_FAILED"),
        RuntimeError("cudaErrorMemoryAllocation: out of memory"),
        RuntimeError("CUDA_ERROR_OUT_OF_MEMORY: out of memory"),
    ],
)
def test_every_library_without_memory_is_told_in_the_same_sentence(
    error: Exception,
) -> None:
    with (
        pytest.raises(UnavailableError, match=r"cuda:1 is full \(.+\); wait"),
        told_of_memory("cuda:1 is full ({}); wait"),
    ):
        raise error


@pytest.mark.parametrize(
    "error",
    [
        RuntimeError("CUDA_ERROR_ILLEGAL_ADDRESS: an illegal memory access"),
        RuntimeError("CUFFT_INVALID_SIZE"),
        ValueError("out of memory"),
    ],
)
def test_other_errors_stay_what_they_are(error: Exception) -> None:
    with pytest.raises(type(error)) as met, told_of_memory("{}"):
        raise error
    assert met.value is error


def test_the_hosts_own_memory_is_not_the_devices() -> None:
    with pytest.raises(MemoryError) as met:
        np.empty((1 << 60, 1 << 2), np.uint8)
    assert not lacks_memory(met.value)


def test_memory_that_cannot_be_pinned_is_the_hosts(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    class Full:
        @property
        def cuda(self) -> "Full":
            return self

        def alloc_pinned_memory(self, n_bytes: int) -> None:
            raise RuntimeError("cudaErrorMemoryAllocation: out of memory")

    monkeypatch.setattr(memory, "cupy", Full)
    with pytest.raises(UnavailableError, match="host cannot pin 8 GB of its memory"):
        memory.pin(8 * 10**9)
