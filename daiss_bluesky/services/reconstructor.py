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
from functools import cache, partial
from importlib import import_module
from pathlib import Path
from typing import Annotated, Any, Protocol

import typer

from daiss_bluesky.core.errors import InputError, UnavailableError, unknown
from daiss_bluesky.core.pipeline import Pipeline, read_pipeline
from daiss_bluesky.core.probe_store import ProbeKeeper
from daiss_bluesky.core.reconstruction import Algorithm, Progress
from daiss_bluesky.core.registry import ALGORITHMS, find, load
from daiss_bluesky.core.results import Publisher
from daiss_bluesky.publishers.progress_table import progress_row
from daiss_bluesky.publishers.tiled import TiledPublisher
from daiss_bluesky.publishers.tiled_http import TiledHttp
from daiss_bluesky.services.control import ControlServer
from daiss_bluesky.services.control_address import (
    ControlAddress,
    read_or_make_control_key,
)
from daiss_bluesky.services.control_requests import Askable, make_handlers
from daiss_bluesky.services.document_stream import DocumentStream
from daiss_bluesky.services.journal import JournalReader, Record
from daiss_bluesky.services.live_runs import LiveRuns
from daiss_bluesky.services.position import Position
from daiss_bluesky.services.probe_files import ProbeFiles
from daiss_bluesky.services.ready import announce, end_event, run_service
from daiss_bluesky.services.reruns import Reruns
from daiss_bluesky.services.run_documents import RunDocuments
from daiss_bluesky.services.state import StateDirectory
from daiss_bluesky.services.status_board import StatusBoard
from daiss_bluesky.services.tiled_server import API_KEY

logger = logging.getLogger(__name__)

LIVE_SETTINGS = "daiss_callbacks.live:LiveSettings"
POLL_S = 0.2


class RunCallback(Askable, Protocol):
    """What this service needs of a run's callback."""

    result_uid: str

    def __call__(self, name: str, doc: Mapping[str, Any]) -> object:
        """Take a document of the run."""
        ...

    def done(self) -> bool:
        """Tell whether everything of the run has been published."""
        ...

    def stop(self) -> None:
        """Give up; the run will be seen again."""
        ...


def _nobody_hears(uid: str) -> None:
    """Stand in for `on_settled`."""


class Reconstructor:
    """Hands each run's documents to a callback of its own, and remembers the place."""

    def __init__(
        self,
        position: Position,
        make_callback: Callable[[Mapping[str, Any]], RunCallback | None],
        on_settled: Callable[[str], None] = _nobody_hears,
    ) -> None:
        """Begin at the position; `make_callback` gives None for runs left alone.

        `on_settled` is called with the uid of each result that has been published.
        """
        self._on_settled = on_settled
        self._position = position
        self._make_callback = make_callback
        self._running: dict[str, RunCallback] = {}
        self._newest = position.resume_sequence - 1
        self._documents = RunDocuments()

    def receive(self, records: Iterable[Record]) -> None:
        """Take documents, and look which runs are done."""
        before = self._newest
        for record in records:
            self._take(record)
            self._newest = record.sequence
        done = [uid for uid, run in self._running.items() if run.done()]
        for uid in done:
            self._end(uid)
        if done or self._newest != before:
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
        self._on_settled(self._running.pop(uid).result_uid)
        self._position.finished(uid)

    @property
    def busy(self) -> bool:
        """Tell whether a run is being reconstructed."""
        return bool(self._running)

    def find(self, of: str | None) -> RunCallback | None:
        """Give the one of a run or result, or that of the run which began last."""
        running = dict(self._running)
        for uid, one in reversed(running.items()):
            if of is None or of in {uid, one.result_uid}:
                return one
        return None

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


def _remembered(state: StateDirectory, pipeline: Pipeline) -> Algorithm:
    """Make an algorithm that begins with what earlier runs left."""
    algorithm = make_algorithm(pipeline)
    if isinstance(algorithm, ProbeKeeper):
        remembering: Algorithm = algorithm.with_store(ProbeFiles(state.probes))
        return remembering
    return algorithm


def publishers_of(
    state: StateDirectory, http: TiledHttp, prefix: str
) -> dict[str, Callable[[], Publisher]]:
    """Give what makes each publisher, by name.

    The PVA server is one for all runs: its PVs are there from the beginning. So are
    Tiled's connections, or those of each run that has ended would stay.
    """

    def tiled() -> Publisher:
        return TiledPublisher(http, state.results)

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


