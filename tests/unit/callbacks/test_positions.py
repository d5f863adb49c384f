"""Every frame of a ptychography run at its own measured position, or left out."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from daiss_bluesky.core.errors import UnavailableError
from daiss_bluesky.core.frames import Batch, FrameRef
from daiss_bluesky.core.ptychography import PTYCHOGRAPHY_KEY
from daiss_bluesky.core.technique import scan_from_start
from daiss_bluesky.testing.documents import (
    ATTRIBUTES,
    IMAGE_KEY,
    STYLES,
    Documents,
    RecordedRun,
    Style,
    compose_ptychography,
    paginate,
)
from daiss_bluesky.testing.stages import POSITION_KEYS, ScanningStage
from daiss_callbacks.assembler import FrameAssembler
from daiss_callbacks.frame_store import FrameStore

MONITORS = [f"{key}_monitor" for key in POSITION_KEYS]
WAIT_S = 60.0
SHORT_S = 0.02


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "frames.h5"


def assemble(
    run: RecordedRun, documents: Documents | None = None
) -> tuple[FrameAssembler, list[FrameRef]]:
    assembler = FrameAssembler(run.scan, run.start)
    documents = run.documents if documents is None else documents
    refs = [ref for name, doc in documents for ref in assembler(name, doc)]
    return assembler, [ref for ref in refs if ref.kind == "diffraction"]


def check(batch: Batch, run: RecordedRun, refs: Sequence[FrameRef]) -> None:
    assert batch.keys == [ref.key for ref in refs]
    for key, pixels in zip(batch.keys, batch.pixels, strict=True):
        np.testing.assert_array_equal(pixels, run.pixels[key])
    assert batch.positions_um is not None
    positions = [run.measured[key] for key in batch.keys]
    np.testing.assert_allclose(batch.positions_um, positions, rtol=1e-12)
    assert np.isnan(batch.angles_rad).all()


def without(run: RecordedRun, *names: str, stream: str = "") -> Documents:
    """Leave out documents of some names, or events and descriptor of streams."""
    dropped = {
        doc["uid"]
        for name, doc in run.documents
        if stream and name == "descriptor" and stream in doc["name"]
    }
    return [
        (name, doc)
        for name, doc in run.documents
        if name not in names and not {doc.get("uid"), doc.get("descriptor")} & dropped
    ]


@pytest.mark.parametrize("frames_per_event", [1, 3])
@pytest.mark.parametrize(
    ("style", "with_positions", "source"),
    [
        ("event", False, "readback"),
        ("resource", True, "file"),
        ("resource", False, "readback"),
        ("stream", True, "file"),
        ("stream", False, "readback"),
        ("fly", True, "file"),
        ("async_fly", True, "file"),
        ("async_fly", False, "monitor"),
    ],
)
def test_the_best_measured_position_is_taken(
    path: Path, style: Style, with_positions: bool, source: str, frames_per_event: int
) -> None:
    run = compose_ptychography(
        style, path, with_positions=with_positions, frames_per_event=frames_per_event
    )
    store = FrameStore([path.parent], timeout_s=WAIT_S)
    assembler, refs = assemble(run)
    check(store.load(refs), run, refs)
    assert store.axis_sources == {source: len(refs)}
    assert assembler.missing() == {}
    assert assembler.unresolved() == []


@pytest.mark.parametrize("names", [("piezo_y", "piezo_x"), ("PositionY", "PositionX")])
def test_positions_that_only_attributes_tell(path: Path, names: Any) -> None:
    stage = ScanningStage(attributes=names)
    run = compose_ptychography("async_fly", path, stage)
    store = FrameStore([path.parent], timeout_s=WAIT_S)
    _, refs = assemble(run, without(run, stream="_monitor"))
    check(store.load(refs), run, refs)
    assert store.axis_sources == {"file": len(refs)}


@pytest.mark.parametrize("units", [("mm", "nm"), ("m", "mm"), ("um", "um")])
@pytest.mark.parametrize("style", ["event", "stream", "fly", "async_fly"])
def test_positions_are_micrometers_whatever_the_data_keys_unit(
    path: Path, style: Style, units: tuple[str, str]
) -> None:
    run = compose_ptychography(style, path, ScanningStage(units), with_positions=False)
    _, refs = assemble(run)
    check(FrameStore([path.parent], timeout_s=WAIT_S).load(refs), run, refs)


def test_an_attribute_named_like_a_data_key_has_its_unit(path: Path) -> None:
    stage = ScanningStage(("mm", "nm"), attributes=POSITION_KEYS)
    run = compose_ptychography("async_fly", path, stage)
    _, refs = assemble(run)
    store = FrameStore([path.parent], timeout_s=WAIT_S)
    check(store.load(refs), run, refs)
    assert store.axis_sources == {"file": len(refs)}


def test_a_length_in_volts_is_not_believed(path: Path) -> None:
    run = compose_ptychography("event", path)
    documents = []
    for name, doc in run.documents:
        if name == "descriptor":
            keys = dict(doc["data_keys"])
            keys["stage_x"] = keys["stage_x"] | {"units": "V"}
            documents.append((name, doc | {"data_keys": keys}))
        else:
            documents.append((name, doc))
    assembler, refs = assemble(run, documents)
    assert any(
        "column 'stage_x' of stream 'primary' has unknown units 'V'" in sentence
        for sentence in assembler.unresolved()
    )
    store = FrameStore([path.parent], timeout_s=SHORT_S)
    with pytest.raises(UnavailableError, match="the column position of frame 0"):
        store.load(refs)


def test_a_frame_without_a_position_is_named_with_what_was_looked_for(
    path: Path,
) -> None:
    run = compose_ptychography("stream", path, with_positions=False)
    _, refs = assemble(run, without(run, "event"))
    assert {ref.key for ref in refs} == set(run.measured)
    store = FrameStore([path.parent], timeout_s=SHORT_S)
    sentence = (
        "the row position of frame 4 of stream 'primary' is not known: no NDAttribute"
        " stage_y or piezo_y or PositionY, no row readback, no monitored row, no"
        " planned row position"
    )
    with pytest.raises(UnavailableError) as refused:
        store.load([refs[4]])
    assert str(refused.value) == sentence


def test_one_axis_that_got_lost_is_missed(path: Path) -> None:
    run = compose_ptychography("async_fly", path)
    with h5py.File(path, "r+") as file:
        file[f"{ATTRIBUTES}/piezo_x"][5] = np.nan
    _, refs = assemble(run, without(run, stream="_monitor"))
    store = FrameStore([path.parent], timeout_s=SHORT_S)
    with pytest.raises(UnavailableError, match="column position of frame 3"):
        store.load(refs)
    kept = [ref for ref in refs if ref.key.index != 3]
    check(store.load(kept), run, kept)


def test_axes_may_come_from_different_places(path: Path) -> None:
    run = compose_ptychography("resource", path)
    with h5py.File(path, "r+") as file:
        del file[f"{ATTRIBUTES}/piezo_x"]
    _, refs = assemble(run)
    store = FrameStore([path.parent], timeout_s=WAIT_S)
    check(store.load(refs), run, refs)
    assert store.axis_sources == {"readback": len(refs)}


def test_the_plan_stands_in_where_nothing_measures(path: Path) -> None:
    run = compose_ptychography("async_fly", path, with_positions=False)
    _, refs = assemble(run, without(run, stream="_monitor"))
    store = FrameStore([path.parent], timeout_s=WAIT_S)
    batch = store.load(refs)
    planned = run.start[PTYCHOGRAPHY_KEY]["positions_um"]
    np.testing.assert_array_equal(batch.positions_um, planned)
    assert store.axis_sources == {"planned": len(refs)}


def test_darks_have_no_position(path: Path) -> None:
    run = compose_ptychography("resource", path)
    assembler = FrameAssembler(run.scan, run.start)
    refs = [ref for name, doc in run.documents for ref in assembler(name, doc)]
    store = FrameStore([path.parent], timeout_s=WAIT_S)
    batch = store.load([ref for ref in refs if ref.kind == "dark"])
    np.testing.assert_array_equal(batch.positions_um, np.full((2, 2), np.nan))
    assert store.axis_sources == {"none": 2}


def test_a_record_without_keys_does_not_guess_which_motor_is_the_row(
    path: Path,
) -> None:
    run = compose_ptychography(
        "event", path, ScanningStage(with_plan=False), with_positions=False
    )
    record = run.start[PTYCHOGRAPHY_KEY] | {"position_keys": None}
    start = run.start | {PTYCHOGRAPHY_KEY: record, "motors": list(POSITION_KEYS)}
    assembler = FrameAssembler(scan_from_start(start), start)
    refs = [ref for name, doc in run.documents for ref in assembler(name, doc)]
    with pytest.raises(UnavailableError, match="the row position of frame 0"):
        FrameStore([path.parent]).load([refs[-1], refs[2]])


def load_singly(run: RecordedRun, refs: list[FrameRef], root: Path) -> int:
    """Read each frame as an engine does after a refusal; count those left out."""
    store = FrameStore([root], timeout_s=SHORT_S)
    left_out = 0
    for ref in refs:
        try:
            batch = store.load([ref])
        except UnavailableError:
            left_out += 1
        else:
            check(batch, run, [ref])
    store.close()
    return left_out


property_test = settings(
    max_examples=15,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)


@pytest.fixture(scope="module", params=STYLES)
def overshot(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> tuple[RecordedRun, Path]:
    path = tmp_path_factory.mktemp("frames") / "frames.h5"
    stage = ScanningStage(("mm", "um"), overshoot=frozenset({4, 9, 10}))
    run = compose_ptychography(
        request.param, path, stage, n_events=14, with_positions=False
    )
    return run, path.parent


@property_test
@given(data=st.data())
def test_shuffled_repeated_and_late_documents_change_no_position(
    overshot: tuple[RecordedRun, Path], data: st.DataObject
) -> None:
    run, root = overshot
    start, *middle, stop = run.documents
    repeats = data.draw(st.lists(st.sampled_from(middle), max_size=20))
    shuffled = data.draw(st.permutations(middle + repeats))
    if data.draw(st.booleans()):
        shuffled = paginate(shuffled)

    assembler = FrameAssembler(run.scan, run.start)
    store = FrameStore([root], timeout_s=WAIT_S)
    monitored = any(doc.get("name") in MONITORS for _, doc in middle)
    seen = []
    for name, doc in [start, *shuffled, stop]:
        refs = [ref for ref in assembler(name, doc) if ref.kind == "diffraction"]
        seen += refs
        # Monitored readings would be waited for, in another thread than this one.
        if refs and not monitored:
            check(store.load(refs), run, refs)

    assert sorted(ref.key for ref in seen) == sorted(run.measured)
    assert assembler.missing() == {}
    check(store.load(seen), run, seen)
    store.close()


@property_test
@given(data=st.data())
def test_lost_documents_leave_frames_out_and_move_none(
    overshot: tuple[RecordedRun, Path], data: st.DataObject
) -> None:
    run, root = overshot
    start, *middle, stop = run.documents
    protected = {"descriptor", "resource", "stream_resource"}
    lost = data.draw(st.sets(st.integers(0, len(middle) - 1), max_size=8))
    kept = [
        item for i, item in enumerate(middle) if i not in lost or item[0] in protected
    ]
    shuffled = data.draw(st.permutations(kept))

    assembler, refs = assemble(run, [start, *shuffled, stop])

    places = {
        i for i, (_, doc) in enumerate(run.documents) for d in kept if doc is d[1]
    }
    gone = set(range(1, len(run.documents) - 1)) - places
    found = [key for key in run.measured if not run.needs[key] & gone]
    assert sorted(ref.key for ref in refs) == found
    assert assembler.missing().get("diffraction", 0) == len(run.measured) - len(found)
    # At most the frames whose position was lost, or lies between lost readings.
    assert load_singly(run, refs, root) <= 2 * len(gone)


@pytest.mark.parametrize("style", ["stream", "resource", "fly"])
@pytest.mark.parametrize("early", [True, False])
def test_positions_may_come_500_documents_early_or_late(
    path: Path, style: Style, early: bool
) -> None:
    run = compose_ptychography(style, path, n_events=520, with_positions=False)
    start, *middle, stop = run.documents
    moved = []
    for i, (name, doc) in enumerate(middle):
        is_position = name == "event" or (
            name == "stream_datum" and not _is_image(run, doc)
        )
        shift = (-500 if early else 500) if is_position else 0
        moved.append((i + shift, i, (name, doc)))
    documents = [item for _, _, item in sorted(moved, key=lambda one: one[:2])]
    assembler, refs = assemble(run, [start, *documents, stop])
    assert assembler.missing() == {}
    store = FrameStore([path.parent], timeout_s=WAIT_S)
    check(store.load(refs), run, refs)
    assert "planned" not in store.axis_sources


def _is_image(run: RecordedRun, doc: dict[str, Any]) -> bool:
    keys = {d["uid"]: d["data_key"] for n, d in run.documents if n == "stream_resource"}
    return bool(keys[doc["stream_resource"]] == IMAGE_KEY)


@pytest.mark.parametrize("style", STYLES)
def test_five_percent_of_frames_dropped(path: Path, style: Style) -> None:
    run = compose_ptychography(style, path, n_events=100, with_positions=False)
    rng = np.random.default_rng(5)
    dropped = {int(i) for i in rng.choice(100, 5, replace=False)}
    announcing = set()
    for key, needed in run.needs.items():
        if key.stream == "primary" and key.index in dropped:
            announcing.add(max(needed))
    documents = [doc for i, doc in enumerate(run.documents) if i not in announcing]
    found = {
        key
        for key, needed in run.needs.items()
        if key.stream == "primary" and not needed & announcing
    }
    assembler, refs = assemble(run, documents)
    assert {ref.key for ref in refs} == found
    assert assembler.missing() == {"diffraction": 100 - len(found)}
    assert load_singly(run, refs, path.parent) == 0


@pytest.mark.parametrize("style", STYLES)
def test_an_aborted_run_keeps_what_came(path: Path, style: Style) -> None:
    run = compose_ptychography(style, path, n_events=12, with_positions=False)
    half = run.documents[: len(run.documents) // 2]
    announced = {
        key.index
        for key, needed in run.needs.items()
        if key.stream == "primary" and max(needed) < len(half)
    }
    # The readings of the newest frames were taken, and never arrived.
    counted = dict.fromkeys(["primary", *MONITORS], len(announced))
    stop = run.documents[-1][1] | {"exit_status": "abort", "num_events": counted}
    assembler, refs = assemble(run, [*half, ("stop", stop)])
    assert {ref.key.index for ref in refs} == announced
    left_out = load_singly(run, refs, path.parent)
    assert left_out == (2 if style in {"fly", "async_fly"} else 0)
    assert assembler.missing()["diffraction"] == 12 - len(refs)


@pytest.mark.parametrize("style", STYLES)
def test_overshoot_is_kept_where_it_was_measured(style: Style, tmp_path: Path) -> None:
    path = tmp_path / "frames.h5"
    stage = ScanningStage(overshoot=frozenset({2, 5}))
    run = compose_ptychography(style, path, stage, n_events=9, with_positions=False)
    assert run.scan.n_frames == 7
    assembler, refs = assemble(run)
    assert len(refs) == 9
    assert assembler.missing() == {}
    batch = FrameStore([tmp_path], timeout_s=WAIT_S).load(refs)
    check(batch, run, refs)
    assert batch.positions_um is not None
    outside = batch.positions_um[:, 1] > 900
    assert batch.indices[outside].tolist() == [2, 5]
