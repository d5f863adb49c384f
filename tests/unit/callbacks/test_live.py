"""A whole run through the live callback: what its result says of its documents."""

import gc
from collections.abc import Iterator
from pathlib import Path
from weakref import ref

import pytest

from daiss_bluesky.algorithms.fbp import FbpAlgorithm
from daiss_bluesky.core.pipeline import Pipeline
from daiss_bluesky.core.results import Final
from daiss_bluesky.publishers.memory import MemoryPublisher
from daiss_bluesky.testing.documents import Documents, compose_scan
from daiss_callbacks.live import LiveReconstruction, LiveSettings
from tests.conftest import wait_until


def run(
    folder: Path, documents: Documents, published: MemoryPublisher
) -> LiveReconstruction:
    """Take a whole run's documents to the end of its result."""
    settings = LiveSettings(
        Pipeline(algorithm="fbp", publishers=[]),
        FbpAlgorithm(center_px=2.0),
        [folder],
        make_publishers=lambda: [published],
    )
    live = LiveReconstruction(documents[0][1], settings)
    for name, doc in documents:
        live(name, doc)
    wait_until(live.done, "the end")
    return live


def final_of(folder: Path, documents: Documents) -> Final:
    published = MemoryPublisher()
    run(folder, documents, published)
    [final] = published.finals.values()
    return final


def test_what_was_announced_again_is_counted(tmp_path: Path) -> None:
    recorded = compose_scan("stream", tmp_path / "frames.h5")
    repeated = [doc for doc in recorded.documents if doc[0] == "stream_datum"]
    *before, stop = recorded.documents
    final = final_of(tmp_path, [*before, *repeated, stop])
    assert final.status == "complete"
    assert final.progress.duplicates > 0


def test_what_keeps_frames_from_being_found_is_said(tmp_path: Path) -> None:
    recorded = compose_scan("stream", tmp_path / "frames.h5")
    for name, doc in recorded.documents:
        if name == "stream_resource":
            doc["mimetype"] = "video/mp4"
    final = final_of(tmp_path, recorded.documents)
    assert final.status == "failed"
    assert "no frame arrived (stream resource of MIME type" in final.message


@pytest.fixture
def _no_collector() -> Iterator[None]:
    """It comes late where a process holds much, and a volume is one object to it."""
    gc.disable()
    yield
    gc.enable()


@pytest.mark.usefixtures("_no_collector")
def test_a_result_that_is_published_holds_no_volume(tmp_path: Path) -> None:
    recorded = compose_scan("stream", tmp_path / "frames.h5")
    published = MemoryPublisher()
    live = run(tmp_path, recorded.documents, published)
    [final] = published.finals.values()
    volume = ref(final.arrays["volume"])
    published.finals.clear()
    del final
    wait_until(lambda: volume() is None, "the memory")
    assert live.done()
