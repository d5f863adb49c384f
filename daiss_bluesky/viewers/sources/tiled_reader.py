"""What a viewer reads from Tiled by request: lists, metadata, tables, pictures."""

import io
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from daiss_bluesky.core.errors import InputError
from daiss_bluesky.core.results import RAW_PATH, RECON_PATH, SPEC_NAME, SPEC_VERSION
from daiss_bluesky.publishers.tiled_http import (
    ARROW,
    OCTETS,
    MissingError,
    TiledHttp,
)

PAGE = 100
KEYS_OF_START = (
    "uid", "scan_id", "time", "plan_name", "sample_name", "num_points", "motors",
    "detectors", "proposal", "operator", "user", "purpose",
)  # fmt: skip
KEYS_OF_RECORD = (
    "sample", "proposal", "operator", "comment", "pixel_size_um", "energy_kev",
    "distance_mm", "exposure_s",
)  # fmt: skip

Json = dict[str, Any]
Node = tuple[str, Json]
"""Key, and attributes as Tiled gives them."""


def _select(keys: Sequence[str], path: str) -> str:
    return "{" + ",".join(f"{key}:{path}.{key}" for key in keys) + "}"


# The planned angles alone would be most of a list's bytes.
RUN_METADATA = (
    f"{{start:{_select(KEYS_OF_START, 'start')}, stop:stop,"
    f" tomography:{_select(KEYS_OF_RECORD, 'start.tomography')},"
    f" ptychography:{_select(KEYS_OF_RECORD, 'start.ptychography')}}}"
)


@dataclass(frozen=True, slots=True)
class Array:
    """Shape and dtype of an array in the catalog."""

    shape: tuple[int, ...]
    dtype: np.dtype[Any]


class TiledReader:
    """Reads one server; every call waits for it, so not for a GUI thread.

    A server that is away is an UnavailableError; a refused key, an unknown name and a
    result that cannot be read are InputErrors.
    """

    def __init__(self, http: TiledHttp) -> None:
        self.http = http

    def page(
        self, path: str, *, offset: int = 0, limit: int = PAGE, select: str = ""
    ) -> list[Node]:
        """List children, newest first; none where there is no such path yet."""
        params: Json = {
            "sort": "-",
            "page[offset]": offset,
            "page[limit]": limit,
            "fields": ["metadata", "specs", "structure_family"],
            "omit_links": True,
        }
        if select:
            params["select_metadata"] = select
        try:
            answer = self.http.request("GET", f"/search/{path}", params=params)
        except MissingError:
            return []
        return [(one["id"], _unwrapped(one)) for one in answer.json()["data"]]

    def runs(self, offset: int = 0, limit: int = PAGE) -> list[Node]:
        """Give runs newest first, without what is long in their documents."""
        return self.page(RAW_PATH, offset=offset, limit=limit, select=RUN_METADATA)

    def results(self, offset: int = 0, limit: int = PAGE) -> list[Node]:
        """Give results newest first."""
        return self.page(RECON_PATH, offset=offset, limit=limit)

    def result(self, uid: str) -> Json:
        """Give a result's metadata; InputError for one that cannot be shown."""
        found = self.http.get(f"{RECON_PATH}/{uid}")
        if found is None:
            raise InputError(f"there is no result {uid!r} at {self.http.uri}")
        return check_result(uid, found)

    def children(self, path: str) -> dict[str, Json]:
        """Give the attributes of a container's children by name."""
        params: Json = {
            "page[limit]": PAGE,
            "fields": ["structure_family", "structure"],
        }
        try:
            answer = self.http.request("GET", f"/search/{path}", params=params)
        except MissingError:
            return {}
        return {one["id"]: one["attributes"] for one in answer.json()["data"]}

    def arrays(self, path: str) -> dict[str, Array]:
        """Give the arrays in a container."""
        return {
            name: array_of(found["structure"])
            for name, found in self.children(path).items()
            if found["structure_family"] == "array"
        }

    def array(self, path: str) -> Array:
        """Give shape and dtype of one array."""
        found = self.find(path)
        if found is None:
            raise InputError(f"there is no array {path!r} at {self.http.uri}")
        return found

    def find(self, path: str) -> Array | None:
        """Give shape and dtype of an array; None where there is none."""
        found = self.http.get(path)
        return None if found is None else array_of(found["structure"])

    def read(
        self, path: str, known: Array, where: Sequence[int | slice] = ()
    ) -> NDArray[Any]:
        """Read an array or a part of it."""
        params = {"format": OCTETS}
        if where:
            params["slice"] = ",".join(map(_slice_text, where))
        data = self.http.request("GET", f"/array/full/{path}", params=params).content
        shape = np.broadcast_to(np.empty(()), known.shape)[tuple(where)].shape
        return pixels_of(data, known.dtype, shape, path)

    def table(self, path: str) -> list[Json]:
        """Read all rows of a table; none where there is no table yet."""
        try:
            answer = self.http.request(
                "GET", f"/table/full/{path}", params={"format": ARROW}
            )
        except MissingError:
            return []
        return rows_of(answer.content)


