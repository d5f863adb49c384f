"""Visits are a function of how many frames have come, and pay what each is owed."""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from daiss_bluesky.algorithms.ptychography.visits import BLOCK, Visits, in_groups

GROUP = 16
counts = st.integers(1, 30)


def groups_of_blocks(per_frame: int, blocks: int) -> list[list[NDArray[np.int64]]]:
    visits = Visits(per_frame, GROUP)
    return [list(visits.after(i * BLOCK, (i + 1) * BLOCK)) for i in range(blocks)]


@given(per_frame=st.integers(1, 20), blocks=counts)
@settings(deadline=None, derandomize=True, max_examples=40)
def test_groups_hold_known_frames_once_and_the_budget_is_kept(
    per_frame: int, blocks: int
) -> None:
    paid = 0
    for number, groups in enumerate(groups_of_blocks(per_frame, blocks), start=1):
        known = number * BLOCK
        for group in groups:
            assert 1 <= len(group) <= GROUP
            assert len(set(group.tolist())) == len(group)
            assert group.min() >= 0
            assert group.max() < known
            paid += len(group)
        owed = per_frame * known - paid
        assert 0 <= owed < GROUP


@given(per_frame=st.integers(4, 20), blocks=counts)
@settings(deadline=None, derandomize=True, max_examples=20)
def test_a_block_is_visited_as_soon_as_it_came(per_frame: int, blocks: int) -> None:
    for number, groups in enumerate(groups_of_blocks(per_frame, blocks)):
        fresh = set(range(number * BLOCK, (number + 1) * BLOCK))
        assert groups
        for group in groups[:3]:
            assert fresh <= set(group.tolist())


def test_the_same_frames_are_visited_alike() -> None:
    first, again = (groups_of_blocks(16, 20) for _ in range(2))
    for one, other in zip(first, again, strict=True):
        for a, b in zip(one, other, strict=True):
            np.testing.assert_array_equal(a, b)


def test_all_are_visited_in_turn() -> None:
    visited = np.zeros(40 * BLOCK, np.int64)
    for groups in groups_of_blocks(16, 40):
        for group in groups:
            visited[group] += 1
    # An even share: early frames were there longer.
    assert visited.min() >= 3
    assert visited[: len(visited) // 2].mean() > visited[len(visited) // 2 :].mean()


@given(n=st.integers(1, 70), size=st.integers(1, 16), number=st.integers(0, 50))
@settings(deadline=None, derandomize=True, max_examples=40)
def test_a_pass_visits_each_once(n: int, size: int, number: int) -> None:
    frames = np.arange(100, 100 + n)
    groups = list(in_groups(frames, size, number))
    assert max(map(len, groups)) <= size
    assert sorted(np.concatenate(groups)) == frames.tolist()
    again = list(in_groups(frames, size, number))
    assert all(np.array_equal(a, b) for a, b in zip(groups, again, strict=True))
