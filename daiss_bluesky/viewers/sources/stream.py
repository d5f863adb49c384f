"""A node's stream for as long as it is wanted: it comes back, and misses nothing."""

import asyncio
import logging
import time
from typing import Any, Protocol

from websockets.asyncio.client import ClientConnection

from daiss_bluesky.core.errors import DaissError, InputError, UnavailableError
from daiss_bluesky.publishers.tiled_http import MissingError
from daiss_bluesky.viewers.sources.line import Line
from daiss_bluesky.viewers.sources.socket import (
    Message,
    MessageTooBigError,
    NotThereError,
    StreamServer,
    decode,
)

logger = logging.getLogger(__name__)

FIRST_RETRY_S, LONGEST_RETRY_S = 0.1, 2.0
ABSENT_RETRY_S = 1.0
REFUSED_RETRY_S = 5.0
REPLAY_LIMIT_S = 10.0
"""After a longer absence only the present state is fetched: sending all of what came
meanwhile would cost the server, and so everybody else, more than it is worth."""


class Node(Protocol):
    """What listens to one stream."""

    path: str

    async def fetch(self) -> Any:
        """Read the present state by request."""
        ...

    def present(self, state: Any) -> None:
        """Take what was fetched; messages may have come since it was asked for."""
        ...

    def message(self, message: Message) -> None:
        """Take a message, each once and in order."""
        ...

    def absent(self) -> None:
        """Hear that there is no such node, as yet or any more."""
        ...


class Stream:
    """Hands a node its messages; the newest state is fetched at each connection."""

    def __init__(self, server: StreamServer, node: Node, line: Line) -> None:
        self._server = server
        self._node = node
        self._line = line
        self._connection: ClientConnection | None = None
        self._sequence: int | None = None
        self._newest = ""
        self._listened_s = float("-inf")
        self._delay_s = FIRST_RETRY_S
        self._too_big = False
        self._news = asyncio.Event()

    def renew(self) -> None:
        """Connect anew and fetch the present state, without what came meanwhile."""
        self._sequence = None
        self.tell_of_news()
        if self._connection is not None:
            self._connection.transport.abort()

    def tell_of_news(self) -> None:
        """Have the present state fetched, where messages are too large to be pushed."""
        self._news.set()

    async def run(self) -> None:
        """Listen until cancelled; NoStreamError where nothing is pushed."""
        path = self._node.path
        try:
            while True:
                await asyncio.sleep(await self._try_once(path))
        finally:
            self._line.forget(path)

    async def _try_once(self, path: str) -> float:
        """Listen once; gives the time to wait before the next try."""
        try:
            await (self._ask(path) if self._too_big else self._listen(path))
        except (NotThereError, MissingError):
            self._line.up(path)
            self._node.absent()
            return ABSENT_RETRY_S
        except MessageTooBigError as error:
            self._line.note(path, f"{error}: they are asked for.")
            self._too_big = True
        except InputError as error:
            self._line.refused(str(error))
            return REFUSED_RETRY_S
        except UnavailableError as error:
            self._line.down(path, str(error))
            delay_s, self._delay_s = self._delay_s, 2 * self._delay_s
            return min(delay_s, LONGEST_RETRY_S)
        return FIRST_RETRY_S

    async def _ask(self, path: str) -> None:
        """Fetch the state now and whenever there is news."""
        while True:
            await self._fetch()
            self._delay_s = FIRST_RETRY_S
            self._line.up(path)
            await self._news.wait()
            self._news.clear()

    async def _listen(self, path: str) -> None:
        away_s = time.monotonic() - self._listened_s
        start = None
        if self._sequence is not None and away_s < REPLAY_LIMIT_S:
            start = self._sequence + 1
        async with self._server.open(path, start) as connection:
            decode(await connection.recv())  # the schema
            self._connection, self._delay_s = connection, FIRST_RETRY_S
            self._line.up(path)
            try:
                await self._receive(connection)
            finally:
                self._connection = None
                self._listened_s = time.monotonic()

    async def _receive(self, connection: ClientConnection) -> None:
        fetching: asyncio.Future[Any] | None = asyncio.ensure_future(self._fetch())
        receiving: asyncio.Future[Any] | None = None
        try:
            while True:
                receiving = receiving or asyncio.ensure_future(connection.recv())
                waiting = {receiving} if fetching is None else {receiving, fetching}
                done, _ = await asyncio.wait(
                    waiting, return_when=asyncio.FIRST_COMPLETED
                )
                if receiving in done:
                    self._take(receiving.result())
                    receiving = None
                if fetching is not None and fetching in done:
                    fetching.result()
                    fetching = None
        finally:
            left = [task for task in (fetching, receiving) if task is not None]
            for task in left:
                task.cancel()
            await asyncio.gather(*left, return_exceptions=True)

    async def _fetch(self) -> None:
        try:
            self._node.present(await self._node.fetch())
        except InputError as error:
            # It changed while it was read; the next message says what it is now.
            logger.warning("%s could not be read: %s", self._node.path, error)

    def _take(self, data: bytes | str) -> None:
        try:
            message = decode(data)
            if self._is_new(message):
                self._node.message(message)
        except (DaissError, KeyError, TypeError, ValueError) as error:
            logger.warning("%s: a message is left out: %s", self._node.path, error)

    def _is_new(self, message: Message) -> bool:
        """Leave out repeats; a server that was started again counts from 1 again."""
        sequence, stamp = int(message["sequence"]), str(message.get("timestamp"))
        old = self._sequence is not None and sequence <= self._sequence
        if old and stamp <= self._newest:
            return False
        self._sequence, self._newest = sequence, stamp
        return True
