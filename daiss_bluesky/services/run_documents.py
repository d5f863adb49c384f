"""Which run a document belongs to, when runs are interleaved in one journal."""

from collections.abc import Mapping
from typing import Any

_PARENT_KEYS = {
    "event": "descriptor",
    "event_page": "descriptor",
    "datum": "resource",
    "datum_page": "resource",
    "stream_datum": "stream_resource",
}


class RunDocuments:
    """Follows runs from their start documents; knows nothing of runs begun before.

    event_model's RunRouter raises for those, and a consumer that resumes in the
    middle of a journal does meet their documents.
    """

    def __init__(self) -> None:
        self._runs: dict[str, list[str]] = {}
        """Uids of a run's descriptors and resources."""
        self._run_of: dict[str, str] = {}

    def run_of(self, name: str, doc: Mapping[str, Any]) -> str | None:
        """Give the uid of the document's run; None for a run it does not follow."""
        if name == "start":
            self._runs[doc["uid"]] = []
            return str(doc["uid"])
        if name in _PARENT_KEYS:
            return self._run_of.get(doc[_PARENT_KEYS[name]])
        # Old resources do not name their run: it can only be the newest one.
        newest = next(reversed(self._runs), None)
        run = doc.get("run_start", newest)
        if run not in self._runs:
            return None
        if name == "stop":
            for uid in self._runs.pop(run):
                del self._run_of[uid]
        else:
            self._runs[run].append(doc["uid"])
            self._run_of[doc["uid"]] = run
        return str(run)
