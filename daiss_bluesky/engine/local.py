"""The local engine: one worker thread feeds one reconstruction from its source.

What waits in the queue are references of a few bytes; pixels are read when their turn
comes. A scan that outruns the machine therefore waits in the detector's file, where
it is anyway, and nothing is dropped and memory stays what was stated.
"""

import logging
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, replace
from typing import Any

from daiss_bluesky.core.errors import DaissError, UnavailableError
from daiss_bluesky.core.frames import Batch, FrameKey, FrameRef
from daiss_bluesky.core.reconstruction import (
    Algorithm,
    Arrays,
    FrameSource,
    Progress,
    Reconstruction,
    Reread,
)
from daiss_bluesky.core.results import Final, Status, Update
from daiss_bluesky.core.technique import AnyScan
from daiss_bluesky.engine.freed_memory import give_memory_back
from daiss_bluesky.engine.pending import Pending
from daiss_bluesky.engine.questions import Question, Questions
from daiss_bluesky.engine.unshown import Unshown

logger = logging.getLogger(__name__)

CALIBRATION_QUIET_S = 1.0
"""Flats come in series: start over after the series, not after each of its frames."""


def _as_it_is(reconstruction: Reconstruction) -> None:
    """Stand in for `prepare`."""


class _StoppedError(Exception):
    """Ends a finish that nobody waits for any more."""


@dataclass(frozen=True, slots=True)
class Listener:
    """Who is told; called from the worker thread, so each must return at once."""

    on_open: Callable[[tuple[int, int], int], None]
    """Frame shape and bytes of memory, once the first frame has been read."""
    on_update: Callable[[Update], None]
    on_final: Callable[[Final], None]