def _unwrapped(node: Json) -> Json:
    """Give a node's attributes; Tiled hands what was selected on under a name."""
    attributes: Json = node["attributes"]
    metadata = attributes.get("metadata") or {}
    if metadata.keys() == {"selected"}:
        return attributes | {"metadata": metadata["selected"]}
    return attributes


def documents_of(metadata: Mapping[str, Any]) -> tuple[Json, Any]:
    """Give start and stop out of a run's selected, or whole, metadata."""
    # Tiled puts what was selected of metadata under a key of its own.
    metadata = metadata.get("selected") or metadata
    start = dict(metadata.get("start") or {})
    for technique in ("tomography", "ptychography"):
        record = metadata.get(technique) or start.get(technique) or {}
        known = {k: v for k, v in record.items() if v is not None}
        if known:
            start[technique] = known
    return {k: v for k, v in start.items() if v is not None}, metadata.get("stop")


def check_result(uid: str, attributes: Mapping[str, Any]) -> Json:
    """Give a result's metadata; InputError for a damaged or an unknown kind of it."""
    versions = {
        one["name"]: one.get("version") for one in attributes.get("specs") or ()
    }
    if SPEC_NAME not in versions:
        raise InputError(f"{uid!r} is no {SPEC_NAME}")
    if str(versions[SPEC_NAME]).split(".")[0] != SPEC_VERSION.split(".", maxsplit=1)[0]:
        raise InputError(
            f"result {uid} is of {SPEC_NAME} {versions[SPEC_NAME]}; this viewer reads"
            f" {SPEC_VERSION}"
        )
    metadata: Json = attributes.get("metadata") or {}
    missing = [k for k in ("raw_uid", "technique", "status") if not metadata.get(k)]
    if missing:
        raise InputError(
            f"result {uid} is damaged: it says no {' and no '.join(missing)}"
        )
    return metadata


def array_of(structure: Mapping[str, Any]) -> Array:
    """Read shape and dtype as Tiled writes them."""
    kind = structure["data_type"]
    order = ">" if kind.get("endianness") == "big" else "<"
    return Array(
        tuple(structure["shape"]), np.dtype(f"{order}{kind['kind']}{kind['itemsize']}")
    )


def pixels_of(
    data: bytes, dtype: np.dtype[Any], shape: Sequence[int], what: str
) -> NDArray[Any]:
    """View bytes as an array; InputError where they are too few or too many."""
    if len(data) != dtype.itemsize * int(np.prod(shape)):
        raise InputError(
            f"{what} is damaged: {len(data)} bytes are no {tuple(shape)} of {dtype}"
        )
    return np.frombuffer(data, dtype).reshape(shape)


def rows_of(data: bytes) -> list[Json]:
    """Read the rows of an Arrow file; JSON columns are merged, unknowns become None."""
    import pyarrow as pa  # noqa: PLC0415 - a third of a second

    try:
        rows = pa.ipc.open_file(io.BytesIO(data)).read_all().to_pylist()
    except pa.ArrowInvalid as error:
        raise InputError(f"the progress of a result is damaged: {error}") from None
    return [_row(row) for row in rows]


def _row(row: Json) -> Json:
    quality = json.loads(row.pop("quality", None) or "{}")
    parameters = json.loads(row.pop("parameters", None) or "{}")
    plain = {k: v for k, v in row.items() if not k.startswith("__")}
    counts = {k: None if v == -1 else v for k, v in plain.items()}
    return {**counts, **quality, "quality": quality, "parameters": parameters}


def _slice_text(one: int | slice) -> str:
    if isinstance(one, int):
        return str(one)
    parts = ["" if part is None else str(part) for part in (one.start, one.stop)]
    return ":".join(parts + ([] if one.step is None else [str(one.step)]))
