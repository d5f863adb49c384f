"""How many frames of a run were announced, found, repeated, and are missing."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping

from daiss_bluesky.core.frames import FrameKind
from daiss_bluesky.core.technique import AnyScan
from daiss_callbacks.stream_view import StreamView


class FrameCount:
    """Counts by event, so that the order of documents makes no difference."""

    def __init__(self, scan: AnyScan) -> None:
        """Begin a run."""
        self.duplicates = 0
        self.received: Counter[FrameKind] = Counter()
        self._scan = scan
        self._announced: defaultdict[str, set[int]] = defaultdict(set)

    def announce(self, stream: str, seq_num: int) -> bool:
        """Take the announcement of an event's frames; False if it is a repeat."""
        if seq_num in self._announced[stream]:
            self.duplicates += 1
            return False
        self._announced[stream].add(seq_num)
        return True

    def expected(
        self, views: Iterable[StreamView], num_events: Mapping[str, int]
    ) -> dict[FrameKind, int]:
        """Count the frames to come by kind: the plan's number, or the run's if more."""
        expected: Counter[FrameKind] = Counter()
        per_event = {view.stream: view.frames_per_event for view in views}
        for stream, n in num_events.items():
            kind = self._scan.streams.get(stream)
            if kind is not None:
                expected[kind] += n * per_event.get(stream, 1)
        expected |= Counter(self._scan.counts)
        expected |= Counter({self._scan.sample_kind: self._scan.n_frames or 0})
        return dict(expected)
