"""The reconstructor: follows the documents and reconstructs every run it can.

Killed at any moment it resumes at the start of the oldest run it had not finished:
the documents come again from the journal, the frames from the detector's file, and
the result is the same one under the same name.
"""

import logging
import os
import threading
from collections.abc import Callable, Iterable, Mapping
from contextlib import ExitStack, closing
from functools import cache
from importlib import import_module
from pathlib import Path
from typing import Annotated, Any, Protocol, cast

import typer

from daiss_bluesky.core.errors import InputError, UnavailableError, unknown
from daiss_bluesky.core.pipeline import Pipeline, read_pipeline
from daiss_bluesky.core.probe_store import ProbeKeeper
from daiss_bluesky.core.reconstruction import Algorithm, Progress
from daiss_bluesky.core.registry import ALGORITHMS, find, load
from daiss_bluesky.core.results import Publisher
from daiss_bluesky.core.technique import technique_of
from daiss_bluesky.publishers.progress_table import progress_row
from daiss_bluesky.publishers.tiled import TiledPublisher
from daiss_bluesky.services.control import ControlServer
from daiss_bluesky.services.control_requests import Askable, make_handlers
from daiss_bluesky.services.document_stream import DocumentStream
from daiss_bluesky.services.journal import JournalReader, Record
from daiss_bluesky.services.position import Position
from daiss_bluesky.services.probe_files import ProbeFiles
from daiss_bluesky.services.ready import announce, end_event, run_service
from daiss_bluesky.services.run_documents import RunDocuments
from daiss_bluesky.services.state import StateDirectory

logger = logging.getLogger(__name__)

LIVE = "daiss_callbacks.live:LiveReconstruction"
LIVE_SETTINGS = "daiss_callbacks.live:LiveSettings"
API_KEY = "TILED_API_KEY"
POLL_S = 0.2


class RunCallback(Askable, Protocol):
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
        self._documents = RunDocuments()

    def receive(self, records: Iterable[Record]) -> None:
        """Take documents, and look which runs are done."""
        for record in records:
            self._take(record)
            self._newest = record.sequence
            self._position.passed(record.sequence)
        for uid in [uid for uid, run in self._running.items() if run.done()]:
            self._end(uid)
            self._position.passed(self._newest)

    def _take(self, record: Record) -> None:
        try:
            uid = self._documents.run_of(record.name, record.doc)
        except (KeyError, TypeError) as error:
            logger.error("a %s document names no run: %r", record.name, error)
            return
        if uid is None:
            return
        if record.name == "start":
            self._begin(uid, record)
        callback = self._running.get(uid)
        if callback is None:
            return
        try:
            callback(record.name, record.doc)
        except Exception:
            # Others must not suffer, and what this one lacks its result will say.
            logger.exception("run %s: one %s document is left out", uid, record.name)
            if record.name == "stop":
                callback.stop()
                self._end(uid)

    def _begin(self, uid: str, record: Record) -> None:
        self._position.began(uid, record.sequence)
        callback = None
        try:
            callback = self._make_callback(record.doc)
        except InputError as error:
            logger.warning("run %s is not reconstructed: %s", uid, error)
        except Exception:  # one bad run must not end the others
            logger.exception("run %s is not reconstructed", uid)
        if callback is None:
            self._position.finished(uid)
        else:
            self._running[uid] = callback

    def _end(self, uid: str) -> None:
        del self._running[uid]
        self._position.finished(uid)

    def newest(self) -> RunCallback:
        """Give the run that began last of those being reconstructed."""
        running = list(self._running.values())
        if not running:
            raise UnavailableError("no run is being reconstructed")
        return running[-1]

    def stop(self) -> None:
        """Give up the runs that are not done."""
        for callback in self._running.values():
            callback.stop()


def make_algorithm(pipeline: Pipeline) -> Algorithm:
    """Make the algorithm a pipeline names; refuses one of another technique."""
    algorithm: Algorithm = find(ALGORITHMS, pipeline.algorithm)(
        memory_limit_gb=pipeline.memory_limit_gb, **pipeline.parameters
    )
    if algorithm.technique != pipeline.technique:
        raise InputError(
            f"the pipeline is for {pipeline.technique} but its algorithm"
            f" {pipeline.algorithm!r} is one of {algorithm.technique}"
        )
    return algorithm


def _remembering(algorithm: Algorithm, state: StateDirectory) -> Algorithm:
    if isinstance(algorithm, ProbeKeeper):
        remembering: Algorithm = algorithm.with_store(ProbeFiles(state.probes))
        return remembering
    return algorithm


