"""Follows the status of results: a snapshot, then what is newer than it.

Messages that a subscriber is too slow for are lost on the way; whoever finds a gap in
their numbers, or another instance of the reconstructor, takes a new snapshot. Since
each message is the whole status of one result nothing else is needed to be right.
"""

import time
from typing import Any, Self

import zmq

from daiss_bluesky.core.errors import DaissError
from daiss_bluesky.core.wire import unpack
from daiss_bluesky.services.control_address import ControlAddress
from daiss_bluesky.services.control_messages import Request, is_current, result_of
from daiss_bluesky.services.epics_environment import LOOPBACK
from daiss_bluesky.services.result_status import ResultStatus

HEARTBEAT_S = 1.0
AWAY_S = 3.5
"""Without any message for so long the reconstructor counts as away."""

ANSWER_S = 2.0
HIGH_WATER = 100
"""Messages that may wait on either side; of more, the newest are lost."""


class StatusFollower:
    """What is known of all results, kept up to date; use in one thread."""

    def __init__(self, address: ControlAddress) -> None:
        """Subscribe; what is there already comes with the first `read`."""
        self._address = address
        self._context = zmq.Context()
        self._socket = self._context.socket(zmq.SUB)
        self._socket.setsockopt(zmq.LINGER, 0)
        self._socket.setsockopt(zmq.RCVHWM, HIGH_WATER)
        self._socket.setsockopt(zmq.SUBSCRIBE, b"")
        self._socket.connect(f"tcp://{LOOPBACK}:{address.status}")
        self._instance: str | None = None
        self._sequence = -1
        self._heard_s = -AWAY_S
        self.results: dict[str, ResultStatus] = {}
        """By result uid, in the order in which they began."""

    @property
    def connected(self) -> bool:
        """Tell whether the reconstructor has been heard of lately."""
        return time.monotonic() - self._heard_s < AWAY_S

    def read(self, timeout_s: float) -> list[ResultStatus]:
        """Give what is new, each result once; waits at most this long for the first.

        Empty after the timeout, also while the reconstructor is away: no error is
        raised for that, and it is found when it is back.
        """
        changed: dict[str, ResultStatus] = {}
        deadline = time.monotonic() + timeout_s
        while not changed:
            left_s = deadline - time.monotonic()
            if self._instance is None:
                changed |= self._take_snapshot(max(0.0, min(ANSWER_S, left_s)))
                if changed or left_s <= 0:
                    break
            if self._socket.poll(max(0, int(1000 * min(left_s, 0.5)))):
                changed |= self._take_messages()
            elif left_s <= 0:
                break
        return list(changed.values())

    def close(self) -> None:
        """Let go of the sockets."""
        self._context.destroy(linger=0)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _take_messages(self) -> dict[str, ResultStatus]:
        changed: dict[str, ResultStatus] = {}
        while self._socket.poll(0):
            body = self._socket.recv().partition(b" ")[2].partition(b" ")[2]
            message = _message(body)
            if message is None:
                continue
            self._heard_s = time.monotonic()
            if message["instance"] != self._instance or self._has_gap(message):
                self._instance = None
                return changed | self._take_snapshot(ANSWER_S)
            if "result" not in message or message["sequence"] <= self._sequence:
                continue
            self._sequence = message["sequence"]
            status = ResultStatus.from_dict(message["result"])
            # What a snapshot told before it was sent comes once more.
            if status != self.results.get(status.result_uid):
                self.results[status.result_uid] = changed[status.result_uid] = status
        return changed

    def _has_gap(self, message: dict[str, Any]) -> bool:
        # A heartbeat carries the number of the newest status before it.
        following = self._sequence + ("result" in message)
        return bool(message["sequence"] > following)

    def _take_snapshot(self, limit_s: float) -> dict[str, ResultStatus]:
        """Ask for everything; nothing where nobody answers."""
        snapshot = self._ask_snapshot(limit_s)
        if snapshot is None:
            return {}
        self._instance = snapshot["instance"]
        self._sequence = snapshot["sequence"]
        self._heard_s = time.monotonic()
        found = [ResultStatus.from_dict(one) for one in reversed(snapshot["results"])]
        before, self.results = self.results, {one.result_uid: one for one in found}
        return {uid: one for uid, one in self.results.items() if before.get(uid) != one}

    def _ask_snapshot(self, limit_s: float) -> dict[str, Any] | None:
        with self._context.socket(zmq.REQ) as socket:
            socket.setsockopt(zmq.LINGER, 0)
            socket.connect(f"tcp://{LOOPBACK}:{self._address.requests}")
            socket.send(Request("snapshot").to_bytes())
            if not socket.poll(int(1000 * limit_s)):
                return None
            try:
                snapshot: dict[str, Any] = result_of(socket.recv())
            except DaissError:
                return None
            return snapshot


def _message(body: bytes) -> dict[str, Any] | None:
    """Decode a status message; None for one of another version, or damaged."""
    try:
        message = unpack(body)
    except DaissError:
        return None
    if not is_current(message):
        return None
    return message if {"instance", "sequence"} <= message.keys() else None
