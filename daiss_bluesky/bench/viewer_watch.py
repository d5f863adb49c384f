"""A stand-in for a window: it takes pictures, and looks how old they are."""

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from threading import Event, Thread
from typing import Any

import numpy as np
import psutil

from daiss_bluesky.core.errors import UnavailableError
from daiss_bluesky.viewers.model.picture import Picture

WINDOW_S = 0.04
"""As a timer of 25 Hz looks."""

Take = Callable[[], Mapping[str, Picture]]


@dataclass(slots=True)
class Watch:
    """What a stand-in for a window saw."""

    take: Take
    taken: list[tuple[str, float, float, float]] = field(default_factory=list)
    """View, first pixel, when published and when taken (Unix s)."""
    resident_bytes: list[int] = field(default_factory=list)
    most_waiting: int = 0
    _ended: Event = field(default_factory=Event)

    @contextmanager
    def watching(self) -> Iterator[None]:
        """Look until the end of the block."""
        thread = Thread(target=self._look, name="stand-in-window")
        thread.start()
        try:
            yield
        finally:
            self._ended.set()
            thread.join()

    def _look(self) -> None:
        process = psutil.Process()
        while not self._ended.wait(WINDOW_S):
            pictures, now_s = self.take(), time.time()
            self.most_waiting = max(self.most_waiting, len(pictures))
            for view, one in pictures.items():
                first = float(one.pixels[0, 0])
                self.taken.append((view, first, one.published_s, now_s))
            self.resident_bytes.append(process.memory_info().rss)

    def figures(self, ages_s: Sequence[float], published: int) -> dict[str, Any]:
        """Sum up; memory is compared between the second and the last third."""
        third = len(self.resident_bytes) // 3
        middle = max(self.resident_bytes[third : 2 * third])
        growth_bytes = max(self.resident_bytes[2 * third :]) - middle
        return age_figures(ages_s, published) | {
            "most_waiting": self.most_waiting,
            "resident_mb": self.resident_bytes[-1] / 1e6,
            "growth_mb": growth_bytes / 1e6,
        }


def age_figures(ages_s: Sequence[float], published: int) -> dict[str, Any]:
    """Sum up ages of pictures; UnavailableError where there are none."""
    if not ages_s:
        raise UnavailableError("no picture came through; is the machine too busy?")
    return {
        "published": published,
        "taken": len(ages_s),
        "age_p50_ms": 1e3 * float(np.percentile(ages_s, 50)),
        "age_p95_ms": 1e3 * float(np.percentile(ages_s, 95)),
        "age_max_ms": 1e3 * max(ages_s),
    }
