"""What can go wrong with one stream, on a real socket of this machine."""

import asyncio
import http
from collections.abc import Awaitable, Callable

import pytest
from websockets.asyncio.server import ServerConnection, serve
from websockets.http11 import Request, Response

from daiss_bluesky.core.errors import DaissError, InputError, UnavailableError
from daiss_bluesky.services.epics_environment import LOOPBACK, free_ports
from daiss_bluesky.viewers.sources.socket import (
    MessageTooBigError,
    NoStreamError,
    NotThereError,
    StreamServer,
)

Handler = Callable[[ServerConnection], Awaitable[None]]


async def _send(connection: ServerConnection) -> None:
    await connection.send(b"x" * 2000)
    await connection.wait_closed()


async def _leave(connection: ServerConnection) -> None:
    connection.transport.abort()


async def _ask(status: int, handler: Handler, seen: list[Request]) -> bytes | str:
    """Open a stream on a server that answers so, and receive one message."""

    def answer(connection: ServerConnection, request: Request) -> Response | None:
        seen.append(request)
        if status == http.HTTPStatus.SWITCHING_PROTOCOLS:
            return None
        return connection.respond(http.HTTPStatus(status), "no")

    async with serve(handler, LOOPBACK, 0, process_request=answer) as server:
        port = next(iter(server.sockets)).getsockname()[1]
        place = StreamServer(f"http://{LOOPBACK}:{port}", "the key", 1000)
        async with place.open("recon/one", 7) as connection:
            return await connection.recv()


@pytest.mark.parametrize(
    ("status", "handler", "kind", "sentence"),
    [
        (401, _send, InputError, "refuses the API key"),
        (403, _send, InputError, "refuses the API key"),
        (404, _send, NotThereError, "has no recon/one"),
        (500, _send, NoStreamError, "pushes nothing"),
        (101, _send, MessageTooBigError, "above the limit of 0.001 MB"),
        (101, _leave, UnavailableError, "went away"),
    ],
)
def test_errors_are_ours(
    status: int, handler: Handler, kind: type[DaissError], sentence: str
) -> None:
    seen: list[Request] = []
    with pytest.raises(kind, match=sentence):
        asyncio.run(_ask(status, handler, seen))
    [request] = seen
    assert request.headers["Authorization"] == "Apikey the key"
    assert "the+key" not in request.path
    assert request.path.endswith("/recon/one?envelope_format=msgpack&start=7")
    assert "Sec-WebSocket-Extensions" not in request.headers, "nothing is deflated"


def test_nobody_there() -> None:
    [port] = free_ports(1)

    async def ask() -> None:
        async with StreamServer(f"http://{LOOPBACK}:{port}", "key").open("recon"):
            pass

    with pytest.raises(UnavailableError, match="does not answer"):
        asyncio.run(ask())
