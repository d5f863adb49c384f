"""Answers requests about reconstructions, and publishes their status, over ZeroMQ.

One thread does all the input and output. What is known already (`status`, `snapshot`)
it answers itself, at once; everything else waits in a small pool, so that nobody who
asks for a slice keeps another from hearing how far the scan is. Binds to loopback.
"""

import hmac
import inspect
import logging
import queue
import threading
import time
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

import zmq

from daiss_bluesky.core.errors import (
    DaissError,
    InputError,
    UnavailableError,
    unknown,
)
from daiss_bluesky.services.control_address import ControlAddress
from daiss_bluesky.services.control_follower import HEARTBEAT_S, HIGH_WATER
from daiss_bluesky.services.control_messages import Request, answer, refusal
from daiss_bluesky.services.epics_environment import LOOPBACK
from daiss_bluesky.services.status_board import StatusBoard

logger = logging.getLogger(__name__)

MAX_MESSAGE_BYTES = 16 * 1024 * 1024
"""A peer that sends more loses its connection; nothing of it is held in memory."""

WORKERS = 4
MAX_WAITING = 32
"""Requests in work at once; the next is told to come again."""

_POLL_MS = 200
_ENVELOPE = 4
"""Parts of a message at most: who asks, what proxies add, and the request."""


@dataclass(frozen=True, slots=True)
class Asked:
    """What a request is about, and who asks."""

    of: str | None
    by: str


@dataclass(frozen=True, slots=True)
class Handler:
    """What does one request; called with Asked and the request's arguments."""

    function: Callable[..., Any]
    changes: bool = False
    """Needs the key."""
    at_once: bool = False
    """Answered by the thread that reads requests: it must not wait for anything."""


class ControlServer:
    """Takes requests on one port and tells status on another."""

    def __init__(
        self,
        address: ControlAddress,
        handlers: Mapping[str, Handler],
        board: StatusBoard | None = None,
    ) -> None:
        """Bind; UnavailableError where a port is taken."""
        self._board = board or StatusBoard()
        self._handlers = {**handlers, **_known_at_once(self._board)}
        self._key = address.key
        self._ended = threading.Event()
        self._answers: queue.SimpleQueue[list[bytes]] = queue.SimpleQueue()
        self._in_work = 0
        self._context = zmq.Context()
        try:
            self._requests = self._bound(zmq.ROUTER, address.requests)
            self._status = self._bound(zmq.PUB, address.status)
        except UnavailableError:
            self._context.destroy(linger=0)
            raise
        self._bell_in = self._context.socket(zmq.PAIR)
        self._bell_in.bind("inproc://answers")
        self._bell_lock = threading.Lock()
        self._bell_out = self._context.socket(zmq.PAIR)
        self._bell_out.connect("inproc://answers")
        self._pool = ThreadPoolExecutor(WORKERS, "control-request")
        self._board.on_change = self._ring
        self._thread = threading.Thread(target=self._serve, name="control", daemon=True)
        self._thread.start()

    def _bound(self, kind: int, port: int) -> Any:
        socket = self._context.socket(kind)
        socket.setsockopt(zmq.LINGER, 0)
        socket.setsockopt(zmq.SNDHWM, HIGH_WATER)
        if kind == zmq.ROUTER:
            socket.setsockopt(zmq.MAXMSGSIZE, MAX_MESSAGE_BYTES)
            socket.setsockopt(zmq.RCVHWM, HIGH_WATER)
        try:
            socket.bind(f"tcp://{LOOPBACK}:{port}")
        except zmq.ZMQError:
            raise UnavailableError(f"port {port} for control is in use") from None
        return socket

    def close(self) -> None:
        """End the thread and free the ports; requests in work are not answered."""
        self._ended.set()
        self._board.on_change = None
        self._ring()
        self._thread.join()
        self._pool.shutdown(wait=False, cancel_futures=True)
        with self._bell_lock:
            self._context.destroy(linger=0)

    def _ring(self) -> None:
        """Wake the thread; from any other."""
        with self._bell_lock, suppress(zmq.Again):  # a bell that is full rings already
            if not self._bell_out.closed:
                self._bell_out.send(b"", zmq.NOBLOCK)

    def _serve(self) -> None:
        poller = zmq.Poller()
        for socket in (self._requests, self._bell_in):
            poller.register(socket, zmq.POLLIN)
        beat_s = 0.0
        while not self._ended.is_set():
            ready = dict(poller.poll(_POLL_MS))
            while self._bell_in.poll(0):
                self._bell_in.recv()
            if self._requests in ready:
                self._take(self._requests.recv_multipart())
            self._send_answers()
            for topic, body in self._board.news():
                self._status.send(topic + b" " + body)
            if time.monotonic() - beat_s > HEARTBEAT_S:
                beat_s = time.monotonic()
                self._status.send(b"heartbeat - " + self._board.heartbeat())

    def _send_answers(self) -> None:
        while not self._answers.empty():
            self._in_work -= 1
            self._requests.send_multipart(self._answers.get())

    def _take(self, parts: list[bytes]) -> None:
        *envelope, body = parts
        if len(parts) > _ENVELOPE:
            envelope, body = parts[:1], b""
        try:
            request, handler = self._read(body)
            if handler.at_once:
                self._requests.send_multipart([*envelope, _done(request, handler)])
                return
            if self._in_work >= MAX_WAITING:
                raise UnavailableError(
                    f"{MAX_WAITING} requests are waiting already; try again"
                )
        except DaissError as error:
            self._requests.send_multipart([*envelope, refusal(error)])
            return
        except Exception:  # one message must not cost all others their answers
            logger.exception("a request could not be read")
            refused = refusal(InputError("this request cannot be read"))
            self._requests.send_multipart([*envelope, refused])
            return
        self._in_work += 1
        self._pool.submit(self._work, envelope, request, handler)

    def _work(self, envelope: list[bytes], request: Request, handler: Handler) -> None:
        self._answers.put([*envelope, _done(request, handler)])
        self._ring()

    def _read(self, body: bytes) -> tuple[Request, Handler]:
        """Check everything that can be checked before the work is begun."""
        request = Request.from_bytes(body)
        handler = self._handlers.get(request.do)
        if handler is None:
            raise unknown("request", request.do, self._handlers)
        if handler.changes and not self._may_change(request):
            what = "a wrong key" if request.key else "no key"
            raise InputError(
                f"{request.do} came with {what}: it is the text of the file control_key"
                " in the state directory"
            )
        try:
            asked = Asked(request.of, request.by)
            inspect.signature(handler.function).bind(asked, **request.arguments)
        except TypeError as error:
            raise InputError(f"{request.do}: {error}") from None
        return request, handler

    def _may_change(self, request: Request) -> bool:
        given = request.key.encode()
        return bool(self._key) and hmac.compare_digest(given, self._key.encode())


def _done(request: Request, handler: Handler) -> bytes:
    try:
        asked = Asked(request.of, request.by)
        return answer(handler.function(asked, **request.arguments))
    except DaissError as error:
        return refusal(error)
    except Exception as error:  # the asker waits for an answer, others for a turn
        logger.exception("the request %s failed", request.do)
        return refusal(UnavailableError(f"internal error: {error!r}"))


def _known_at_once(board: StatusBoard) -> dict[str, Handler]:
    def status(asked: Asked) -> Any:
        return board.status(asked.of).as_dict()

    def snapshot(_asked: Asked) -> Any:
        return board.snapshot()

    return {
        "status": Handler(status, at_once=True),
        "snapshot": Handler(snapshot, at_once=True),
    }
