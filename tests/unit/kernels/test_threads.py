import pytest
from numba import get_num_threads

from daiss_bluesky.kernels.threads import WORTH_A_THREAD, threads_for


def test_small_work_gets_one_thread_and_large_work_all() -> None:
    usual = get_num_threads()
    with threads_for(10) as count:
        assert count == get_num_threads() == 1
    with threads_for(1000 * WORTH_A_THREAD) as count:
        assert count == usual


def test_threads_come_back_after_an_error() -> None:
    usual = get_num_threads()
    with pytest.raises(RuntimeError, match="stop"), threads_for(10):
        raise RuntimeError("stop")
    assert get_num_threads() == usual
