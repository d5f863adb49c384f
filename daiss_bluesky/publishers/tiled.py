"""Results in Tiled: /recon/<uid> with live views, a progress table and final arrays."""

import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any
from weakref import ref

import numpy as np
from numpy.typing import NDArray

from daiss_bluesky.core.errors import InputError
from daiss_bluesky.core.reconstruction import Arrays, Progress
from daiss_bluesky.core.results import (
    RECON_PATH,
    SPEC_NAME,
    SPEC_VERSION,
    Final,
    Result,
    Update,
)
from daiss_bluesky.publishers.progress_table import (
    SCHEMA,
    progress_row,
    schema_bytes,
)
from daiss_bluesky.publishers.provenance import (
    describe,
    describe_end,
    describe_progress,
)
from daiss_bluesky.publishers.tiled_http import (
    Json,
    MissingError,
    TiledHttp,
    array_source,
    registered_zarr_source,
    table_source,
)
from daiss_bluesky.publishers.timing import Timing
from daiss_bluesky.publishers.zarr_folder import write_zarr

METADATA_EVERY = 4
"""Updates between two changes of the metadata; the table has every one."""
AT_ONCE = 4
"""Views that an update writes all of; of more, FOREMOST and one other in turn.

Each costs the server 20 ms and more, which a viewer of the first would wait for.
"""
FOREMOST = 2

_PARALLEL = 4


class TiledPublisher:
    """Writes one result at a time; UnavailableError when the server is away.

    Every call may be repeated after an error. Final arrays are written to
    `results_dir`, which the server must be allowed to read, and registered. The
    connections are the caller's, for all publishers of one server.
    """

    name = "tiled"

    def __init__(self, http: TiledHttp, results_dir: Path) -> None:
        self._http = http
        self._results_dir = results_dir.absolute()
        self._result: Result | None = None
        self._root = ""
        self._shapes: dict[str, tuple[int, ...]] = {}
        self._turn = -1
        self._rows = 0
        self._row_in_doubt = False
        self._timing = Timing()
        self._stored: dict[str, _Stored] = {}
        """Final arrays on disk already: a second try must not write them again."""

    def open(self, result: Result) -> None:
        """Make the container, or take over that of an earlier try."""
        if self._result is not None and self._result.uid != result.uid:
            self._stored.clear()
        self._result = result
        self._root = f"{RECON_PATH}/{result.uid}"
        self._shapes, self._turn = {}, -1
        self._rows, self._row_in_doubt = 0, False
        metadata = describe(result) | describe_progress(Progress())
        self._http.create(RECON_PATH, "container")
        specs = [(SPEC_NAME, SPEC_VERSION)]
        if not self._http.create(
            self._root, "container", metadata=metadata, specs=specs
        ):
            self._http.merge_metadata(self._root, metadata)
            self._http.delete(f"{self._root}/progress")
        self._http.create(f"{self._root}/live", "container")
        for name, shape in result.view_shapes.items():
            self._make_view(f"{self._root}/live/{name}", shape)
            self._shapes[name] = shape
        source = table_source(schema_bytes(), SCHEMA.names)
        self._http.create(f"{self._root}/progress", "table", source=source)

    def write(self, update: Update) -> None:
        """Overwrite the views, then append the row that says they are there."""
        try:
            self._write_views(self._due(update.views))
            self._timing.readable(update.frame_times_s, time.time())
            self._append_row(update.number, update.time_s, update.progress)
            if update.number % METADATA_EVERY == 1:
                changes = describe_progress(update.progress)
                self._http.merge_metadata(self._root, changes)
        except MissingError:
            self._reopen()
            raise

    def _due(self, views: Arrays) -> Arrays:
        names = list(views)
        if len(names) <= AT_ONCE:
            return views
        first, others = names[:FOREMOST], names[FOREMOST:]
        self._turn = (self._turn + 1) % len(others)
        return {name: views[name] for name in (*first, others[self._turn])}

    def close(self, final: Final) -> None:
        """Publish final views and arrays, then the status."""
        if self._result is None:
            raise InputError("no result was opened that could be closed")
        try:
            if final.views:
                self._write_views(final.views)
                self._timing.readable(final.frame_times_s, time.time())
                number = self._rows + 1
                self._append_row(number, final.finished_s, final.progress)
            self._register(self._result.uid, final)
            timing = {"timing": self._timing.describe(time.time())}
            self._http.merge_metadata(self._root, describe_end(final) | timing)
        except MissingError:
            self._reopen()
            raise

    def _reopen(self) -> None:
        # Somebody emptied the catalog, or a new server stands in its place.
        if self._result is not None:
            self.open(self._result)

    def _write_views(self, views: Arrays) -> None:
        for name, view in views.items():
            # One after the other: SQLite lets writers wait for each other for long.
            if self._shapes.get(name) != view.shape:
                self._make_view(f"{self._root}/live/{name}", view.shape)
                self._shapes[name] = view.shape
        with ThreadPoolExecutor(_PARALLEL, "tiled-view") as threads:
            tasks = [
                threads.submit(
                    self._http.write_array,
                    f"{self._root}/live/{name}",
                    np.ascontiguousarray(view, dtype="<f4"),
                )
                for name, view in views.items()
            ]
        for task in tasks:
            task.result()

    def _make_view(self, path: str, shape: tuple[int, ...]) -> None:
        source = array_source(shape, np.dtype("<f4"))
        if self._http.create(path, "array", source=source):
            return
        found = self._http.get(path)
        if found is None or tuple(found["structure"]["shape"]) != shape:
            self._http.delete(path)
            self._http.create(path, "array", source=source)

    def _append_row(self, number: int, time_s: float, progress: Progress) -> None:
        if number <= self._rows:
            return
        path = f"{self._root}/progress"
        if self._row_in_doubt and number in self._http.read_column(path, "number"):
            self._rows, self._row_in_doubt = number, False
            return
        row = progress_row(number, time_s, progress, time.time())
        # An answer that gets lost leaves open whether the row was taken.
        self._row_in_doubt = True
        self._http.append_rows(path, row)
        self._rows, self._row_in_doubt = number, False

    def keep(self, final: Final) -> Final:
        """Write the final arrays; `close` only registers them."""
        if self._result is None:
            raise InputError("no result was opened whose arrays could be kept")
        for name, array in final.arrays.items():
            self._store(self._result.uid, name, array)
        return replace(final, arrays={})

    def _store(self, uid: str, name: str, array: NDArray[Any]) -> None:
        if name in self._stored and self._stored[name].array() is array:
            return
        path = self._results_dir / uid / f"{name}.zarr"
        stored = np.ascontiguousarray(array)
        chunk = write_zarr(path, stored)
        source = registered_zarr_source(path, stored.shape, chunk, stored.dtype)
        self._stored[name] = _Stored(ref(array), source)

    def _register(self, uid: str, final: Final) -> None:
        for name, array in final.arrays.items():
            self._store(uid, name, array)
        for name, stored in self._stored.items():
            self._http.delete(f"{self._root}/{name}")
            self._http.create(f"{self._root}/{name}", "array", source=stored.source)


@dataclass(frozen=True, slots=True)
class _Stored:
    array: "ref[NDArray[Any]]"
    """Not kept alive by this."""
    source: Json
