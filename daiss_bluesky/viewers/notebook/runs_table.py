"""Runs of the catalog with their results, as a table in a notebook."""

import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from html import escape
from typing import overload

from daiss_bluesky.core.errors import InputError
from daiss_bluesky.publishers.tiled_http import TiledHttp
from daiss_bluesky.viewers.model.catalog import Catalog
from daiss_bluesky.viewers.model.entries import RunEntry
from daiss_bluesky.viewers.model.query import Query
from daiss_bluesky.viewers.notebook.server import ResultServer
from daiss_bluesky.viewers.sources.tiled_reader import (
    PAGE,
    Node,
    TiledReader,
    documents_of,
)

COLUMNS = ("scan", "time", "sample", "plan", "points", "run", "results", "uid")


@dataclass(frozen=True, slots=True)
class RunsTable(Sequence[RunEntry]):
    """Runs, newest first; shows itself as a table."""

    runs: tuple[RunEntry, ...]

    @overload
    def __getitem__(self, which: int) -> RunEntry: ...

    @overload
    def __getitem__(self, which: slice) -> "RunsTable": ...

    def __getitem__(self, which: int | slice) -> "RunEntry | RunsTable":
        """Give one run, or a shorter table."""
        if isinstance(which, slice):
            return RunsTable(self.runs[which])
        return self.runs[which]

    def __len__(self) -> int:
        """Count the runs."""
        return len(self.runs)

    def __iter__(self) -> Iterator[RunEntry]:
        """Go through the runs."""
        return iter(self.runs)

    def __repr__(self) -> str:
        """Draw it in letters."""
        rows = [COLUMNS, *map(_cells, self.runs)]
        widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
        return "\n".join(
            "  ".join(cell.ljust(w) for cell, w in zip(row, widths, strict=True))
            for row in rows
        )

    def _repr_html_(self) -> str:
        head = "".join(f"<th>{name}</th>" for name in COLUMNS)
        body = "".join(
            "<tr>"
            + "".join(f"<td>{escape(cell)}</td>" for cell in _cells(run))
            + "</tr>"
            for run in self.runs
        )
        table = f"<table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>"
        return table if self.runs else "<p>no run is like that</p>"


def _cells(run: RunEntry) -> tuple[str, ...]:
    when = datetime.fromtimestamp(run.time_s, UTC).astimezone()
    results = [f"{one.algorithm} {one.status}" for one in run.results]
    return (
        "" if run.scan_id is None else str(run.scan_id),
        f"{when:%Y-%m-%d %H:%M:%S}",
        run.sample,
        run.plan,
        "" if run.points is None else str(run.points),
        run.status,
        ", ".join(results),
        run.uid,
    )


def runs(
    text: str = "",
    *,
    sample: str | None = None,
    since: str | datetime | timedelta | None = None,
    technique: str | None = None,
    status: str | None = None,
    limit: int = 20,
    uri: str | None = None,
    api_key: str | None = None,
) -> RunsTable:
    """Search the catalog; newest first.

    Args:
        text: Words that must all stand in a run's metadata, and key=value pairs.
        sample: Part of the sample's name.
        since: Runs begun from then on: ISO date or time (local unless it names a zone),
            or how long ago.
        technique: tomography or ptychography.
        status: Of the run or of one of its results: running, complete, abort ...
        limit: Runs at most.
        uri: Of a Tiled server; without it that of `daiss up`.
        api_key: Its key; without it TILED_API_KEY, or that of `daiss up`.
    """
    query = Query.parse(
        text,
        technique=technique,
        status=status,
        since_s=_since_s(since),
        limit=sys.maxsize,
    )
    server = ResultServer.find(uri, api_key)
    http = TiledHttp(server.uri, server.api_key)
    try:
        return RunsTable(
            _search(TiledReader(http), query, (sample or "").lower(), limit)
        )
    finally:
        http.close()


def _search(
    reader: TiledReader, query: Query, sample: str, limit: int
) -> tuple[RunEntry, ...]:
    """Read pages, newest first, until there are enough."""
    catalog = Catalog()
    for uid, found in _pages(reader.results):
        catalog.put_result(uid, found["metadata"])
    offset = 0
    while True:
        page = reader.runs(offset)
        for uid, found in page:
            start, stop = documents_of(found["metadata"])
            if start:
                catalog.put_run(uid, start, stop)
        # Our plans and those of others put the sample under different names.
        runs = [one for one in catalog.runs(query) if sample in one.sample.lower()]
        offset += len(page)
        if len(page) < PAGE or len(runs) >= limit:
            return tuple(runs[:limit])


def _pages(read: Callable[[int], list[Node]]) -> Iterator[Node]:
    offset = 0
    while page := read(offset):
        yield from page
        offset += len(page)
        if len(page) < PAGE:
            return


def _since_s(since: str | datetime | timedelta | None) -> float | None:
    if since is None:
        return None
    if isinstance(since, timedelta):
        return (datetime.now(UTC) - since).timestamp()
    if isinstance(since, str):
        try:
            since = datetime.fromisoformat(since)
        except ValueError:
            raise InputError(
                f"since = {since!r}: an ISO date or time is expected, as 2026-11-26"
            ) from None
    return since.timestamp()
