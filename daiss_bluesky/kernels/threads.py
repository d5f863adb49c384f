"""How many threads a piece of work is worth.

On a busy machine threads wait for each other longer than a small frame takes alone.
"""

import time
from collections.abc import Iterator
from contextlib import contextmanager

from numba import get_num_threads, set_num_threads

WORTH_A_THREAD = 4_000_000
"""Multiplications and additions, about a millisecond."""

_SMOOTHING = 0.2
_TRIALS = 2
"""Repetitions of a trial; the shorter time counts."""
_OFTEN, _RARELY = 32, 2000
"""Repetitions until the slower choice is tried again: at equal speed, and at most."""


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


class Pace:
    """How many threads a piece of work goes fastest with, when it is done repeatedly.

    One thread or all: where other programs keep the cores busy, threads wait for each
    other at every meeting, and one alone is faster. The slower choice is tried again
    the more rarely the slower it was.
    """

    def __init__(self) -> None:
        """Start with all threads."""
        self._alone = False
        self._warm = False
        self._took_s: float | None = None
        self._until_trial = 1
        self._trials_s: list[float] = []

    @contextmanager
    def threads(self, most: int, amount: float = 1.0) -> Iterator[int]:
        """Give compiled kernels one thread or `most`, and see how long they take.

        Times count for each unit of the amount of work.
        """
        usual, alone = get_num_threads(), self.next_alone()
        count = 1 if alone else most
        set_num_threads(count)
        start_s = time.perf_counter()
        try:
            yield count
        finally:
            set_num_threads(usual)
        if most > 1:
            self.note((time.perf_counter() - start_s) / amount, alone=alone)

    def next_alone(self) -> bool:
        """Tell whether one thread is to do the work next."""
        on_trial = self._took_s is not None and self._until_trial <= 0
        return self._alone != on_trial

    def note(self, seconds: float, *, alone: bool) -> None:
        """Take in what the work took with one thread or with all.

        The first time tells of compilation, and does not count.
        """
        if not self._warm:
            self._warm = True
        elif alone == self._alone:
            self._until_trial -= 1
            usual_s = seconds if self._took_s is None else self._took_s
            self._took_s = usual_s + _SMOOTHING * (seconds - usual_s)
        else:
            self._trials_s.append(seconds)
            if len(self._trials_s) == _TRIALS:
                self._decide(min(self._trials_s))

    def _decide(self, trial_s: float) -> None:
        usual_s = self._took_s or trial_s
        if trial_s < usual_s:
            self._alone, self._took_s = not self._alone, trial_s
        slower = max(trial_s, usual_s) / max(min(trial_s, usual_s), 1e-12)
        self._until_trial = int(min(_RARELY, _OFTEN * slower))
        self._trials_s = []