def publishers_of(
    state: StateDirectory, tiled_uri: str, prefix: str
) -> dict[str, Callable[[], Publisher]]:
    """Give what makes each publisher, by name.

    The PVA server is one for all runs: its PVs are there from the beginning.
    """

    def tiled() -> Publisher:
        return TiledPublisher(tiled_uri, os.environ[API_KEY], state.results)

    @cache
    def pva() -> Publisher:
        from daiss_bluesky.publishers.pva import PvaPublisher  # noqa: PLC0415

        return PvaPublisher(prefix)

    return {"tiled": tiled, "pva": pva}


def make_publishers(
    pipeline: Pipeline, known: Mapping[str, Callable[[], Publisher]]
) -> Callable[[], list[Publisher]]:
    """Give what makes the publishers a pipeline names, for each run anew."""
    for name in pipeline.publishers:
        if name not in known:
            raise unknown("publisher", name, known)
    if "pva" in pipeline.publishers:
        known["pva"]()
    if "tiled" in pipeline.publishers:
        # Half a second that the first volume would wait for.
        import_module("zarr")
        # pyarrow imports pandas with its first row; the views would grow old meanwhile.
        progress_row(0, 0.0, Progress(), 0.0)
    return lambda: [known[name]() for name in pipeline.publishers]


def follow(stream: DocumentStream, reconstructor: Reconstructor) -> None:
    """Take documents until told to end."""
    ended = end_event()
    while not ended.is_set():
        reconstructor.receive(stream.read_new(POLL_S))


def main(
    state: Annotated[Path, typer.Option(help="state directory")],
    pipeline: Annotated[
        list[Path], typer.Option(help="pipeline file, one for each technique")
    ],
    tiled_uri: Annotated[str, typer.Option(help="Tiled server")],
    proxy_address: Annotated[str, typer.Option(help="host:port documents come from")],
    prefix: Annotated[str, typer.Option(help="EPICS prefix of the results")] = "DAISS:",
    data_root: Annotated[
        list[Path] | None, typer.Option(help="where detector files may lie")
    ] = None,
    path_map: Annotated[
        list[str] | None, typer.Option(help="IOC_PATH=OUR_PATH, where they differ")
    ] = None,
    control_port: Annotated[
        int | None, typer.Option(help="port on loopback that takes requests")
    ] = None,
    ready_file: Annotated[Path | None, typer.Option(help="written when ready")] = None,
) -> None:
    """Reconstruct every run that there is a pipeline for as its documents arrive."""
    directory = StateDirectory(state.resolve())
    plans = {plan.technique: plan for plan in map(read_pipeline, pipeline)}
    known = publishers_of(directory, tiled_uri, prefix)
    shared = {
        "allowed_roots": data_root or [directory.raw],
        "path_map": dict(pair.split("=", 1) for pair in path_map or []),
        "scratch": directory.scratch,
        "slot": threading.Lock(),
    }
    settings: dict[str, Any] = {
        technique: load(LIVE_SETTINGS)(
            pipeline=plan,
            algorithm=_remembering(make_algorithm(plan), directory),
            make_publishers=make_publishers(plan, known),
            **shared,
        )
        for technique, plan in plans.items()
    }
    live = load(LIVE)
    load("daiss_bluesky.kernels.compile:compile_all")()
    # Before a scan comes: its first frame would wait for it.
    load("daiss_bluesky.kernels.method_speeds:method_speeds")()
    position = _position(directory)

    def reconstruct(start: Mapping[str, Any]) -> RunCallback | None:
        chosen = settings.get(technique_of(start) or "")
        return None if chosen is None else cast("RunCallback", live(start, chosen))

    reconstructor = Reconstructor(position, reconstruct)
    place = position.resume_sequence
    with ExitStack() as ends:
        stream = DocumentStream(directory.journal, proxy_address, place)
        ends.enter_context(closing(stream))
        ends.callback(reconstructor.stop)
        if control_port is not None:
            handlers = make_handlers(reconstructor.newest)
            ends.enter_context(closing(ControlServer(control_port, handlers)))
        announce(
            ready_file,
            algorithms=[plan.algorithm for plan in plans.values()],
            prefix=prefix,
        )
        follow(stream, reconstructor)


def _position(directory: StateDirectory) -> Position:
    with closing(JournalReader(directory.journal)) as reader:
        return Position(
            directory.root / "reconstructor.position", reader.identity() or ""
        )


if __name__ == "__main__":
    run_service(lambda: typer.run(main))
