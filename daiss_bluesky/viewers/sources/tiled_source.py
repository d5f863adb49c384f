"""Tiled, by push where it pushes and by asking where it does not."""

import asyncio
import logging
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from threading import Thread

from daiss_bluesky.viewers.sources.line import Line
from daiss_bluesky.viewers.sources.lists import ResultsNode, RunsNode
from daiss_bluesky.viewers.sources.nodes import (
    LiveNode,
    ProgressNode,
    ResultNode,
    ViewNode,
)
from daiss_bluesky.viewers.sources.polling import Polling
from daiss_bluesky.viewers.sources.sink import Sink
from daiss_bluesky.viewers.sources.socket import NoStreamError, StreamServer
from daiss_bluesky.viewers.sources.stream import REPLAY_LIMIT_S, Node, Stream
from daiss_bluesky.viewers.sources.tiled_reader import Array, TiledReader

logger = logging.getLogger(__name__)

CLOCK_S = 0.5
ASK_AGAIN_S = 60.0
"""A server that pushed nothing may do so once it was started with another setting."""
_THREADS = 4


class TiledSource:
    """Lists, and the one result that is followed, in threads of its own."""

    def __init__(self, server: StreamServer, reader: TiledReader, sink: Sink) -> None:
        self._server = server
        self._reader = reader
        self._sink = sink
        self._line = Line(sink, "push")
        self._threads = ThreadPoolExecutor(_THREADS, "tiled-read")
        self._polling = Polling(reader, self._threads, sink)
        self._loop = asyncio.new_event_loop()
        self._ended = asyncio.Event()
        self._followed: str | None = None
        self._group: asyncio.TaskGroup | None = None
        self._streams: dict[str, tuple[Stream, asyncio.Task[None]]] = {}
        self._views: dict[str, Array] = {}
        self._thread = Thread(target=self._serve, name="tiled-source", daemon=True)

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    def follow(self, uid: str) -> None:
        """Follow this result from now on, and none before it."""
        self._soon(partial(self._follow, uid))

    def close(self) -> None:
        """End the threads."""
        self._soon(self._ended.set)
        self._thread.join()
        self._threads.shutdown(wait=False, cancel_futures=True)

    def _soon(self, call: Callable[[], object]) -> None:
        if not self._loop.is_closed():
            self._loop.call_soon_threadsafe(call)

    def _serve(self) -> None:
        with asyncio.Runner(loop_factory=lambda: self._loop) as runner:
            runner.run(self._run())

    async def _run(self) -> None:
        working = asyncio.ensure_future(self._work())
        ending = asyncio.ensure_future(self._ended.wait())
        await asyncio.wait({working, ending}, return_when=asyncio.FIRST_COMPLETED)
        for task in (working, ending):
            task.cancel()
        await asyncio.gather(working, ending, return_exceptions=True)
        if working.done() and not working.cancelled():
            working.result()

    async def _work(self) -> None:
        while True:
            try:
                await self._push()
            except* NoStreamError:
                logger.info("%s pushes nothing: it is asked instead", self._server.uri)
            except* Exception as group:  # noqa: BLE001 - nobody else would tell
                self._give_up(group)
            self._streams.clear()
            self._views.clear()
            await self._polling.run(ASK_AGAIN_S)

    def _give_up(self, group: BaseExceptionGroup[Exception]) -> None:
        """Go on without push where answers are not understood."""
        logger.error("Tiled's stream is not understood", exc_info=group)

    async def _push(self) -> None:
        async with asyncio.TaskGroup() as group:
            self._group = group
            self._listen(ResultsNode(self._reader, self._threads, self._sink))
            self._listen(RunsNode(self._reader, self._threads, self._sink))
            if self._followed is not None:
                self._listen_to_result(self._followed)
            await self._watch_the_clock()

    async def _watch_the_clock(self) -> None:
        """Notice that the process was stopped, or the machine asleep, for a while."""
        looked_s = time.monotonic()
        while True:
            await asyncio.sleep(CLOCK_S)
            now_s = time.monotonic()
            if now_s - looked_s > REPLAY_LIMIT_S:
                for stream, _ in self._streams.values():
                    stream.renew()
            looked_s = now_s

    def _listen(self, node: Node) -> None:
        if self._group is None:
            return
        self._drop(node.path)
        stream = Stream(self._server, node, self._line)
        task = self._group.create_task(stream.run(), name=node.path)
        self._streams[node.path] = stream, task

    def _drop(self, path: str) -> None:
        if path in self._streams:
            self._streams.pop(path)[1].cancel()
            self._line.forget(path)

    def _follow(self, uid: str) -> None:
        self._followed = uid
        self._polling.follow(uid)
        self._views.clear()
        for path in [path for path in self._streams if "/" in path]:
            self._drop(path)
        if self._streams:
            self._listen_to_result(uid)

    def _listen_to_result(self, uid: str) -> None:
        parts = (self._reader, self._threads, self._sink)
        self._listen(ResultNode(uid, *parts, partial(self._listen_to_progress, uid)))
        self._listen_to_progress(uid)
        self._listen(LiveNode(uid, *parts, partial(self._listen_to_view, uid)))

    def _listen_to_progress(self, uid: str) -> None:
        """Listen from now on: a table that was made anew has a stream of its own."""
        if uid == self._followed:
            parts = (self._reader, self._threads, self._sink)
            self._listen(ProgressNode(uid, *parts, self._tell_of_news))

    def _tell_of_news(self) -> None:
        for path in self._views:
            if path in self._streams:
                self._streams[path][0].tell_of_news()

    def _listen_to_view(self, uid: str, view: str, known: Array, anew: bool) -> None:
        node = ViewNode(uid, view, known, self._reader, self._threads, self._sink)
        if uid == self._followed and (anew or self._views.get(node.path) != known):
            self._views[node.path] = known
            self._listen(node)
