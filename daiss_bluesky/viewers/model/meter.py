"""How often something comes."""

import time
from collections import deque

OVER_S = 5.0


class Meter:
    """Counts arrivals of the last few seconds; for one thread at a time."""

    def __init__(self) -> None:
        self._arrivals_s: deque[float] = deque(maxlen=1000)

    def count(self) -> None:
        """Take note of one."""
        self._arrivals_s.append(time.monotonic())

    def per_s(self) -> float:
        """Give the rate."""
        since_s = time.monotonic() - OVER_S
        return sum(at_s > since_s for at_s in self._arrivals_s) / OVER_S
