"""How far a scan is, from its documents alone."""

from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from daiss_bluesky.core.errors import InputError
from daiss_bluesky.core.frames import FrameKind
from daiss_bluesky.core.scan import Scan

WINDOW = 40
"""Arrivals from which the pace is taken."""
FEWEST = 3
"""Arrivals without which no pace is claimed."""


@dataclass(slots=True)
class ScanProgress:
    """Frames by kind, and the pace of the kind that is being taken."""

    scan: Scan | None = None
    done: dict[FrameKind, int] = field(default_factory=dict)
    kind: FrameKind | None = None
    """Of the newest frame."""
    exit_status: str | None = None
    _streams: dict[str, str] = field(default_factory=dict)
    _image_resources: set[str] = field(default_factory=set)
    _arrivals: deque[tuple[float, int]] = field(
        default_factory=lambda: deque(maxlen=WINDOW)
    )

    def see(self, name: str, doc: Mapping[str, Any], now_s: float) -> None:
        """Take a document in."""
        if name == "start":
            self._start(doc)
        elif self.scan is None:
            return
        elif name == "descriptor":
            self._streams[doc["uid"]] = doc["name"]
        elif name == "event":
            self._count(doc["descriptor"], 1, now_s)
        elif name == "stream_resource":
            if self.scan.image_key in {None, doc["data_key"]}:
                self._image_resources.add(doc["uid"])
        elif name == "stream_datum":
            if doc["stream_resource"] in self._image_resources:
                n = doc["indices"]["stop"] - doc["indices"]["start"]
                self._count(doc["descriptor"], n, now_s)
        elif name == "stop":
            self.exit_status = doc["exit_status"]

    def _start(self, doc: Mapping[str, Any]) -> None:
        try:
            self.scan = Scan.from_start(doc)
        except InputError:
            self.scan = None  # a plan of the user's own; nothing to show of it
        self.done, self.kind, self.exit_status = {}, None, None
        self._streams.clear()
        self._image_resources.clear()
        self._arrivals.clear()

    def _count(self, descriptor: str, n: int, now_s: float) -> None:
        stream = self._streams.get(descriptor, "")
        kind = self.scan.streams.get(stream) if self.scan else None
        if kind is None:
            return
        if kind != self.kind:
            self.kind = kind
            self._arrivals.clear()
        self.done[kind] = self.done.get(kind, 0) + n
        self._arrivals.append((now_s, self.done[kind]))

    def expected(self, kind: FrameKind) -> int | None:
        """Frames of a kind that the plan means to take."""
        return self.scan.counts.get(kind) if self.scan else None

    @property
    def frames_per_s(self) -> float | None:
        """Pace of the newest frames; None before there is one."""
        if len(self._arrivals) < FEWEST:
            return None
        (first_s, first), (last_s, last) = self._arrivals[0], self._arrivals[-1]
        return (last - first) / (last_s - first_s) if last_s > first_s else None

    def eta_s(self, now_s: float) -> float | None:
        """Tell when the projections will be in; None while there is nothing to go by.

        Grows while nothing arrives: a scan that hangs does not promise its end.
        """
        pace, expected = self.frames_per_s, self.expected("projection")
        if pace is None or expected is None or self.kind != "projection":
            return None
        left = expected - self.done.get("projection", 0)
        silence_s = now_s - self._arrivals[-1][0]
        return left / pace + max(0.0, silence_s - 1 / pace) if left > 0 else 0.0
