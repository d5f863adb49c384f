"""Asking Tiled again and again: what is left where nothing can be pushed."""

import asyncio
import time
from typing import Any

from daiss_bluesky.core.errors import InputError, UnavailableError
from daiss_bluesky.core.results import RECON_PATH
from daiss_bluesky.viewers.sources.sink import Sink
from daiss_bluesky.viewers.sources.tiled_reader import Array, TiledReader

POLL_S = 0.5
NEWEST = 20
LOOK_BACK = 500
FIRST_RETRY_S, LONGEST_RETRY_S = 0.25, 4.0


class Polling:
    """Reads lists, and the followed result where its progress has grown."""

    def __init__(self, reader: TiledReader, sink: Sink) -> None:
        self._reader = reader
        self._sink = sink
        self._followed: str | None = None
        self._shown: tuple[str, int] | None = None
        self._views: dict[str, Array] = {}
        self._stopped = False

    def follow(self, uid: str) -> None:
        """Read this result from now on."""
        self._followed = uid

    def stop(self) -> None:
        """End `run`."""
        self._stopped = True

    async def run(self) -> None:
        """Go on until stopped."""
        delay_s, n = FIRST_RETRY_S, LOOK_BACK
        while not self._stopped:
            try:
                await asyncio.to_thread(self._look, n)
            except UnavailableError as error:
                self._sink.line("reconnecting", "polling", f"{error}; trying again")
                await asyncio.sleep(delay_s)
                delay_s = min(2 * delay_s, LONGEST_RETRY_S)
            except InputError as error:
                self._sink.line("refused", "polling", str(error))
                await asyncio.sleep(LONGEST_RETRY_S)
            else:
                self._sink.line("connected", "polling")
                await asyncio.sleep(POLL_S)
                delay_s, n = FIRST_RETRY_S, NEWEST

    def _look(self, n: int) -> None:
        for uid, start, stop in self._reader.runs(limit=min(n, 100)):
            self._sink.run(uid, start, stop)
        for uid, found in self._reader.results(limit=min(n, 100)):
            self._sink.result(uid, found["metadata"])
        if self._followed is not None:
            self._look_at(self._followed)
        self._sink.heard("polling")

    def _look_at(self, uid: str) -> None:
        try:
            self._sink.result(uid, self._reader.result(uid))
        except InputError as error:
            self._sink.problem(uid, str(error))
            return
        rows: list[dict[str, Any]] = self._reader.table(f"{RECON_PATH}/{uid}/progress")
        self._sink.rows(uid, rows)
        newest = max((row["number"] for row in rows), default=0)
        if self._shown == (uid, newest):
            return
        self._views = self._reader.arrays(f"{RECON_PATH}/{uid}/live")
        for view, known in self._views.items():
            pixels = self._reader.read(f"{RECON_PATH}/{uid}/live/{view}", known)
            self._sink.picture(uid, view, pixels, time.time(), "polling", newest)
        self._sink.arrays(uid, list(self._reader.arrays(f"{RECON_PATH}/{uid}")))
        self._shown = (uid, newest)
