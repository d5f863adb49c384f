"""The RunEngine's persistent metadata: one JSON file, shared by every RunEngine."""

import fcntl
import json
from collections.abc import Iterator, MutableMapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from daiss_bluesky.core.errors import InputError
from daiss_bluesky.services.state import read_json, write_json


class RunMetadata(MutableMapping[str, Any]):
    """Reads and writes through, so that two shells never use one scan_id twice."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._lock_path = path.with_suffix(".lock")

    def __getitem__(self, key: str) -> Any:
        return self._read()[key]

    def __iter__(self) -> Iterator[str]:
        return iter(self._read())

    def __len__(self) -> int:
        return len(self._read())

    def __setitem__(self, key: str, value: Any) -> None:
        try:
            json.dumps(value)
        except (TypeError, ValueError):
            raise InputError(
                f"RE.md[{key!r}] = {value!r}: only what JSON can hold is kept"
            ) from None
        with self._changing() as values:
            # The RunEngine writes back the number that `next_scan_id` took already.
            if key != "scan_id" or value >= values.get(key, 0):
                values[key] = value

    def __delitem__(self, key: str) -> None:
        with self._changing() as values:
            del values[key]

    def next_scan_id(self, _: object = None) -> int:
        """Take the next number; the RunEngine's scan_id_source."""
        with self._changing() as values:
            values["scan_id"] = int(values.get("scan_id", 0)) + 1
            return int(values["scan_id"])

    def _read(self) -> dict[str, Any]:
        if not self._path.exists():
            return {}
        return dict(read_json(self._path, "the RunEngine's metadata"))

    @contextmanager
    def _changing(self) -> Iterator[dict[str, Any]]:
        with self._lock_path.open("a") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            values = self._read()
            yield values
            write_json(self._path, values)
