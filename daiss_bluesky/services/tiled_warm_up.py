"""The first write of every kind to a new Tiled server, done before anyone waits for it.

Tiled imports and connects when first asked; that took one to four seconds, which were
those between the first projection of the day and its slice.
"""

import logging
import shutil
import time
from pathlib import Path

import numpy as np
import pyarrow as pa

from daiss_bluesky.core.errors import DaissError, UnavailableError
from daiss_bluesky.publishers.tiled_http import (
    TiledHttp,
    array_source,
    registered_zarr_source,
    table_source,
)
from daiss_bluesky.publishers.zarr_folder import write_zarr

logger = logging.getLogger(__name__)

PLACE = "warm-up"
# Of its own: Tiled keeps tables of one schema together, and drops them together when
# one is removed and no other has a row yet.
SCHEMA = pa.schema([("warm_up", pa.int64())])
START_TIMEOUT_S = 120.0
POLL_S = 0.1


def warm_up(uri: str, api_key: str, results_dir: Path) -> None:
    """Write one thing of each kind and remove it; a refusal is only logged."""
    http = TiledHttp(uri, api_key)
    try:
        _wait_until_up(http)
        _write_all(http, results_dir / PLACE)
        http.delete(PLACE)
    except DaissError as error:
        logger.warning("the server could not be warmed up: %s", error)
    finally:
        shutil.rmtree(results_dir / PLACE, ignore_errors=True)
        http.close()


def _write_all(http: TiledHttp, folder: Path) -> None:
    http.create(PLACE, "container")
    table = table_source(bytes(SCHEMA.serialize()), SCHEMA.names)
    http.create(f"{PLACE}/table", "table", source=table)
    http.append_rows(f"{PLACE}/table", _one_row())
    view = np.zeros((2, 2), "<f4")
    source = array_source(view.shape, view.dtype)
    http.create(f"{PLACE}/view", "array", source=source)
    http.write_array(f"{PLACE}/view", view)
    volume = np.zeros((2, 2, 2), "<f4")
    path = folder / "volume.zarr"
    chunk = write_zarr(path, volume)
    source = registered_zarr_source(path, volume.shape, chunk, volume.dtype)
    http.create(f"{PLACE}/volume", "array", source=source)


def _one_row() -> bytes:
    sink = pa.BufferOutputStream()
    with pa.ipc.new_file(sink, SCHEMA) as writer:
        writer.write_table(pa.Table.from_pylist([{"warm_up": 1}], schema=SCHEMA))
    return bytes(sink.getvalue())


def _wait_until_up(http: TiledHttp) -> None:
    deadline = time.monotonic() + START_TIMEOUT_S
    while True:
        try:
            http.get("")
        except UnavailableError:
            if time.monotonic() > deadline:
                raise
            time.sleep(POLL_S)
        else:
            return
