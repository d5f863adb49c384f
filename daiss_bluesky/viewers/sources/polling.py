"""Asking Tiled again and again: what is left where nothing is pushed."""

import asyncio
import time
from concurrent.futures import Executor
from typing import Any

from daiss_bluesky.core.errors import InputError, UnavailableError
from daiss_bluesky.core.results import RECON_PATH
from daiss_bluesky.viewers.sources.lists import ResultsNode, RunsNode
from daiss_bluesky.viewers.sources.sink import Sink
from daiss_bluesky.viewers.sources.tiled_reader import Array, TiledReader

POLL_S = 0.5
LISTS_EVERY = 4
"""Looks at the followed result between two at the lists."""
FIRST_RETRY_S, LONGEST_RETRY_S = 0.25, 4.0


class Polling:
    """Reads lists, and the followed result where its progress has grown."""

    def __init__(self, reader: TiledReader, threads: Executor, sink: Sink) -> None:
        self._reader = reader
        self._threads = threads
        self._sink = sink
        self._lists = (
            ResultsNode(reader, threads, sink),
            RunsNode(reader, threads, sink),
        )
        self._followed: str | None = None
        self._shown: tuple[str, float] | None = None

    def follow(self, uid: str) -> None:
        """Read this result from now on."""
        self._followed = uid

    async def run(self, duration_s: float) -> None:
        """Go on for so long."""
        end_s, delay_s, turn = time.monotonic() + duration_s, FIRST_RETRY_S, 0
        while time.monotonic() < end_s:
            try:
                await self._look(turn)
            except UnavailableError as error:
                sentence = f"{error}; reconnecting"
                self._sink.line("reconnecting", "polling", sentence)
                await asyncio.sleep(delay_s)
                delay_s = min(2 * delay_s, LONGEST_RETRY_S)
            except InputError as error:
                self._sink.line("refused", "polling", str(error))
                await asyncio.sleep(LONGEST_RETRY_S)
            except (KeyError, TypeError, ValueError) as error:
                sentence = (
                    f"Tiled at {self._reader.http.uri} answers nonsense: {error!r}"
                )
                self._sink.line("refused", "polling", sentence)
                await asyncio.sleep(LONGEST_RETRY_S)
            else:
                self._sink.line("connected", "polling")
                await asyncio.sleep(POLL_S)
                delay_s, turn = FIRST_RETRY_S, turn + 1

    async def _look(self, turn: int) -> None:
        if turn % LISTS_EVERY == 0:
            for one in self._lists:
                await one.fetch()
        if self._followed is not None:
            loop = asyncio.get_running_loop()
            await loop.run_in_executor(self._threads, self._look_at, self._followed)
        self._sink.heard("polling")

    def _look_at(self, uid: str) -> None:
        path = f"{RECON_PATH}/{uid}"
        try:
            self._sink.result(uid, self._reader.result(uid))
        except InputError as error:
            self._sink.problem(uid, str(error))
            return
        rows: list[dict[str, Any]] = self._reader.table(f"{path}/progress")
        self._sink.rows(uid, rows)
        newest = max(rows, key=lambda row: row["number"], default=None)
        published_s = 0.0 if newest is None else newest["time"]
        if newest is None or self._shown == (uid, published_s):
            return
        views: dict[str, Array] = self._reader.arrays(f"{path}/live")
        for view, known in views.items():
            pixels = self._reader.read(f"{path}/live/{view}", known)
            self._sink.picture(
                uid, view, pixels, published_s, "polling", newest["number"]
            )
        self._sink.arrays(uid, self._reader.arrays(path))
        self._shown = uid, published_s
