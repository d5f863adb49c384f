"""Whatever order documents come in, the same frames come out, each once."""

from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from daiss_bluesky.core.frames import FrameRef
from daiss_bluesky.core.scan import Scan
from daiss_bluesky.testing.documents import (
    STYLES,
    Documents,
    RecordedScan,
    compose_scan,
    paginate,
)
from daiss_callbacks.assembler import FrameAssembler
from daiss_callbacks.frame_store import FrameStore

CASES = [(style, n) for style in STYLES for n in (1, 2)]

property_test = settings(
    max_examples=40,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)


@pytest.fixture(
    scope="module", params=CASES, ids=lambda case: f"{case[0]}-{case[1]}-per-event"
)
def recorded(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> RecordedScan:
    style, n = request.param
    path = tmp_path_factory.mktemp("frames") / "frames.h5"
    return compose_scan(style, path, frames_per_event=n)


def assemble(
    recorded: RecordedScan, documents: Documents
) -> tuple[FrameAssembler, list[FrameRef]]:
    assembler = FrameAssembler(recorded.scan, recorded.start)
    return assembler, [ref for name, doc in documents for ref in assembler(name, doc)]


def described(refs: list[FrameRef]) -> set[Any]:
    """What a frame is, apart from pixels that came inside an event."""
    return {
        (ref.key, ref.kind, ref.angle_rad, ref.time_s, _place(ref.location))
        for ref in refs
    }


def _place(location: Any) -> Any:
    if hasattr(location.image, "kept"):
        return location.image.kept.read().tobytes()
    return location


@property_test
@given(data=st.data())
def test_any_order_gives_the_same_frames(
    recorded: RecordedScan, data: st.DataObject
) -> None:
    start, *middle, stop = recorded.documents
    shuffled = data.draw(st.permutations(middle))
    if data.draw(st.booleans()):
        shuffled = paginate(shuffled)
    _, in_order = assemble(recorded, recorded.documents)

    assembler, refs = assemble(recorded, [start, *shuffled, stop])

    assert described(refs) == described(in_order)
    assert {ref.key for ref in refs} == set(recorded.pixels)
    assert len(refs) == len(recorded.pixels)
    assert assembler.missing() == {}
    assert assembler.unresolved() == []
    assert assembler.duplicates == 0


@property_test
@given(data=st.data())
def test_start_and_stop_may_come_anywhere(
    recorded: RecordedScan, data: st.DataObject
) -> None:
    shuffled = data.draw(st.permutations(recorded.documents))

    assembler, refs = assemble(recorded, shuffled)

    keys = [ref.key for ref in refs]
    assert Counter(keys) == Counter(list(recorded.pixels))
    assert assembler.missing() == {}


@property_test
@given(data=st.data())
def test_repeats_count_and_change_nothing(
    recorded: RecordedScan, data: st.DataObject
) -> None:
    start, *middle, stop = recorded.documents
    repeats = data.draw(st.lists(st.sampled_from(middle), max_size=20))
    shuffled = data.draw(st.permutations(middle + repeats))

    assembler, refs = assemble(recorded, [start, *shuffled, stop])

    assert Counter(ref.key for ref in refs) == Counter(list(recorded.pixels))
    assert assembler.duplicates == sum(_announcements(recorded, doc) for doc in repeats)


def _announcements(recorded: RecordedScan, item: tuple[str, dict[str, Any]]) -> int:
    """Count the events with an image, or stream indices, of a document."""
    place = next(i for i, (_, doc) in enumerate(recorded.documents) if doc is item[1])
    name, doc = item
    needed = {p for places in recorded.needs.values() for p in places}
    if place not in needed:
        return 0
    if name == "stream_datum":
        return int(doc["indices"]["stop"] - doc["indices"]["start"])
    return int(name == "event")


@property_test
@given(data=st.data())
def test_lost_documents_cost_exactly_their_frames(
    recorded: RecordedScan, data: st.DataObject
) -> None:
    n = len(recorded.documents)
    lost = data.draw(st.sets(st.integers(1, n - 2), max_size=6))
    kept = [doc for i, doc in enumerate(recorded.documents) if i not in lost]

    assembler, refs = assemble(recorded, kept)

    found = {key for key, needed in recorded.needs.items() if not needed & lost}
    assert {ref.key for ref in refs} == found
    assert len(refs) == len(found)
    kinds = Counter(
        recorded.scan.streams[key.stream] for key in set(recorded.pixels) - found
    )
    assert assembler.missing() == dict(kinds)


def test_frames_have_their_own_pixels_and_measured_angles(
    recorded: RecordedScan, tmp_path_factory: pytest.TempPathFactory
) -> None:
    start, *middle, stop = recorded.documents
    _, refs = assemble(recorded, [start, *reversed(middle), stop])
    store = FrameStore([tmp_path_factory.getbasetemp()], timeout_s=10)
    for stream in recorded.scan.streams:
        asked = [ref for ref in refs if ref.key.stream == stream]
        if not asked:
            continue
        batch = store.load(asked)
        assert batch.keys == [ref.key for ref in asked]
        for key, pixels in zip(batch.keys, batch.pixels, strict=True):
            np.testing.assert_array_equal(pixels, recorded.pixels[key])
        expected = [recorded.angles_rad.get(key, np.nan) for key in batch.keys]
        np.testing.assert_allclose(batch.angles_rad, expected, atol=1e-12)
    store.close()
    assert "planned" not in store.axis_sources


def test_lost_datum_and_event_are_named(tmp_path: Path) -> None:
    recorded = compose_scan("resource", tmp_path / "frames.h5")
    documents = [item for item in recorded.documents if item[0] != "resource"]
    assembler, refs = assemble(recorded, documents)
    assert refs == []
    [sentence] = assembler.unresolved()
    assert sentence.startswith("9 events wait for resource '")
    assert assembler.missing() == {"dark": 2, "flat": 2, "projection": 5}


def test_frames_of_a_stream_wait_for_their_readback(tmp_path: Path) -> None:
    recorded = compose_scan("stream", tmp_path / "frames.h5")
    without_events = [item for item in recorded.documents[:-1] if item[0] != "event"]
    assembler, refs = assemble(recorded, without_events)
    assert refs == []
    assert len(assembler.unresolved()) == len(recorded.pixels)
    refs = assembler(*recorded.documents[-1])
    assert {ref.key for ref in refs} == set(recorded.pixels)
    assert assembler.unresolved() == []


def test_unknown_resource_spec_is_named(tmp_path: Path) -> None:
    recorded = compose_scan("resource", tmp_path / "frames.h5")
    documents = [
        (name, doc | {"spec": "AD_TIFF"} if name == "resource" else doc)
        for name, doc in recorded.documents
    ]
    assembler, refs = assemble(recorded, documents)
    assert refs == []
    assert assembler.unresolved() == [
        "resource spec 'AD_TIFF' is not known"
        " (known: AD_HDF5, AD_HDF5_SWMR, NPY_SEQ) (9 times)"
    ]


def test_images_that_json_made_lists_keep_their_dtype(tmp_path: Path) -> None:
    recorded = compose_scan("event", tmp_path / "none.h5")
    documents = [
        (
            name,
            doc
            | {
                "data": doc["data"]
                | {"camera_image": doc["data"]["camera_image"].tolist()}
            }
            if name == "event"
            else doc,
        )
        for name, doc in recorded.documents
    ]
    _, refs = assemble(recorded, documents)
    image = refs[0].location.image.kept.read()  # type: ignore[attr-defined]
    assert image.dtype == np.uint16
    np.testing.assert_array_equal(image, recorded.pixels[refs[0].key])


def test_a_camera_that_is_set_anew_loses_no_frame() -> None:
    start = {"uid": "run", "time": 0.0}
    assembler = FrameAssembler(Scan.from_start(start), start)
    refs: list[FrameRef] = []
    for n, seq_num in ((3, 1), (3, 2), (1, 3), (1, 4)):
        uid = f"of {n} frames"
        key = {"shape": [n, 4, 4], "dtype": "array", "source": ""}
        descriptor = {"uid": uid, "name": "primary", "data_keys": {"camera": key}}
        assembler("descriptor", descriptor)
        event: dict[str, Any] = {"descriptor": uid, "seq_num": seq_num, "time": 1.0}
        event |= {"data": {"camera": np.ones((n, 4, 4))}, "timestamps": {}}
        refs += assembler("event", event)
    assert len({ref.key for ref in refs}) == 8
