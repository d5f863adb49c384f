"""bluesky's TiledWriter for one run, writing every so often and each row once.

The original writes after a number of rows, or one row a request: the first shows
nothing while a scan runs, the second keeps the server busy with requests of one row.
And it takes a file for one stream's alone; see `file_rows`.
"""

from typing import Any

import pyarrow as pa
from bluesky_tiled_plugins.writing.tiled_writer import (
    RunNormalizer,
    _RunWriter,
)

from daiss_bluesky.services.file_rows import (
    HDF5_MIMETYPE,
    FileRows,
    indices_are_rows,
    rows_per_index,
)

_NEVER = 10**9
MAX_ARRAY_SIZE = 16
"""Arrays in events with more elements become zarr arrays, smaller ones columns."""


class TiledRunWriter:
    """Takes the documents of one run; what came is visible after `flush`."""

    def __init__(self, client: Any) -> None:
        self._writer = _FlushableRunWriter(
            client.include_data_sources(),
            batch_size=_NEVER,
            max_array_size=MAX_ARRAY_SIZE,
        )
        self._normalizer = RunNormalizer()
        self._normalizer.subscribe(self._writer)

    def __call__(self, name: str, doc: dict[str, Any]) -> None:
        """Take one document; a stop document is written at once."""
        self._normalizer(name, doc)

    def flush(self) -> None:
        """Make visible what has come since the last time."""
        self._writer.flush()


class _FlushableRunWriter(_RunWriter):
    def __init__(self, client: Any, **settings: Any) -> None:
        super().__init__(client, **settings)
        self._files: dict[Any, _File] = {}

    def flush(self) -> None:
        for stream, rows in self._internal_data_cache.items():
            if rows:
                self._write_internal_data(rows, desc_node=self._desc_nodes[stream])
                rows.clear()
        waiting = list(self._external_data_cache.values())
        self._external_data_cache.clear()
        for stream_datum in waiting:
            self._write_external_data(stream_datum)

    def stream_datum(self, doc: dict[str, Any]) -> None:
        super().stream_datum(self._in_stream(doc))

    def _in_stream(self, doc: dict[str, Any]) -> dict[str, Any]:
        """Make it refer to one resource for each file and stream.

        The original gives all of a resource to the first stream that refers to it, and
        takes each further resource of a stream for a further file.
        """
        resource = self._stream_resource_cache.get(doc["stream_resource"])
        if resource is None or not _is_one_file(resource):
            return doc
        stream = self._desc_nodes[doc["descriptor"]].item["id"]
        parameters = dict(resource["parameters"])
        place = (stream, resource["data_key"], resource["uri"], parameters["dataset"])
        uid = "|".join(place)
        self._stream_resource_cache.setdefault(
            uid, {**resource, "uid": uid, "parameters": parameters}
        )
        return {**doc, "stream_resource": uid}

    def _update_consolidator(self, doc: dict[str, Any]) -> tuple[Any, Any, Any]:
        node, consolidator, patch = super()._update_consolidator(doc)
        if _is_one_file(self._stream_resource_cache[doc["stream_resource"]]):
            if consolidator not in self._files:
                self._files[consolidator] = _File(consolidator, doc["indices"])
            self._files[consolidator].take(doc["indices"])
        return node, consolidator, patch

    def _append_with_retry(
        self, df_client: Any, table: pa.Table, desc_name: str
    ) -> None:
        # The original tries again after a lost answer and may so store a row twice;
        # here the whole run is written again instead.
        del desc_name
        df_client.append_partition(0, table)


class _File:
    """Keeps the `slice` of a stream's data source at the rows announced so far."""

    def __init__(self, consolidator: Any, indices: dict[str, int]) -> None:
        self._consolidator = consolidator
        self._parameters: dict[str, Any] = consolidator._sres_parameters  # noqa: SLF001
        self._given_slice = self._parameters.get("slice")
        self._rows = FileRows()
        self._per_index: int | None = None
        if indices_are_rows(self._parameters, indices["start"]):
            self._per_index = rows_per_index(consolidator.datum_shape, self._parameters)

    def take(self, indices: dict[str, int]) -> None:
        if len(self._consolidator.assets) > 1:
            # Rows count through all files of a stream, and how long the first became
            # no document tells.
            self._per_index = None
            self._parameters["slice"] = self._given_slice
        if self._per_index is not None:
            n = self._per_index
            self._rows.add(indices["start"] * n, indices["stop"] * n)
            self._parameters["slice"] = self._rows.selection()


def _is_one_file(resource: dict[str, Any]) -> bool:
    return resource["mimetype"] == HDF5_MIMETYPE and not resource["parameters"].get(
        "template"
    )
