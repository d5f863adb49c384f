"""What is known of every result, for whoever asks and for those who follow."""

import threading
import time
import uuid
from collections import OrderedDict, deque
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any

from daiss_bluesky.core.errors import InputError, UnavailableError
from daiss_bluesky.core.reconstruction import Progress
from daiss_bluesky.core.results import Final, Result, Update
from daiss_bluesky.core.technique import AnyScan
from daiss_bluesky.core.wire import pack
from daiss_bluesky.services.control_messages import VERSION
from daiss_bluesky.services.result_status import ResultStatus

MAX_RESULTS = 64
"""Known at once; of more, those that ended first are forgotten."""

RATE_OVER_S = 10.0
_FEWEST = 2


@dataclass(slots=True)
class _Entry:
    status: ResultStatus
    arrivals: deque[tuple[float, int]] = field(default_factory=deque)
    """(time, frames received) over the last seconds."""
    most: int = 0
    """Frames ever received: those that are read again do not arrive."""
    is_new: bool = True
    final: Final | None = None

    def rate(self, now_s: float, received: int) -> float | None:
        """Give frames a second over the last seconds; None where it cannot be told."""
        arrivals = self.arrivals
        self.most = max(self.most, received)
        arrivals.append((now_s, self.most))
        while len(arrivals) > _FEWEST and now_s - arrivals[0][0] > RATE_OVER_S:
            arrivals.popleft()
        (first_s, first), (last_s, last) = arrivals[0], arrivals[-1]
        if received < self.most or last <= first or last_s <= first_s:
            return None
        return (last - first) / (last_s - first_s)


class StatusBoard:
    """Newest status of each result, numbered, from any thread.

    What changes twice before it is sent is sent once, as it is then.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._entries: OrderedDict[str, _Entry] = OrderedDict()
        self._sequence = 0
        self._instance = uuid.uuid4().hex
        self.on_change: Callable[[], None] | None = None
        """Called after each change, from the thread that made it."""

    def began(self, uid: str, scan: AnyScan, algorithm: str, message: str = "") -> None:
        """Note a result before its first frame; one that begins again starts over."""
        now_s = time.time()
        status = ResultStatus(
            result_uid=uid,
            raw_uid=scan.run_uid,
            scan_id=scan.scan_id,
            sample=scan.sample,
            technique=scan.technique,
            algorithm=algorithm,
            message=message,
            started_s=now_s,
            time_s=now_s,
            frames_expected=scan.n_frames,
        )
        with self._lock:
            self._entries[uid] = _Entry(status)
            self._entries.move_to_end(uid)
            self._forget_oldest()
        self._tell()

    def updated(self, uid: str, update: Update) -> None:
        """Note how far it is."""
        now_s = time.time()
        self._change(uid, update.progress, time_s=now_s, number=update.number)

    def ended(self, uid: str, final: Final) -> None:
        """Note how it ended; it counts as running until that has been published."""
        message = "the end is being published"
        self._change(uid, final.progress, time_s=time.time(), message=message)
        with self._lock:
            if uid in self._entries:
                # Its pictures and arrays may have to wait long for their server.
                self._entries[uid].final = replace(final, views={}, arrays={})

    def settled(self, uid: str) -> None:
        """Say how it ended: whoever hears that finds it published."""
        with self._lock:
            entry = self._entries.get(uid)
            if entry is None:
                return
            status, message = "failed", "given up"
            if entry.final is not None:
                status, message = entry.final.status, entry.final.message
            entry.status = replace(
                entry.status, status=status, message=message, time_s=time.time()
            )
            entry.final, entry.is_new = None, True
        self._tell()

    def dropped(self, uid: str, message: str) -> None:
        """Say that a result will not be made."""
        self.ended(uid, Final("incomplete", Progress(), message))
        self.settled(uid)

    def status(self, of: str | None = None) -> ResultStatus:
        """Give the status of a run's newest result, or of a result; the newest of all.

        InputError for a uid that is not known, UnavailableError where there is nothing.
        """
        with self._lock:
            known = [one.status for one in self._entries.values()]
        if not known:
            raise UnavailableError("no run is being reconstructed")
        if of is None:
            return known[-1]
        for one in reversed(known):
            if of in {one.result_uid, one.raw_uid}:
                return one
        raise InputError(
            f"no result and no run {of!r} is known to this reconstructor; finished ones"
            " are in Tiled"
        )

    def snapshot(self) -> dict[str, Any]:
        """Give everything, newest first, as of the sequence it names."""
        with self._lock:
            # What has not been sent yet is sent after this, with a higher number.
            results = [one.status.as_dict() for one in self._entries.values()]
            return {
                "instance": self._instance,
                "sequence": self._sequence,
                "results": results[::-1],
            }

    def news(self) -> list[tuple[bytes, bytes]]:
        """Take what has changed since the last call: topics and messages."""
        with self._lock:
            changed = [one for one in self._entries.values() if one.is_new]
            found = []
            for one in changed:
                one.is_new = False
                self._sequence += 1
                message = self._head() | {"result": one.status.as_dict()}
                topic = b"status " + one.status.result_uid.encode()
                found.append((topic, pack(message)))
        return found

    def heartbeat(self) -> bytes:
        """Give the message that says that nothing has changed since."""
        with self._lock:
            return pack(self._head())

    def _head(self) -> dict[str, Any]:
        return {
            "version": VERSION,
            "instance": self._instance,
            "sequence": self._sequence,
            "time_s": time.time(),
        }

    def _change(self, uid: str, progress: Progress, **more: Any) -> None:
        with self._lock:
            entry = self._entries.get(uid)
            if entry is None:
                return
            now_s = float(more["time_s"])
            entry.status = replace(
                entry.status,
                **_shown(progress, now_s),
                frames_per_s=entry.rate(now_s, progress.frames_received),
                **more,
            )
            entry.is_new = True
        self._tell()

    def _forget_oldest(self) -> None:
        ended = [uid for uid, one in self._entries.items() if one.status.ended]
        for uid in ended[: max(0, len(self._entries) - MAX_RESULTS)]:
            del self._entries[uid]

    def _tell(self) -> None:
        on_change = self.on_change
        if on_change is not None:
            on_change()


def _shown(progress: Progress, now_s: float) -> dict[str, Any]:
    newest_s = progress.newest_time_s
    return {
        "frames_expected": progress.frames_expected,
        "frames_received": progress.frames_received,
        "frames_used": progress.frames_used,
        "frames_missing": progress.frames_missing,
        "duplicates": progress.duplicates,
        "coverage": progress.coverage,
        "lag_s": None if newest_s is None else now_s - newest_s,
        "quality": dict(progress.quality),
        "step": progress.step,
        "steps": progress.steps,
        "parameters": dict(progress.parameters),
    }


class BoardPublisher:
    """Publishes a result's updates to the board, like any other publisher."""

    name = "control"

    def __init__(self, board: StatusBoard) -> None:
        self._board = board
        self._uid = ""

    def open(self, result: Result) -> None:
        """Remember which result it is; the board knows it from its beginning."""
        self._uid = result.uid

    def write(self, update: Update) -> None:
        """Show how far it is."""
        self._board.updated(self._uid, update)

    def close(self, final: Final) -> None:
        """Show how it ended."""
        self._board.ended(self._uid, final)
