"""Questions to a running reconstruction and wishes to it, over ZeroMQ.

A request is a msgpack map: `version`, `do`, and arguments. The answer is a map with
`version` and either `result` or `error`, one sentence. Binds to loopback.

| do | arguments | result |
|---|---|---|
| `status` | | run, frames, coverage, parameters in force |
| `slices` | z, y, x | slice_xy, slice_xz, slice_yz: float32 arrays |
| `plane` | middle, down, across (z, y, x), shape | a float32 array |
| `look` | z, y, x | moves the live views there |
| `center` | center_px, or null to find it again | the reconstruction starts over |
| `update` | update_object, update_probe, refine_positions: true, false, null | |
"""

import inspect
import logging
import threading
from collections.abc import Callable, Mapping
from typing import Any

import zmq

from daiss_bluesky.core.errors import DaissError, InputError, UnavailableError, unknown
from daiss_bluesky.core.wire import pack, unpack
from daiss_bluesky.services.epics_environment import LOOPBACK

logger = logging.getLogger(__name__)

VERSION = 1
ANSWER_TIMEOUT_S = 30.0
_POLL_MS = 200

Handler = Callable[..., Any]


class ControlServer:
    """Answers one request after the other in a thread of its own."""

    def __init__(self, port: int, handlers: Mapping[str, Handler]) -> None:
        """Bind; UnavailableError where the port is taken."""
        self._handlers = handlers
        self._ended = threading.Event()
        self._context = zmq.Context()
        self._socket = self._context.socket(zmq.REP)
        self._socket.setsockopt(zmq.LINGER, 0)
        try:
            self._socket.bind(f"tcp://{LOOPBACK}:{port}")
        except zmq.ZMQError:
            self._context.destroy(linger=0)
            raise UnavailableError(f"port {port} for control is in use") from None
        self._thread = threading.Thread(target=self._serve, name="control", daemon=True)
        self._thread.start()

    def close(self) -> None:
        """End the thread and free the port."""
        self._ended.set()
        self._thread.join()
        self._context.destroy(linger=0)

    def _serve(self) -> None:
        while not self._ended.is_set():
            if self._socket.poll(_POLL_MS):
                self._socket.send(pack(self._answer(self._socket.recv())))

    def _answer(self, data: bytes) -> dict[str, Any]:
        try:
            return {"version": VERSION, "result": self._do(unpack(data))}
        except DaissError as error:
            return {"version": VERSION, "error": str(error)}
        except Exception as error:  # the asker waits for an answer, others for a turn
            logger.exception("a request failed")
            return {"version": VERSION, "error": f"internal error: {error!r}"}

    def _do(self, request: Any) -> Any:
        if not isinstance(request, dict) or request.get("version") != VERSION:
            raise InputError(f"a map with version {VERSION} is expected")
        arguments = {k: v for k, v in request.items() if k not in {"version", "do"}}
        name = str(request.get("do"))
        if name not in self._handlers:
            raise unknown("request", name, self._handlers)
        handler = self._handlers[name]
        try:
            inspect.signature(handler).bind(**arguments)
        except TypeError as error:
            raise InputError(f"{name}: {error}") from None
        return handler(**arguments)


def ask(port: int, do: str, **arguments: Any) -> Any:
    """Send one request; InputError for a refusal, UnavailableError for silence."""
    context = zmq.Context()
    try:
        socket = context.socket(zmq.REQ)
        socket.setsockopt(zmq.LINGER, 0)
        socket.connect(f"tcp://{LOOPBACK}:{port}")
        socket.send(pack({"version": VERSION, "do": do, **arguments}))
        if not socket.poll(int(1000 * ANSWER_TIMEOUT_S)):
            raise UnavailableError(
                f"the reconstructor does not answer at port {port}: daiss status"
            )
        answer = unpack(socket.recv())
    finally:
        context.destroy(linger=0)
    if "error" in answer:
        raise InputError(answer["error"])
    return answer["result"]
