"""A frame whose position got lost is left out by the engine, and counted as missing."""

import threading
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from daiss_bluesky.core.frames import Batch
from daiss_bluesky.core.reconstruction import Arrays, Progress, Reread
from daiss_bluesky.core.results import Final
from daiss_bluesky.engine.local import Listener, LocalEngine
from daiss_bluesky.testing.documents import RecordedRun, Style, compose_ptychography
from daiss_callbacks.assembler import FrameAssembler
from daiss_callbacks.frame_store import FrameStore

N = 40
LOST = {3, 17, 18, 39}


class Positions:
    """A reconstruction that keeps the positions it is given."""

    def __init__(self) -> None:
        self.positions_um: dict[int, Any] = {}

    def add(self, batch: Batch) -> None:
        assert batch.positions_um is not None
        if batch.is_sample:
            found = zip(batch.indices.tolist(), batch.positions_um, strict=True)
            self.positions_um |= dict(found)

    def progress(self) -> Progress:
        return Progress(frames_expected=N, frames_received=len(self.positions_um))

    def views(self) -> Arrays:
        return {}

    def stale(self) -> str | None:
        return None

    def restart(self) -> None:
        raise AssertionError

    def finish(self, reread: Reread, on_step: Any = None) -> Arrays:
        return {}


def reconstruct(run: RecordedRun, documents: Any, root: Path) -> tuple[Final, Any]:
    made = Positions()
    algorithm: Any = SimpleNamespace(
        memory_bytes=lambda *_: 1, start=lambda scan, shape: made
    )
    ended, finals = threading.Event(), []

    def final(one: Final) -> None:
        finals.append(one)
        ended.set()

    store = FrameStore([root], timeout_s=60.0)
    assembler = FrameAssembler(run.scan, run.start, store.keep)
    listener = Listener(lambda *_: None, lambda _: None, final)
    engine = LocalEngine(algorithm, run.scan, store, listener)
    for name, doc in documents:
        engine.submit(assembler(name, doc))
    engine.end()
    assert ended.wait(60.0)
    store.close()
    return finals[0], made.positions_um


@pytest.mark.parametrize("style", ["stream", "async_fly"])
def test_frames_without_a_position_are_missing_and_the_others_in_place(
    tmp_path: Path, style: Style
) -> None:
    run = compose_ptychography(
        style, tmp_path / "frames.h5", n_events=N, with_positions=False
    )
    streams = {doc["uid"]: doc["name"] for name, doc in run.documents if "name" in doc}
    documents = [
        (name, doc)
        for name, doc in run.documents
        if name != "event"
        or streams[doc["descriptor"]] == "dark"
        or doc["seq_num"] - 1 not in LOST
    ]

    final, found = reconstruct(run, documents, tmp_path)

    assert set(found) == set(range(N)) - LOST
    assert (final.status, final.progress.frames_missing) == ("incomplete", len(LOST))
    for key, position in run.measured.items():
        if key.index not in LOST:
            np.testing.assert_allclose(found[key.index], position)
