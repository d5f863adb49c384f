"""Which frames are visited when, while they arrive.

A function of how many have come and nothing else: whatever the sizes of the batches and
the speed of the machine, the same frames give the same result.
"""

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

BLOCK = 4
"""Frames that are visited together for the first time."""
_FRESH_ROUNDS = 3
"""Groups that a block's own frames are in at once."""

Group = NDArray[np.int64]


class Visits:
    """Every block's own frames a few times at once, then all frames in turn."""

    def __init__(self, per_frame: int, group: int) -> None:
        """`per_frame` visits are paid for by each frame, in groups of `group`."""
        self._per_frame = per_frame
        self._group = group
        self._turns = np.random.default_rng(0)
        self._waiting = np.zeros(0, np.int64)
        self._owed = 0

    def after(self, first: int, last: int) -> Iterator[Group]:
        """Give the groups to visit once frames first to last (excluded) have come."""
        self._owed += self._per_frame * (last - first)
        fresh = np.arange(first, last)
        rounds = _FRESH_ROUNDS
        while self._owed >= min(self._group, last):
            new = fresh if rounds > 0 else fresh[:0]
            rounds -= 1
            group = self._fill(new, min(self._group, last), last)
            self._owed -= len(group)
            yield group

    def _fill(self, new: Group, size: int, known: int) -> Group:
        """Add frames whose turn it is, none of them twice."""
        chosen = list(new)
        skipped = []
        while len(chosen) < size:
            if not self._waiting.size:
                self._waiting = self._turns.permutation(known)
            one, self._waiting = self._waiting[0], self._waiting[1:]
            if one in chosen:
                skipped.append(one)
            else:
                chosen.append(one)
        self._waiting = np.concatenate([np.array(skipped, np.int64), self._waiting])
        return np.array(chosen, np.int64)


def in_groups(frames: Group, size: int, number: int) -> Iterator[Group]:
    """Give frames once each, in groups, in an order that belongs to this number."""
    order = frames[np.random.default_rng(number).permutation(len(frames))]
    for first in range(0, len(order), size):
        yield order[first : first + size]
