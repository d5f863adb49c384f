"""Live reconstruction: documents of a run in, results out while it still runs."""

import logging
import platform
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future
from dataclasses import dataclass, field, replace
from importlib.metadata import version
from pathlib import Path
from typing import Any, Protocol

from event_model import DocumentRouter

from daiss_bluesky.core.pipeline import Pipeline
from daiss_bluesky.core.reconstruction import (
    Algorithm,
    PlacedAlgorithm,
    Progress,
    Reconstruction,
    Reread,
)
from daiss_bluesky.core.results import Final, Publisher, Result, Update, result_uid
from daiss_bluesky.core.technique import scan_from_start
from daiss_bluesky.engine.local import Listener, LocalEngine
from daiss_bluesky.engine.questions import Question
from daiss_bluesky.publishers.pacing import PacedPublisher
from daiss_callbacks.assembler import FrameAssembler
from daiss_callbacks.frame_store import FrameStore

logger = logging.getLogger(__name__)

STOP_TIMEOUT_S = 10.0
VERSIONED = ("daiss-bluesky", "bluesky", "numba", "numpy", "scipy", "tiled")


@dataclass(frozen=True, slots=True)
class LiveSettings:
    """What every run of one reconstructor shares."""

    pipeline: Pipeline
    algorithm: Algorithm
    allowed_roots: Sequence[Path]
    """Detector files outside these are refused."""
    path_map: Mapping[str, str] = field(default_factory=dict)
    make_publishers: Callable[[], Sequence[Publisher]] = tuple
    """Called once a run."""
    scratch: Path | None = None
    """Where images that came inside events are kept beyond what memory is for them."""
    slot: threading.Lock = field(default_factory=threading.Lock)
    """Runs wait for each other here: memory is that of one reconstruction."""


class Wishes(Protocol):
    """What is set for a run while it is reconstructed."""

    def apply(self, one: Reconstruction) -> None:
        """Bring a reconstruction that begins to what was set before."""
        ...

    def notes(self) -> Mapping[str, Any]:
        """Say beside the parameters in force who set what."""
        ...


class NoWishes:
    """Nothing is set."""

    def apply(self, one: Reconstruction) -> None:
        """Leave it as it is."""

    def notes(self) -> Mapping[str, Any]:
        """Say nothing."""
        return {}


@dataclass(frozen=True, slots=True)
class Rerun:
    """Another result of a run that has one."""

    result_uid: str
    facts: Mapping[str, Any]
    """For provenance; see `Result.rerun`."""


class LiveReconstruction(DocumentRouter):
    """One run: assembles its frames, feeds the engine, hands on what comes out."""

    def __init__(
        self,
        start: Mapping[str, Any],
        settings: LiveSettings,
        *,
        wishes: Wishes | None = None,
        rerun: Rerun | None = None,
    ) -> None:
        """Begin; refuses a start document whose record is wrong."""
        super().__init__()
        self.scan = scan_from_start(start)
        self.wishes = wishes or NoWishes()
        self._rerun = rerun
        digest = settings.pipeline.digest
        self.result_uid = (
            rerun.result_uid if rerun else result_uid(self.scan.run_uid, digest)
        )
        self._settings = settings
        self._store = FrameStore(
            settings.allowed_roots, settings.path_map, scratch=settings.scratch
        )
        self._assembler = FrameAssembler(self.scan, start, self._store.keep)
        self._publishers = [PacedPublisher(one) for one in settings.make_publishers()]
        self._unresolved: list[str] = []
        """What the documents left open, in sentences."""
        self._ended = threading.Event()
        self._is_open = False
        self._engine = LocalEngine(
            settings.algorithm,
            self.scan,
            self._store,
            Listener(self._opened, self._updated, self._final),
            update_period_s=settings.pipeline.update_period_s,
            slot=settings.slot,
            prepare=self.wishes.apply,
        )

    def __call__(self, name: str, doc: Mapping[str, Any]) -> None:
        """Take any document of the run."""
        self._engine.submit(self._assembler(name, doc))
        if name == "stop":
            self._store.run_ended()
            self._unresolved = self._assembler.unresolved()
            for sentence in self._unresolved:
                logger.warning("run %s: %s", self.scan.run_uid, sentence)
            succeeded = doc["exit_status"] == "success"
            reason = doc.get("reason") or f"the run ended with {doc['exit_status']!r}"
            self._engine.end(succeeded=succeeded, message="" if succeeded else reason)

    def _opened(self, frame_shape: tuple[int, int], memory_bytes: int) -> None:
        self._is_open = True
        algorithm = self._settings.algorithm
        result = Result(
            uid=self.result_uid,
            scan=self.scan,
            algorithm=algorithm.name,
            parameters=algorithm.parameters.model_dump(mode="json"),
            frame_shape=frame_shape,
            versions={name: version(name) for name in VERSIONED},
            device=_device_name(algorithm),
            memory_bytes=memory_bytes,
            started_s=time.time(),
            view_shapes=algorithm.view_shapes(self.scan, frame_shape)
            if memory_bytes
            else {},
            rerun=self._rerun.facts if self._rerun else {},
        )
        for publisher in self._publishers:
            publisher.open(result)

    def _with_notes(self, progress: Progress) -> Progress:
        parameters = {**progress.parameters, **self.wishes.notes()}
        # Repeats among the documents never get as far as the reconstruction.
        duplicates = progress.duplicates + self._assembler.duplicates
        return replace(progress, parameters=parameters, duplicates=duplicates)

    def _updated(self, update: Update) -> None:
        update = replace(update, progress=self._with_notes(update.progress))
        for publisher in self._publishers:
            publisher.write(update)

    def _final(self, final: Final) -> None:
        final = replace(final, progress=self._with_notes(final.progress))
        if final.status != "complete" and self._unresolved:
            message = f"{final.message} ({self._unresolved[0]})"
            final = replace(final, message=message)
        if final.status == "failed":
            logger.warning("run %s: %s", self.scan.run_uid, final.message)
        if not self._is_open:
            self._opened((0, 0), 0)
        for publisher in self._publishers:
            publisher.close(final)
        self._store.close()
        self._ended.set()

    def ask(self, question: Question) -> "Future[Any]":
        """Put a question to the reconstruction, which answers between two batches."""
        return self._engine.ask(question)

    def ask_reading(self, question: Callable[[Any, Reread], Any]) -> "Future[Any]":
        """Put a question that may read frames again."""
        return self._engine.ask_reading(question)

    def abort(self, message: str) -> None:
        """End the reconstruction as incomplete with what has come."""
        self._engine.abort(message)

    def done(self) -> bool:
        """Tell whether everything of the run has been published."""
        return self._ended.is_set() and all(
            p.settled.is_set() for p in self._publishers
        )

    def stop(self) -> None:
        """Give up; the run will be seen again by the next process."""
        self._engine.stop()
        self._store.close()
        for publisher in self._publishers:
            publisher.stop()
        self._engine.join(STOP_TIMEOUT_S)


def _device_name(algorithm: Algorithm) -> str:
    if isinstance(algorithm, PlacedAlgorithm):
        return algorithm.device_name()
    return f"CPU {platform.machine()}"
