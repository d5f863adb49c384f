"""What is listened to of the catalog: its lists of runs and of results."""

from collections.abc import Mapping
from concurrent.futures import Executor
from functools import partial
from typing import Any

from daiss_bluesky.core.errors import InputError
from daiss_bluesky.core.results import RAW_PATH, RECON_PATH
from daiss_bluesky.viewers.sources.nodes import NodeBase
from daiss_bluesky.viewers.sources.sink import Sink
from daiss_bluesky.viewers.sources.socket import Message
from daiss_bluesky.viewers.sources.tiled_reader import (
    PAGE,
    Node,
    TiledReader,
    check_result,
    documents_of,
)

LOOK_BACK = 500
"""Runs and results read at the start; later ones come by themselves."""
NEWEST = 50


class ListNode(NodeBase):
    """A list, read page by page, the newest first."""

    def __init__(self, reader: TiledReader, threads: Executor, sink: Sink) -> None:
        super().__init__(reader, threads, sink)
        self._wanted = LOOK_BACK

    async def fetch(self) -> None:
        """Read the newest, many only the first time, and hand them on."""
        n = min(PAGE, self._wanted)
        for offset in range(0, self._wanted, n):
            page = await self._ask(partial(self.read, offset, n))
            for uid, found in page:
                self.hand_on(uid, found)
            if len(page) < n:
                break
        self._wanted = NEWEST

    def present(self, state: Any) -> None:
        """Leave it at that: all was handed on as it came."""

    def read(self, offset: int, n: int) -> list[Node]:
        """Read one page."""
        raise NotImplementedError

    def hand_on(self, uid: str, found: Mapping[str, Any]) -> None:
        """Hand on one of the list."""
        raise NotImplementedError


class RunsNode(ListNode):
    """The list of runs."""

    path = RAW_PATH

    def read(self, offset: int, n: int) -> list[Node]:
        """Read one page."""
        return self._reader.runs(offset, n)

    def hand_on(self, uid: str, found: Mapping[str, Any]) -> None:
        """Hand on one run."""
        start, stop = documents_of(found.get("metadata") or {})
        if start:
            self._sink.run(uid, start, stop)

    def message(self, message: Message) -> None:
        """Take a new run, or the stop document of one."""
        self._sink.heard("push")
        self.hand_on(message["key"], message)


class ResultsNode(ListNode):
    """The list of results."""

    path = RECON_PATH

    def __init__(self, reader: TiledReader, threads: Executor, sink: Sink) -> None:
        super().__init__(reader, threads, sink)
        self._refused: set[str] = set()

    def read(self, offset: int, n: int) -> list[Node]:
        """Read one page."""
        return self._reader.results(offset, n)

    def hand_on(self, uid: str, found: Mapping[str, Any]) -> None:
        """Hand on one result that can be shown."""
        try:
            metadata = check_result(uid, found)
        except InputError as error:
            self._refused.add(uid)
            self._sink.problem(uid, str(error))
        else:
            self._sink.result(uid, metadata)

    def message(self, message: Message) -> None:
        """Take a new result, or a change of its metadata."""
        self._sink.heard("push")
        uid = message["key"]
        if message["type"] == "container-child-created":
            self.hand_on(uid, message)
        elif uid not in self._refused:
            # Such a message names no specs where they did not change.
            self._sink.result(uid, message["metadata"])
