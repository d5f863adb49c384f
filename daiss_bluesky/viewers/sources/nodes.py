"""What is listened to of a result: itself, its views, its progress."""

import asyncio
import time
from collections.abc import Callable
from concurrent.futures import Executor
from datetime import datetime
from typing import Any, TypeVar

from numpy.typing import NDArray

from daiss_bluesky.core.errors import InputError
from daiss_bluesky.core.results import RECON_PATH
from daiss_bluesky.viewers.sources.sink import Sink
from daiss_bluesky.viewers.sources.socket import Message
from daiss_bluesky.viewers.sources.tiled_reader import (
    Array,
    TiledReader,
    array_of,
    pixels_of,
    rows_of,
)

SKEW_S = 300.0
PROGRESS = "progress"
CHILD_CREATED = "container-child-created"

Found = TypeVar("Found")


class NodeBase:
    """Reads in threads, since requests wait."""

    path = ""

    def __init__(self, reader: TiledReader, threads: Executor, sink: Sink) -> None:
        self._reader = reader
        self._threads = threads
        self._sink = sink

    async def _ask(self, question: Callable[[], Found]) -> Found:
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self._threads, question)

    def absent(self) -> None:
        """Hear that there is no such node; most come in time."""


class ResultNode(NodeBase):
    """A result: its metadata, and the final arrays it has by now."""

    def __init__(
        self,
        uid: str,
        reader: TiledReader,
        threads: Executor,
        sink: Sink,
        begun: Callable[[], None],
    ) -> None:
        """`begun` is called when its progress begins, also when it begins anew."""
        super().__init__(reader, threads, sink)
        self.uid = uid
        self.path = f"{RECON_PATH}/{uid}"
        self._begun = begun
        self._arrays: dict[str, Array] = {}

    async def fetch(self) -> Any:
        """Read both."""
        try:
            metadata = await self._ask(lambda: self._reader.result(self.uid))
        except InputError as error:
            self._sink.problem(self.uid, str(error))
            return {}
        self._sink.result(self.uid, metadata)
        return await self._ask(lambda: self._reader.arrays(self.path))

    def present(self, state: Any) -> None:
        """Hand on the arrays there are."""
        self._arrays |= state
        self._sink.arrays(self.uid, self._arrays)

    def message(self, message: Message) -> None:
        """Take a new array, or a table of progress in place of the one before."""
        self._sink.heard("push")
        if message["type"] == CHILD_CREATED and message["key"] == PROGRESS:
            self._begun()
        if created := _created_array(message):
            self._arrays |= created
            self._sink.arrays(self.uid, self._arrays)

    def absent(self) -> None:
        """Say that there is no such result."""
        self._sink.problem(self.uid, f"there is no result {self.uid!r} in the catalog")


class LiveNode(NodeBase):
    """The views of a result; each has a stream of its own."""

    def __init__(
        self,
        uid: str,
        reader: TiledReader,
        threads: Executor,
        sink: Sink,
        listen: Callable[[str, Array, bool], None],
    ) -> None:
        """`listen` is told of each view, and whether it was made just now."""
        super().__init__(reader, threads, sink)
        self.path = f"{RECON_PATH}/{uid}/live"
        self._listen = listen

    async def fetch(self) -> Any:
        """Read which views there are."""
        return await self._ask(lambda: self._reader.arrays(self.path))

    def present(self, state: Any) -> None:
        """Tell of each."""
        for view, known in state.items():
            self._listen(view, known, False)

    def message(self, message: Message) -> None:
        """Take a new view, or one that has another shape from now on."""
        self._sink.heard("push")
        for view, known in _created_array(message).items():
            self._listen(view, known, True)


class ViewNode(NodeBase):
    """One view."""

    def __init__(
        self,
        uid: str,
        view: str,
        known: Array,
        reader: TiledReader,
        threads: Executor,
        sink: Sink,
    ) -> None:
        super().__init__(reader, threads, sink)
        self.uid = uid
        self.view = view
        self.path = f"{RECON_PATH}/{uid}/live/{view}"
        self._known = known
        self._overtaken = False

    async def fetch(self) -> Any:
        """Read the picture that is there."""
        self._overtaken = False
        return await self._ask(lambda: self._reader.read(self.path, self._known))

    def present(self, state: Any) -> None:
        """Show it, unless a newer one has come already or none was ever written."""
        if not self._overtaken and state.any():
            self._show(state, None)

    def message(self, message: Message) -> None:
        """Show the next one."""
        self._sink.heard("push")
        shape = tuple(message.get("shape") or ())
        # A node's number in the catalog may have been another node's, whose messages
        # are then replayed here.
        if message["type"] != "array-data" or shape != self._known.shape:
            return
        pixels = pixels_of(message["payload"], self._known.dtype, shape, self.path)
        self._overtaken = True
        self._show(pixels, _unix_s(message["timestamp"]))

    def _show(self, pixels: NDArray[Any], published_s: float | None) -> None:
        self._sink.picture(self.uid, self.view, pixels, published_s, "push")


class ProgressNode(NodeBase):
    """The progress table of a result."""

    def __init__(
        self,
        uid: str,
        reader: TiledReader,
        threads: Executor,
        sink: Sink,
        grown: Callable[[], None],
    ) -> None:
        """`grown` is called with each row: the views it speaks of are there."""
        super().__init__(reader, threads, sink)
        self.uid = uid
        self.path = f"{RECON_PATH}/{uid}/{PROGRESS}"
        self._grown = grown

    async def fetch(self) -> Any:
        """Read all rows."""
        return await self._ask(lambda: self._reader.table(self.path))

    def present(self, state: Any) -> None:
        """Hand them on; repeats are harmless."""
        self._sink.rows(self.uid, state)
        self._grown()

    def message(self, message: Message) -> None:
        """Hand on new rows."""
        self._sink.heard("push")
        if message["type"] == "table-data":
            self._sink.rows(self.uid, rows_of(message["payload"]))
            self._grown()


def _created_array(message: Message) -> dict[str, Array]:
    created = message["type"] == CHILD_CREATED
    if not created or message["structure_family"] != "array":
        return {}
    return {message["key"]: array_of(message["data_sources"][0]["structure"])}


def _unix_s(stamp: str) -> float:
    """Read a server's local time; of one whose clock is not ours, give our time."""
    now_s = time.time()
    found_s = datetime.fromisoformat(stamp).timestamp()
    return found_s if 0 <= now_s - found_s < SKEW_S else now_s
