"""The few requests of Tiled's HTTP interface that writing results needs.

tiled's own client retries for half a minute and imports for seconds; a publisher must
know at once that the server is away, and keeps one warm connection a thread.
"""

import base64
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpx
import numpy as np
from numpy.typing import NDArray

from daiss_bluesky.core.errors import InputError, UnavailableError

CONNECT_TIMEOUT_S = 1.0
ANSWER_TIMEOUT_S = 15.0
LOOPBACK_NAMES = ("127.0.0.1", "localhost", "::1")
ARROW = "application/vnd.apache.arrow.file"
OCTETS = "application/octet-stream"
UNAUTHORIZED = (401, 403)
_MISSING, _EXISTS, _SERVER_ERROR, _ERROR = 404, 409, 500, 400

Json = dict[str, Any]


class MissingError(UnavailableError):
    """The server answers but does not know the path."""


class TiledHttp:
    """Talks to one Tiled server; safe to use from several threads.

    A server that does not answer, or not in time, is an UnavailableError; a refused
    key or request an InputError.
    """

    def __init__(self, uri: str, api_key: str) -> None:
        self.uri = uri.rstrip("/").removesuffix("/api/v1")
        self._client = httpx.Client(
            base_url=f"{self.uri}/api/v1",
            headers={"Authorization": f"Apikey {api_key}"},
            timeout=httpx.Timeout(ANSWER_TIMEOUT_S, connect=CONNECT_TIMEOUT_S),
            trust_env=urlsplit(self.uri).hostname not in LOOPBACK_NAMES,
        )

    def close(self) -> None:
        """Close the connections."""
        self._client.close()

    def request(self, method: str, path: str, **options: Any) -> httpx.Response:
        """Send one request, once."""
        try:
            response = self._client.request(method, path, **options)
        except httpx.TransportError as error:
            raise UnavailableError(
                f"Tiled at {self.uri} does not answer ({type(error).__name__})"
            ) from None
        code = response.status_code
        if code in UNAUTHORIZED:
            raise InputError(f"Tiled at {self.uri} refuses the API key ({code})")
        if code == _MISSING:
            raise MissingError(f"Tiled at {self.uri} has no {path}")
        if code >= _SERVER_ERROR:
            raise UnavailableError(f"Tiled at {self.uri} failed with {code}: {path}")
        if code >= _ERROR and code != _EXISTS:
            raise InputError(
                f"Tiled at {self.uri} refuses {method} {path} with {code}:"
                f" {response.text[:300]}"
            )
        return response

    def get(self, path: str) -> Json | None:
        """Give a node's attributes; None where there is none."""
        try:
            answer: Json = self.request("GET", f"/metadata/{path}").json()
        except MissingError:
            return None
        attributes: Json = answer["data"]["attributes"]
        return attributes

    def create(
        self,
        path: str,
        family: str,
        *,
        metadata: Mapping[str, Any] | None = None,
        specs: Sequence[tuple[str, str]] = (),
        source: Json | None = None,
    ) -> bool:
        """Make a node; False where there is one already."""
        parent, _, key = path.rpartition("/")
        body = {
            "id": key,
            "structure_family": family,
            "metadata": metadata or {},
            "specs": [{"name": name, "version": version} for name, version in specs],
            "data_sources": [] if source is None else [source],
        }
        external = source is not None and source["management"] == "external"
        door = "register" if external else "metadata"
        answer = self.request("POST", f"/{door}/{parent}", json=body)
        return answer.status_code != _EXISTS

    def delete(self, path: str) -> None:
        """Remove a node with all below it; registered files stay."""
        try:
            self.request(
                "DELETE",
                f"/metadata/{path}",
                params={"recursive": True, "external_only": False},
            )
        except MissingError:
            return

    def merge_metadata(self, path: str, changes: Mapping[str, Any]) -> None:
        """Change the keys given, keep the others, keep no history of it."""
        body = {
            "content-type": "application/merge-patch+json",
            "metadata": changes,
            "specs": None,
        }
        self.request(
            "PATCH", f"/metadata/{path}", params={"drop_revision": True}, json=body
        )

    def write_array(self, path: str, array: NDArray[Any]) -> None:
        """Replace an array's content; subscribers get it too."""
        self.request(
            "PUT",
            f"/array/full/{path}",
            content=array.tobytes(),
            headers={"Content-Type": OCTETS},
        )

    def append_rows(self, path: str, rows: bytes) -> None:
        """Append rows (an Arrow file) to a table."""
        self.request(
            "PATCH",
            f"/table/partition/{path}",
            params={"partition": 0},
            content=rows,
            headers={"Content-Type": ARROW},
        )

    def read_column(self, path: str, column: str) -> list[Any]:
        """Give one column of a table."""
        answer = self.request(
            "GET", f"/table/full/{path}", params={"column": column, "format": "json"}
        )
        values: list[Any] = answer.json()[column]
        return values


def array_source(shape: Sequence[int], dtype: np.dtype[Any]) -> Json:
    """Describe an array the server keeps, in one chunk."""
    return {
        "structure_family": "array",
        "structure": array_structure(shape, [[n] for n in shape], dtype),
        "management": "writable",
    }


def registered_zarr_source(
    path: Path, shape: Sequence[int], chunk: Sequence[int], dtype: np.dtype[Any]
) -> Json:
    """Describe a zarr folder that the server only reads."""
    chunks = [_split(n, size) for n, size in zip(shape, chunk, strict=True)]
    return {
        "structure_family": "array",
        "structure": array_structure(shape, chunks, dtype),
        "mimetype": "application/x-zarr",
        "management": "external",
        "assets": [
            {
                "data_uri": f"file://localhost{path}",
                "is_directory": True,
                "parameter": "data_uri",
                # Subscribers cannot read a message about an asset without a number.
                "num": 0,
            }
        ],
    }


def table_source(schema_bytes: bytes, columns: Sequence[str]) -> Json:
    """Describe an appendable table from its serialized Arrow schema."""
    encoded = base64.b64encode(schema_bytes).decode("ascii")
    return {
        "structure_family": "table",
        "structure": {
            "arrow_schema": f"data:{ARROW};base64,{encoded}",
            "npartitions": 1,
            "columns": list(columns),
            "resizable": False,
        },
        "mimetype": "application/x-tiled-sql-table",
        "management": "writable",
    }


def array_structure(
    shape: Sequence[int], chunks: Sequence[Sequence[int]], dtype: np.dtype[Any]
) -> Json:
    """Describe shape, chunks and little-endian dtype the way Tiled does."""
    return {
        "data_type": {
            "endianness": "little" if dtype.itemsize > 1 else "not_applicable",
            "kind": dtype.kind,
            "itemsize": dtype.itemsize,
            "dt_units": None,
        },
        "shape": list(shape),
        "chunks": [list(sizes) for sizes in chunks],
        "dims": None,
        "resizable": False,
    }


def _split(n: int, size: int) -> list[int]:
    whole, rest = divmod(n, size)
    return [size] * whole + ([rest] if rest else [])
