"""Files that several runs share: a detector that stays staged names its file once."""

from collections.abc import Mapping
from typing import Any

Document = Mapping[str, Any]


class SharedResources:
    """Finds the resource document that a run refers to and does not have.

    ophyd's detectors announce a file when they are staged, in the first run after it;
    the datums of later runs refer to it all the same. bluesky itself refuses that of
    stream_resources.
    """

    def __init__(self) -> None:
        self._open_runs: dict[str, None] = {}
        self._resources: dict[str, Document] = {}

    def missing(self, name: str, doc: Document) -> Document | None:
        """Give what must come before a document, as of the newest run."""
        if name not in {"datum", "datum_page"}:
            return None
        resource = self._resources.get(doc["resource"])
        if resource is None or not self._open_runs:
            return None
        if resource["run_start"] in self._open_runs:
            return None
        return {**resource, "run_start": next(reversed(self._open_runs))}

    def note(self, name: str, doc: Document) -> None:
        """Take notice of a document that has been written."""
        if name == "start":
            self._open_runs[doc["uid"]] = None
        elif name == "stop":
            self._open_runs.pop(doc["run_start"], None)
        elif name == "resource" and "run_start" in doc:
            self._resources[doc["uid"]] = dict(doc)