def follow(
    stream: DocumentStream, reconstructor: Reconstructor, between: Callable[[], None]
) -> None:
    """Take documents until told to end; `between` is called now and then."""
    ended = end_event()
    while not ended.is_set():
        reconstructor.receive(stream.read_new(POLL_S))
        between()


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
    status_port: Annotated[
        int | None, typer.Option(help="port on loopback that tells status")
    ] = None,
    ready_file: Annotated[Path | None, typer.Option(help="written when ready")] = None,
) -> None:
    """Reconstruct every run that there is a pipeline for as its documents arrive."""
    directory = StateDirectory(state.resolve())
    read = map(read_pipeline, pipeline)
    plans: dict[str, Pipeline] = {plan.technique: plan for plan in read}
    http = TiledHttp(tiled_uri, os.environ.get(API_KEY, ""))
    known = publishers_of(directory, http, prefix)
    remembered = partial(_remembered, directory)
    settings = _settings(directory, plans, remembered, data_root, path_map)
    _prepare(plans, known)
    position = _position(directory)
    board = StatusBoard()
    runs = LiveRuns(
        directory,
        board,
        settings,
        remembered,
        lambda plan: make_publishers(plan, known),
    )
    reconstructor = Reconstructor(position, runs.begin, board.settled)
    reruns = Reruns(directory.reruns, directory.journal, runs.repeat, board.settled)
    with ExitStack() as ends:
        ends.enter_context(closing(http))
        stream = DocumentStream(
            directory.journal, proxy_address, position.resume_sequence
        )
        ends.enter_context(closing(stream))
        ends.callback(reconstructor.stop)
        ends.callback(reruns.stop)
        if control_port is not None:
            address = ControlAddress(
                control_port,
                status_port or control_port + 1,
                read_or_make_control_key(directory.root),
            )
            server = _control(address, reconstructor, runs, reruns, board)
            ends.enter_context(closing(server))
        announce(
            ready_file,
            algorithms=[plan.algorithm for plan in plans.values()],
            prefix=prefix,
        )
        follow(stream, reconstructor, lambda: reruns.step(busy=reconstructor.busy))


def _prepare(
    plans: Mapping[str, Pipeline], known: Mapping[str, Callable[[], Publisher]]
) -> None:
    """Do before a scan comes what its first frame would wait for."""
    for plan in plans.values():
        # What cannot be made is refused, and its server is there.
        make_publishers(plan, known)
    load("daiss_bluesky.kernels.compile:compile_all")()
    load("daiss_bluesky.kernels.method_speeds:method_speeds")()


def _settings(
    directory: StateDirectory,
    plans: Mapping[str, Pipeline],
    remembered: Callable[[Pipeline], Algorithm],
    data_root: list[Path] | None,
    path_map: list[str] | None,
) -> dict[str, Any]:
    """Say by technique what every run of it shares."""
    shared = {
        "allowed_roots": data_root or [directory.raw],
        "path_map": dict(pair.split("=", 1) for pair in path_map or []),
        "scratch": directory.scratch,
        "slot": threading.Lock(),
    }
    make = load(LIVE_SETTINGS)
    return {
        technique: make(pipeline=plan, algorithm=remembered(plan), **shared)
        for technique, plan in plans.items()
    }


def _control(
    address: ControlAddress,
    reconstructor: Reconstructor,
    runs: LiveRuns,
    reruns: Reruns,
    board: StatusBoard,
) -> ControlServer:
    handlers = make_handlers(
        lambda of: _find(reconstructor, reruns, board, of),
        partial(runs.ask_again, reruns),
        partial(_cancel, reruns, board),
    )
    return ControlServer(address, handlers, board)


def _cancel(reruns: Reruns, board: StatusBoard, of: str | None, message: str) -> bool:
    """Forget a rerun that has not begun."""
    if of is None or not reruns.cancel(of):
        return False
    board.dropped(of, message)
    return True


def _find(
    reconstructor: Reconstructor, reruns: Reruns, board: StatusBoard, of: str | None
) -> Askable:
    """Find what is being made, of a run or result; the newest without a uid."""
    found = reconstructor.find(of)
    if found is not None:
        return found
    active = reruns.active
    if active is not None and of in {None, active[0].result_uid}:
        return active[1]
    if of is not None and board.status(of).ended:
        raise UnavailableError(f"{of} has ended; what it gave is in Tiled")
    raise UnavailableError("no run is being reconstructed")


def _position(directory: StateDirectory) -> Position:
    with closing(JournalReader(directory.journal)) as reader:
        return Position(
            directory.root / "reconstructor.position", reader.identity(), reader.end()
        )


if __name__ == "__main__":
    run_service(lambda: typer.run(main))
