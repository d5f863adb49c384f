"""Begins the result of each run: the one while it runs, and others on request."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any, Protocol

from daiss_bluesky.core.errors import DaissError, InputError, UnavailableError
from daiss_bluesky.core.pipeline import Pipeline
from daiss_bluesky.core.reconstruction import Algorithm
from daiss_bluesky.core.registry import load
from daiss_bluesky.core.results import Publisher, result_uid
from daiss_bluesky.core.technique import technique_of
from daiss_bluesky.services.control import Asked
from daiss_bluesky.services.control_requests import Askable
from daiss_bluesky.services.reruns import RerunRequest, Reruns
from daiss_bluesky.services.run_wishes import RunWishes
from daiss_bluesky.services.state import StateDirectory
from daiss_bluesky.services.status_board import BoardPublisher, StatusBoard

LIVE = "daiss_callbacks.live:LiveReconstruction"
RERUN = "daiss_callbacks.live:Rerun"

MakePublishers = Callable[[Pipeline], Callable[[], Sequence[Publisher]]]

BEAMLINE_NETWORK = "pva"
"""A publisher that shows one result at a time: that of the scan."""


class LiveRun(Askable, Protocol):
    """One result in the making."""

    result_uid: str
    scan: Any

    def __call__(self, name: str, doc: Mapping[str, Any]) -> object:
        """Take a document of the run."""
        ...

    def done(self) -> bool:
        """Tell whether everything of the run has been published."""
        ...

    def stop(self) -> None:
        """Give up; the run will be seen again."""
        ...


class LiveRuns:
    """What every result of one reconstructor shares, and how it begins."""

    def __init__(
        self,
        directory: StateDirectory,
        board: StatusBoard,
        settings: Mapping[str, Any],
        make_algorithm: Callable[[Pipeline], Algorithm],
        make_publishers: MakePublishers,
    ) -> None:
        """Take a LiveSettings for each technique."""
        self._directory = directory
        self._board = board
        self._settings = settings
        self._make_algorithm = make_algorithm
        self._make_publishers = make_publishers
        self._live = load(LIVE)

    def begin(self, start: Mapping[str, Any]) -> LiveRun | None:
        """Begin the result of a run; None where nobody wants it."""
        settings = self._settings.get(technique_of(start) or "")
        if settings is None:
            return None
        uid = result_uid(start["uid"], settings.pipeline.digest)
        wishes = self.wishes_of(uid)
        if wishes.aborted:
            return None
        run: LiveRun = self._live(start, self._told(settings), wishes=wishes)
        self._board.began(uid, run.scan, settings.pipeline.algorithm)
        return run

    def repeat(self, start: Mapping[str, Any], request: RerunRequest) -> LiveRun:
        """Begin another result of a run, with parameters of its own."""
        settings = self._settings_for(start, request.parameters)
        run: LiveRun = self._live(
            start,
            self._told(settings),
            wishes=self.wishes_of(request.result_uid),
            rerun=load(RERUN)(request.result_uid, request.facts),
        )
        pipeline = settings.pipeline
        self._board.began(request.result_uid, run.scan, pipeline.algorithm)
        return run

    def wishes_of(self, uid: str) -> RunWishes:
        """Read what was set for a result."""
        return RunWishes(self._directory.wishes / f"{uid}.json")

    def ask_again(
        self, reruns: Reruns, asked: Asked, parameters: Mapping[str, Any]
    ) -> str:
        """Queue a run to be reconstructed once more; gives the new result's uid.

        It begins with what was set while the run was reconstructed the first time.
        """
        start = self._start_of(reruns, asked.of)
        settings = self._settings.get(technique_of(start) or "")
        if settings is None:
            raise InputError(f"there is no pipeline for run {start['uid']}")
        uid = result_uid(start["uid"], settings.pipeline.digest)
        if "algorithm" not in parameters:
            parameters = {**self.wishes_of(uid).parameters(), **parameters}
        chosen = self._settings_for(start, parameters)
        new_uid = reruns.request(start["uid"], parameters, asked.by)
        scan = load("daiss_bluesky.core.technique:scan_from_start")(start)
        self._board.began(
            new_uid, scan, chosen.pipeline.algorithm, "waits until no scan is running"
        )
        return new_uid

    def _start_of(self, reruns: Reruns, of: str | None) -> Mapping[str, Any]:
        """Find the run of a result; also of one that an earlier process made."""
        try:
            return reruns.start_document(self._board.status(of).raw_uid)
        except UnavailableError:
            of = of or ""
        except DaissError:
            if of is None:
                raise
        starts = reruns.starts()
        if not of and starts:
            return reruns.start_document(starts[-1]["uid"])
        digests = [one.pipeline.digest for one in self._settings.values()]
        return reruns.start_document(run_meant(of, starts, digests))

    def _settings_for(
        self, start: Mapping[str, Any], parameters: Mapping[str, Any]
    ) -> Any:
        settings = self._settings[technique_of(start) or ""]
        pipeline = changed(settings.pipeline, parameters)
        return replace(
            settings, pipeline=pipeline, algorithm=self._make_algorithm(pipeline)
        )

    def _told(self, settings: Any) -> Any:
        """Let the board be told beside the pipeline's own publishers."""
        make = self._make_publishers(settings.pipeline)
        return replace(
            settings, make_publishers=lambda: [BoardPublisher(self._board), *make()]
        )


def changed(pipeline: Pipeline, parameters: Mapping[str, Any]) -> Pipeline:
    """Give a pipeline for another result of a run.

    Another `algorithm` begins with its own parameters.
    """
    given = dict(parameters)
    name = given.pop("algorithm", pipeline.algorithm)
    if not isinstance(name, str):
        raise InputError(f"algorithm is a name, not {name!r}")
    base = pipeline.parameters if name == pipeline.algorithm else {}
    publishers = [one for one in pipeline.publishers if one != BEAMLINE_NETWORK]
    return pipeline.model_copy(
        update={
            "algorithm": name,
            "parameters": {**base, **given},
            "publishers": publishers,
        }
    )


def run_meant(
    of: str, starts: Sequence[Mapping[str, Any]], digests: Sequence[str]
) -> str:
    """Find the run by its uid, its scan id, or the uid of a result; the newest such."""
    for start in reversed(starts):
        uids = {result_uid(start["uid"], digest) for digest in digests}
        if of in uids | {start["uid"], str(start.get("scan_id"))}:
            return str(start["uid"])
    raise InputError(f"the journal holds no run and no result {of!r}")