class LocalEngine:
    """Runs one scan's reconstruction on this machine."""

    def __init__(
        self,
        algorithm: Algorithm,
        scan: AnyScan,
        source: FrameSource,
        listener: Listener,
        *,
        update_period_s: float = 0.5,
        max_batch: int = 16,
        slot: AbstractContextManager[object] | None = None,
        prepare: Callable[[Reconstruction], None] = _as_it_is,
    ) -> None:
        """Start the worker; `slot` is held while arrays are, to bound memory.

        `prepare` is called with the reconstruction before its first frame.
        """
        self._algorithm = algorithm
        self._scan = scan
        self._source = source
        self._listener = listener
        self._period_s = update_period_s
        self._max_batch = max_batch
        self._pending = Pending()
        self._questions = Questions()
        self._reconstruction: Reconstruction | None = None
        self._seen: dict[FrameKey, FrameRef] = {}
        self._lost: set[FrameKey] = set()
        self._updates = 0
        self._last_update_s = 0.0
        self._unshown = Unshown()
        self._changed = False
        self._calibrated_s = 0.0
        self._slot = slot or nullcontext()
        self._prepare = prepare
        self._aborted: str | None = None
        self._thread = threading.Thread(
            target=self._work, name=f"engine-{scan.run_uid[:8]}", daemon=True
        )
        self._thread.start()

    def submit(self, refs: Sequence[FrameRef]) -> None:
        """Queue frames; never blocks."""
        self._pending.put(refs)

    def end(self, *, succeeded: bool = True, message: str = "") -> None:
        """Say that no more frames will come; the final result follows."""
        self._pending.end(succeeded=succeeded, message=message)

    def ask(self, question: Question) -> "Future[Any]":
        """Put a question to the reconstruction; answered between two batches."""
        future = self._questions.put(question)
        self._pending.wake()
        return future

    def ask_reading(self, question: Callable[[Any, Reread], Any]) -> "Future[Any]":
        """Put a question that may read frames again."""
        return self.ask(lambda one: question(one, self._reread))

    def abort(self, message: str) -> None:
        """End as incomplete with what has come; UnavailableError if it has ended."""
        if not self._thread.is_alive():
            raise UnavailableError("this reconstruction has ended")
        self._aborted = message
        self._pending.stop()

    def stop(self) -> None:
        """Give up without a result, as before a restart of the process."""
        self._pending.stop()

    def join(self, timeout_s: float | None = None) -> bool:
        """Wait for the worker; False if it is still running."""
        self._thread.join(timeout_s)
        return not self._thread.is_alive()

    def _work(self) -> None:
        with self._slot:
            try:
                self._run()
            except DaissError as error:
                self._fail(str(error))
            except Exception as error:  # those who wait for the end must be told
                logger.exception("the reconstruction of %s failed", self._scan.run_uid)
                self._fail(f"internal error: {error!r}")
            finally:
                self._questions.close()
                self._reconstruction = None
                give_memory_back()

    def _run(self) -> None:
        try:
            self._feed()
            while self._restart_if_stale():
                self._feed()
            if not self._pending.stopped:
                self._finish()
                return
        except _StoppedError:
            logger.info("gave up the end of %s", self._scan.run_uid)
        if self._aborted is not None:
            self._end_early(self._aborted)

    def _end_early(self, message: str) -> None:
        reconstruction = self._reconstruction
        progress = Progress(frames_expected=self._scan.n_frames)
        views: Arrays = {}
        if reconstruction is not None:
            progress, views = reconstruction.progress(), reconstruction.views()
        self._listener.on_final(
            Final("incomplete", progress, message, views, finished_s=time.time())
        )

    def _feed(self) -> None:
        while (refs := self._next()) is not None:
            for batch in self._read(refs):
                self._add(batch)
            self._answer()
            self._restart_if_stale()
            self._publish_if_due()

    def _answer(self) -> None:
        if self._questions.answer(self._reconstruction):
            # A wish may have changed what the views show.
            self._changed = True

    def _next(self) -> list[FrameRef] | None:
        """Wait for frames, or for the moment something is due; None at the end."""
        due_s = None
        if self._changed:
            due_s = max(0.0, self._last_update_s + self._period_s - time.monotonic())
        elif self._reconstruction is not None and self._reconstruction.stale():
            due_s = CALIBRATION_QUIET_S
        return self._pending.take(self._max_batch, due_s)

    def _read(self, refs: Sequence[FrameRef]) -> Iterator[Batch]:
        if not refs:
            return
        for ref in refs:
            self._seen[ref.key] = ref
        try:
            yield self._source.load(refs)
        except UnavailableError as error:
            if len(refs) > 1:
                for ref in refs:
                    yield from self._read([ref])
                return
            logger.warning("frame %s is lost: %s", refs[0].key, error)
            self._lost.add(refs[0].key)

    def _add(self, batch: Batch) -> None:
        if self._reconstruction is None:
            self._reconstruction = self._open(batch)
        if batch.is_sample:
            self._unshown.add(batch)
            self._changed = True
        else:
            self._calibrated_s = time.monotonic()
        self._reconstruction.add(batch)

    def _open(self, batch: Batch) -> Reconstruction:
        rows, columns = batch.pixels.shape[1:]
        memory = self._algorithm.memory_bytes(self._scan, (rows, columns))
        self._listener.on_open((rows, columns), memory)
        reconstruction = self._algorithm.start(self._scan, (rows, columns))
        self._prepare(reconstruction)
        return reconstruction

    def _restart_if_stale(self) -> bool:
        reconstruction = self._reconstruction
        if reconstruction is None or (reason := reconstruction.stale()) is None:
            return False
        quiet = time.monotonic() - self._calibrated_s > CALIBRATION_QUIET_S
        if self._pending.calibration_waits or not (quiet or self._pending.ended):
            return False
        logger.info("reading the frames again: %s", reason)
        reconstruction.restart()
        self._unshown.forget()
        refs = [ref for ref in self._seen.values() if ref.is_sample]
        self._pending.put_back([ref for ref in refs if ref.key not in self._lost])
        return True

    def _publish_if_due(self) -> None:
        now = time.monotonic()
        due = now >= self._last_update_s + self._period_s
        if self._reconstruction is None or not (self._changed and due):
            return
        if views := self._reconstruction.views():
            self._updates += 1
            progress = self._reconstruction.progress()
            times_s = self._unshown.show()
            self._listener.on_update(
                Update(self._updates, time.time(), progress, views, times_s)
            )
            self._changed = False
        self._last_update_s = now

    def _finish(self) -> None:
        reconstruction = self._reconstruction
        if reconstruction is None:
            self._fail("no frame arrived")
            return
        arrays = reconstruction.finish(self._reread, self._step)
        progress = self._with_lost(reconstruction.progress())
        whole = self._pending.succeeded and not progress.frames_missing
        message = self._pending.message
        if not message and progress.frames_missing:
            message = (
                f"{progress.frames_missing} of {progress.frames_expected} frames"
                " never came or cannot be used"
            )
        self._listener.on_final(
            Final(
                "complete" if whole else "incomplete",
                progress,
                message,
                reconstruction.views(),
                arrays,
                time.time(),
                self._unshown.show(),
            )
        )

    def _with_lost(self, progress: Progress) -> Progress:
        """Count lost frames as missing too where no plan said how many were to come."""
        lost = sum(self._seen[key].is_sample for key in self._lost)
        if progress.frames_expected is not None or not lost:
            return progress
        return replace(progress, frames_expected=progress.frames_received + lost)

    def _step(self) -> None:
        """See to the others in the midst of a long finish."""
        if self._pending.stopped:
            raise _StoppedError
        self._answer()
        self._changed = True
        self._publish_if_due()

    def _reread(self, keys: Sequence[FrameKey]) -> Iterator[Batch]:
        refs = [self._seen[key] for key in keys]
        for start in range(0, len(refs), self._max_batch):
            if self._pending.stopped:
                raise _StoppedError
            yield self._source.load(refs[start : start + self._max_batch])

    def _fail(self, message: str) -> None:
        reconstruction = self._reconstruction
        progress = Progress(frames_expected=self._scan.n_frames)
        if reconstruction is not None:
            progress = reconstruction.progress()
        # An aborted run that lacks what a result needs has not failed: it was aborted.
        status: Status = "failed" if self._pending.succeeded else "incomplete"
        message = self._pending.message or message
        self._listener.on_final(
            Final(status, progress, message, finished_s=time.time())
        )
