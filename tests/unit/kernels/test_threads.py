import pytest
from numba import get_num_threads

from daiss_bluesky.kernels.threads import WORTH_A_THREAD, Pace, threads_for


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


@pytest.mark.parametrize("alone_s", [1.0, 9.0])
def test_the_faster_choice_is_kept_and_the_other_tried(alone_s: float) -> None:
    pace, chosen = Pace(), []
    for _ in range(600):
        chosen.append(pace.next_alone())
        pace.note(alone_s if chosen[-1] else 3.0, alone=chosen[-1])
    slower = [alone == (alone_s > 3) for alone in chosen[20:]]
    assert 0 < sum(slower) < 20


def test_a_choice_is_given_up_when_things_change() -> None:
    pace, chosen = Pace(), []
    for number in range(300):
        chosen.append(pace.next_alone())
        all_s = 1.0 if number < 100 else 30.0
        pace.note(2.0 if chosen[-1] else all_s, alone=chosen[-1])
    assert sum(chosen[50:100]) < 5
    assert sum(chosen[250:]) > 45


def test_the_first_time_does_not_count() -> None:
    pace = Pace()
    pace.note(1000.0, alone=False)
    for _ in range(30):
        alone = pace.next_alone()
        pace.note(2.0 if alone else 1.0, alone=alone)
    assert not pace.next_alone()


def test_pace_sets_and_restores_threads() -> None:
    usual = get_num_threads()
    with Pace().threads(usual) as count:
        assert get_num_threads() == count == usual
    assert get_num_threads() == usual
