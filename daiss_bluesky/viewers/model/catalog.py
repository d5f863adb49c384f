"""Runs and results known so far, as the run browser lists them."""

from collections.abc import Mapping
from dataclasses import replace
from threading import Lock
from typing import Any

from daiss_bluesky.viewers.model.entries import ResultEntry, RunEntry
from daiss_bluesky.viewers.model.query import Query


class Catalog:
    """Fed by sources, read by windows; safe to use from several threads."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._runs: dict[str, RunEntry] = {}
        self._facts: dict[str, Mapping[str, Any]] = {}
        self._results: dict[str, ResultEntry] = {}
        self._metadata: dict[str, Mapping[str, Any]] = {}
        self.changes = 0
        """Grows when a list would look different."""

    def put_run(
        self, uid: str, start: Mapping[str, Any], stop: Mapping[str, Any] | None
    ) -> None:
        """Take in a run's documents; `stop` is None while it runs."""
        entry = run_entry(uid, start, stop)
        with self._lock:
            if self._runs.get(uid) == entry:
                return
            self._runs[uid] = entry
            self._facts[uid] = _plain(start)
            self.changes += 1

    def put_result(self, uid: str, metadata: Mapping[str, Any]) -> None:
        """Take in what a result says of itself."""
        entry = result_entry(uid, metadata)
        with self._lock:
            self._metadata[uid] = metadata
            if self._results.get(uid) == entry:
                return
            self._results[uid] = entry
            self.changes += 1

    def runs(self, query: Query) -> tuple[RunEntry, ...]:
        """Give runs newest first, each with its results, newest first."""
        with self._lock:
            runs, facts = list(self._runs.values()), dict(self._facts)
            results = list(self._results.values())
        of_run: dict[str, list[ResultEntry]] = {}
        for result in sorted(results, key=lambda one: -one.started_s):
            of_run.setdefault(result.raw_uid, []).append(result)
        full = [replace(run, results=tuple(of_run.get(run.uid, ()))) for run in runs]
        found = [run for run in full if query.takes(run, facts[run.uid])]
        found.sort(key=lambda run: (-run.time_s, run.uid))
        return tuple(found[: query.limit])

    def newest_result(self) -> str | None:
        """Give the uid of the result that began last."""
        with self._lock:
            found = max(self._results.values(), key=_start, default=None)
        return None if found is None else found.uid

    def newer_than(self, uid: str) -> int:
        """Count results that began after this one."""
        with self._lock:
            one = self._results.get(uid)
            if one is None:
                return 0
            return sum(_start(other) > _start(one) for other in self._results.values())

    def result_metadata(self, uid: str) -> Mapping[str, Any]:
        """Give what a result last said of itself; empty for one never heard of."""
        with self._lock:
            return self._metadata.get(uid, {})


def _start(one: ResultEntry) -> tuple[float, str]:
    return one.started_s, one.uid


def run_entry(
    uid: str, start: Mapping[str, Any], stop: Mapping[str, Any] | None
) -> RunEntry:
    """Make a row of a run's documents, of our plans or any other."""
    points = (stop or {}).get("num_events") or start.get("num_points")
    if isinstance(points, Mapping):
        points = points.get("primary", max(points.values(), default=None))
    records = [start, *(one for one in start.values() if isinstance(one, Mapping))]
    named = (one.get(key) for one in records for key in ("sample_name", "sample"))
    sample = next((one for one in named if one), "")
    return RunEntry(
        uid=uid,
        scan_id=start.get("scan_id"),
        time_s=float(start.get("time") or 0.0),
        plan=str(start.get("plan_name") or ""),
        sample=str(sample),
        status="running" if stop is None else str(stop.get("exit_status") or ""),
        points=points if isinstance(points, int) else None,
    )


def result_entry(uid: str, metadata: Mapping[str, Any]) -> ResultEntry:
    """Make a row of a result's metadata."""
    return ResultEntry(
        uid=uid,
        raw_uid=str(metadata.get("raw_uid") or ""),
        technique=str(metadata.get("technique") or ""),
        algorithm=str(metadata.get("algorithm") or ""),
        status=str(metadata.get("status") or ""),
        started_s=float(metadata.get("started") or 0.0),
    )


def _plain(start: Mapping[str, Any]) -> dict[str, Any]:
    """Keep what can be searched for, one level deep, without long lists."""
    found: dict[str, Any] = {}
    for value in start.values():
        if isinstance(value, Mapping):
            found |= {
                k: v for k, v in value.items() if isinstance(v, str | int | float)
            }
    for key, value in start.items():
        if isinstance(value, str | int | float) or key in {"motors", "detectors"}:
            found[key] = value
    return found
