"""Finished runs that are reconstructed once more, when no scan needs the machine."""

import logging
import threading
import time
import uuid
from collections.abc import Callable, Mapping
from contextlib import closing
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Protocol, Self

from daiss_bluesky.core.errors import DaissError, InputError
from daiss_bluesky.services.control_requests import Askable
from daiss_bluesky.services.journal import JournalReader
from daiss_bluesky.services.run_documents import RunDocuments
from daiss_bluesky.services.state import read_json, write_json

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class RerunRequest:
    """One wish for another result of a run; a file until it is fulfilled."""

    result_uid: str
    of: str
    """The run's uid."""
    first: int
    """Sequence of its start document in the journal."""
    parameters: Mapping[str, Any]
    """That are others than those of the pipeline."""
    by: str
    time_s: float

    @property
    def facts(self) -> dict[str, Any]:
        """Say it for provenance."""
        return {
            "by": self.by,
            "time_s": self.time_s,
            "parameters": dict(self.parameters),
        }

    @classmethod
    def read(cls, path: Path) -> Self:
        """Read one; raises DaissError or TypeError for what is damaged."""
        return cls(**read_json(path, "a run to be reconstructed again"))


class Repeated(Askable, Protocol):
    """What is needed of a reconstruction that is fed from the journal."""

    def __call__(self, name: str, doc: Mapping[str, Any]) -> object:
        """Take a document of the run."""
        ...

    def done(self) -> bool:
        """Tell whether everything has been published."""
        ...

    def stop(self) -> None:
        """Give up; it will be made again."""
        ...


Make = Callable[[Mapping[str, Any], RerunRequest], Repeated]
"""Begins a result from a start document; InputError where it cannot be."""


@dataclass(slots=True)
class _Active:
    request: RerunRequest
    run: Repeated
    thread: threading.Thread
    stopped: threading.Event


def _nobody_hears(uid: str) -> None:
    """Stand in for `on_settled`."""


class Reruns:
    """A queue of files, worked off one at a time; `step` is called now and then."""

    def __init__(
        self,
        folder: Path,
        journal: Path,
        make: Make,
        on_settled: Callable[[str], None] = _nobody_hears,
    ) -> None:
        """Make one; `on_settled` gets the uid of each result that was published."""
        self._on_settled = on_settled
        self._folder = folder
        self._journal = journal
        self._make = make
        self._active: _Active | None = None
        self._lock = threading.Lock()
        """Held while a request is chosen: one is forgotten, or it is begun."""

    def request(self, run_uid: str, parameters: Mapping[str, Any], by: str) -> str:
        """Queue a run; gives the uid of the result to come.

        InputError for a run that the journal does not hold to its end.
        """
        request = RerunRequest(
            str(uuid.uuid4()), run_uid, self._find(run_uid), dict(parameters), by,
            time.time(),
        )  # fmt: skip
        self._folder.mkdir(parents=True, exist_ok=True)
        write_json(self._path(request), asdict(request))
        return request.result_uid

    def cancel(self, result_uid: str | None) -> bool:
        """Forget a request that waits; False where none of that uid does."""
        with self._lock:
            active = self._active
            if active is not None and active.request.result_uid == result_uid:
                return False
            path = self._folder / f"{result_uid}.json"
            waits = path in self._waiting()
            if waits:
                path.unlink(missing_ok=True)
            return waits

    def _waiting(self) -> list[Path]:
        """List requests, the oldest first."""
        paths = list(self._folder.glob("*.json")) if self._folder.exists() else []
        return sorted(paths, key=_changed_ns)

    def start_document(self, run_uid: str) -> Mapping[str, Any]:
        """Give a run's start document."""
        with closing(JournalReader(self._journal)) as reader:
            for record in reader.read(self._find(run_uid)):
                start: Mapping[str, Any] = record.doc
                return start
        raise InputError(f"the journal holds no run {run_uid!r}")

    def starts(self) -> list[Mapping[str, Any]]:
        """Give the start documents of all runs there are, oldest first."""
        with closing(JournalReader(self._journal)) as reader:
            return [record.doc for record in reader.read(names=("start",))]

    @property
    def active(self) -> tuple[RerunRequest, Repeated] | None:
        """Give what is being made."""
        active = self._active
        return None if active is None else (active.request, active.run)

    def step(self, *, busy: bool) -> None:
        """Begin the oldest request, or give way to a scan that has begun."""
        active = self._active
        if active is not None:
            if active.stopped.is_set():
                if not active.thread.is_alive():
                    self._active = None
            elif active.run.done():
                self._path(active.request).unlink(missing_ok=True)
                self._active = None
                self._on_settled(active.request.result_uid)
            elif busy:
                self._give_way(active)
        elif not busy:
            with self._lock:
                self._begin_oldest()

    def stop(self) -> None:
        """Give up what is being made; the next process begins it again."""
        if self._active is not None:
            self._active.stopped.set()
            self._active.run.stop()

    def _give_way(self, active: _Active) -> None:
        active.stopped.set()
        active.thread = threading.Thread(target=active.run.stop, name="give-way")
        active.thread.start()

    def _begin_oldest(self) -> None:
        for path in self._waiting():
            try:
                request = RerunRequest.read(path)
                start = self.start_document(request.of)
                run = self._make(start, request)
            except (DaissError, TypeError) as error:
                logger.warning("a run is not reconstructed again: %s", error)
                path.unlink(missing_ok=True)
                continue
            except Exception:  # one bad request must not end the scans' own
                logger.exception("a run is not reconstructed again")
                path.unlink(missing_ok=True)
                continue
            stopped = threading.Event()
            thread = threading.Thread(
                target=self._feed, args=(request, run, stopped), name="rerun"
            )
            thread.daemon = True
            self._active = _Active(request, run, thread, stopped)
            thread.start()
            return

    def _feed(
        self, request: RerunRequest, run: Repeated, stopped: threading.Event
    ) -> None:
        documents = RunDocuments()
        with closing(JournalReader(self._journal)) as reader:
            for record in reader.read(request.first):
                if stopped.is_set():
                    return
                try:
                    if documents.run_of(record.name, record.doc) != request.of:
                        continue
                    run(record.name, record.doc)
                except Exception:  # what it lacks its result will say
                    logger.exception("run %s: a document is left out", request.of)
                if record.name == "stop":
                    return

    def _find(self, run_uid: str) -> int:
        first = None
        with closing(JournalReader(self._journal)) as reader:
            for record in reader.read(names=("start", "stop")):
                if record.name == "start" and record.doc.get("uid") == run_uid:
                    first = record.sequence
                elif record.doc.get("run_start") == run_uid and first is not None:
                    return first
        if first is None:
            raise InputError(f"the journal holds no run {run_uid!r}")
        raise InputError(
            f"the scan of run {run_uid} goes on; a run is reconstructed again when it"
            " has ended"
        )

    def _path(self, request: RerunRequest) -> Path:
        return self._folder / f"{request.result_uid}.json"


def _changed_ns(path: Path) -> int:
    """Tell when a file was written; the beginning of time for one that has gone."""
    try:
        return path.stat().st_mtime_ns
    except FileNotFoundError:
        return 0
