"""The reconstructor: follows the documents and reconstructs every tomography run.

Killed at any moment it resumes at the start of the oldest run it had not finished:
the documents come again from the journal, the frames from the detector's file, and
the result is the same one under the same name.
"""

import logging
import os
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any, Protocol

import typer
from event_model import RunRouter

from daiss_bluesky.core.errors import InputError
from daiss_bluesky.core.pipeline import Pipeline, read_pipeline
from daiss_bluesky.core.registry import ALGORITHMS, find, load
from daiss_bluesky.core.results import Publisher
from daiss_bluesky.services.document_stream import DocumentStream
from daiss_bluesky.services.journal import JournalReader, Record
from daiss_bluesky.services.position import Position
from daiss_bluesky.services.ready import announce, end_event, run_service
from daiss_bluesky.services.state import StateDirectory

logger = logging.getLogger(__name__)

LIVE = "daiss_callbacks.live:LiveReconstruction"
LIVE_SETTINGS = "daiss_callbacks.live:LiveSettings"
POLL_S = 0.2


class RunCallback(Protocol):
    """What this service needs of a run's callback."""

    def __call__(self, name: str, doc: Mapping[str, Any]) -> object:
        """Take a document of the run."""
        ...

    def done(self) -> bool:
        """Tell whether everything of the run has been published."""
        ...

    def stop(self) -> None:
        """Give up; the run will be seen again."""
        ...


class Reconstructor:
    """Hands each run's documents to a callback of its own, and remembers the place."""

    def __init__(
        self,
        position: Position,
        make_callback: Callable[[Mapping[str, Any]], RunCallback | None],
    ) -> None:
        """Begin at the position; `make_callback` gives None for runs left alone."""
        self._position = position
        self._make_callback = make_callback
        self._running: dict[str, RunCallback] = {}
        self._newest = position.resume_sequence - 1
        self._router = RunRouter([self._factory])

    def _factory(
        self, _name: str, start: Mapping[str, Any]
    ) -> tuple[list[RunCallback], list[Any]]:
        try:
            callback = self._make_callback(start)
        except InputError as error:
            logger.warning("run %s is not reconstructed: %s", start["uid"], error)
            return [], []
        if callback is None:
            return [], []
        self._running[start["uid"]] = callback
        return [callback], []

    def receive(self, records: Iterable[Record]) -> None:
        """Take documents, and look which runs are done."""
        for record in records:
            if record.name == "start":
                self._position.began(record.doc["uid"], record.sequence)
            self._router(record.name, record.doc)
            if record.name == "start" and record.doc["uid"] not in self._running:
                self._position.finished(record.doc["uid"])
            self._newest = record.sequence
            self._position.passed(record.sequence)
        for uid in [uid for uid, run in self._running.items() if run.done()]:
            del self._running[uid]
            self._position.finished(uid)
            self._position.passed(self._newest)

    def stop(self) -> None:
        """Give up the runs that are not done."""
        for callback in self._running.values():
            callback.stop()


def serve(
    state: StateDirectory,
    pipeline: Pipeline,
    make_publishers: Callable[[], Sequence[Publisher]],
    *,
    proxy_address: str | None,
    allowed_roots: Sequence[Path],
    path_map: Mapping[str, str],
    ready_file: Path | None,
) -> None:
    """Follow the journal until told to end."""
    ended = end_event()
    algorithm = find(ALGORITHMS, pipeline.algorithm)(**pipeline.parameters)
    live = load(LIVE)
    settings = load(LIVE_SETTINGS)(
        pipeline, algorithm, allowed_roots, path_map, make_publishers
    )
    load("daiss_bluesky.kernels.compile:compile_all")()
    with JournalReader(state.journal) as reader:
        position = Position(
            state.root / "reconstructor.position", reader.identity() or ""
        )
    reconstructor = Reconstructor(
        position, lambda start: live(start, settings) if live.wants(start) else None
    )
    stream = DocumentStream(state.journal, proxy_address, position.resume_sequence)
    announce(ready_file, algorithm=algorithm.name)
    try:
        while not ended.is_set():
            reconstructor.receive(stream.read_new(POLL_S))
    finally:
        stream.close()
        reconstructor.stop()
