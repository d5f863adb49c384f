"""What the run browser is asked to show."""

import shlex
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Self

from daiss_bluesky.viewers.model.entries import RunEntry

LIMIT = 200
_OWN = ("technique", "status")


@dataclass(frozen=True, slots=True)
class Query:
    """Everything given must hold; texts are compared without regard to case."""

    text: str = ""
    """Every word of it must stand in uid, scan id, plan, sample or other metadata."""
    where: tuple[tuple[str, str], ...] = ()
    """(key, value): a key of the start document that holds the value."""
    technique: str | None = None
    status: str | None = None
    """Of the run or of one of its results."""
    since_s: float | None = None
    """Unix time; runs that began earlier are left out."""
    limit: int = LIMIT

    @classmethod
    def parse(cls, text: str, **others: Any) -> Self:
        """Read a search box: words, and key=value pairs anywhere among them."""
        try:
            parts = shlex.split(text)
        except ValueError:  # a quote that is not closed yet: it is being typed
            parts = text.split()
        words = [part for part in parts if "=" not in part]
        pairs = [tuple(part.split("=", 1)) for part in parts if "=" in part]
        own: dict[str, Any] = {k: v for k, v in pairs if k in _OWN and v}
        where = tuple((k, v) for k, v in pairs if k not in _OWN)
        return cls(text=" ".join(words), where=where, **(others | own))

    def takes(self, run: RunEntry, metadata: Mapping[str, Any]) -> bool:
        """Tell whether a run, with its start document's plain values, is meant."""
        if self.since_s is not None and run.time_s < self.since_s:
            return False
        if self.technique is not None and self.technique not in _techniques(run):
            return False
        if self.status is not None and self.status not in _statuses(run):
            return False
        return _has_words(self.text, run, metadata) and all(
            _has_value(metadata, key, value) for key, value in self.where
        )


def _techniques(run: RunEntry) -> set[str]:
    return {result.technique for result in run.results}


def _statuses(run: RunEntry) -> set[str]:
    return {run.status, *(result.status for result in run.results)}


def _has_words(text: str, run: RunEntry, metadata: Mapping[str, Any]) -> bool:
    if not text:
        return True
    places = [run.uid, run.plan, run.sample, *map(str, metadata.values())]
    places += [result.uid for result in run.results]
    places += [] if run.scan_id is None else [str(run.scan_id)]
    heap = "\n".join(places).lower()
    return all(word in heap for word in text.lower().split())


def _has_value(metadata: Mapping[str, Any], key: str, value: str) -> bool:
    return key in metadata and value.lower() in str(metadata[key]).lower()
