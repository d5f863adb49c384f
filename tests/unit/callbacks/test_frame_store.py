"""Pixels, angles and times of frames, wherever they are."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import h5py
import numpy as np
import pytest

from daiss_bluesky.core.errors import InputError, UnavailableError
from daiss_bluesky.core.frames import Batch, FrameRef
from daiss_bluesky.testing.documents import (
    ATTRIBUTES,
    DATASET,
    STARTED_S,
    RecordedScan,
    Style,
    compose_scan,
)
from daiss_callbacks.assembler import FrameAssembler
from daiss_callbacks.frame_store import FrameStore
from daiss_callbacks.locations import Location
from daiss_callbacks.nd_attributes import EPICS_EPOCH_S

WAIT_S = 60.0


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "frames.h5"


def projections(
    recorded: RecordedScan, store: FrameStore | None = None
) -> list[FrameRef]:
    keep = {} if store is None else {"keep": store.keep}
    assembler = FrameAssembler(recorded.scan, recorded.start, **keep)
    refs = [ref for name, doc in recorded.documents for ref in assembler(name, doc)]
    return [ref for ref in refs if ref.kind == "projection"]


def check(batch: Batch, recorded: RecordedScan, refs: Sequence[FrameRef]) -> None:
    assert batch.keys == [ref.key for ref in refs]
    for key, pixels in zip(batch.keys, batch.pixels, strict=True):
        np.testing.assert_array_equal(pixels, recorded.pixels[key])
    angles = [recorded.angles_rad[key] for key in batch.keys]
    np.testing.assert_allclose(batch.angles_rad, angles, atol=1e-12)


@pytest.mark.parametrize(
    ("style", "with_angles", "source"),
    [
        ("event", False, "readback"),
        ("resource", True, "file"),
        ("resource", False, "readback"),
        ("stream", False, "readback"),
        ("fly", True, "file"),
        ("async_fly", True, "file"),
        ("async_fly", False, "monitor"),
    ],
)
def test_the_best_measured_angle_is_taken(
    path: Path, style: Style, with_angles: bool, source: str
) -> None:
    recorded = compose_scan(style, path, with_angles=with_angles)
    store = FrameStore([path.parent], timeout_s=WAIT_S)
    refs = projections(recorded)
    check(store.load(refs), recorded, refs)
    assert store.axis_sources == {source: len(refs)}


def test_the_plan_is_the_last_resort(path: Path) -> None:
    recorded = compose_scan("resource", path, with_angles=False)
    store = FrameStore([path.parent], timeout_s=WAIT_S)
    refs = [replace(ref, angle_rad=None) for ref in projections(recorded)]
    batch = store.load(refs)
    planned = recorded.scan.planned_angles_rad
    assert planned is not None
    np.testing.assert_allclose(batch.angles_rad, planned)
    assert store.axis_sources == {"planned": 5}


def test_a_projection_without_any_angle_is_named(path: Path) -> None:
    recorded = compose_scan("resource", path, with_angles=False)
    store = FrameStore([path.parent], timeout_s=WAIT_S)
    ref = projections(recorded)[3]
    assert isinstance(ref.location, Location)
    location = replace(ref.location, planned=(None,))
    with pytest.raises(UnavailableError, match="angle of frame 3 of stream 'primary'"):
        store.load([replace(ref, angle_rad=None, location=location)])


def test_monitored_readings_are_waited_for(path: Path) -> None:
    recorded = compose_scan("async_fly", path, with_angles=False)
    documents = [
        item
        for i, item in enumerate(recorded.documents)
        if item[0] != "event" or i < len(recorded.documents) // 2
    ]
    assembler = FrameAssembler(recorded.scan, recorded.start)
    refs = [ref for name, doc in documents[:-1] for ref in assembler(name, doc)]
    refs = [ref for ref in refs if ref.kind == "projection"]
    store = FrameStore([path.parent], timeout_s=0.05)
    with pytest.raises(UnavailableError, match="did not reach the time"):
        store.load(refs)
    for item in recorded.documents:
        assembler(*item)
    check(store.load(refs), recorded, refs)


@pytest.mark.parametrize("style", ["event", "resource"])
def test_any_choice_of_frames_comes_in_the_order_asked_for(
    path: Path, style: Style
) -> None:
    recorded = compose_scan(style, path, n_projections=9, frames_per_event=2)
    refs = projections(recorded)
    chosen = [refs[i] for i in (4, 17, 3, 5, 0, 16)]
    store = FrameStore([path.parent], timeout_s=WAIT_S)
    check(store.load(chosen), recorded, chosen)


def test_images_beyond_the_memory_bound_go_to_disk(path: Path) -> None:
    recorded = compose_scan("event", path, n_projections=20)
    store = FrameStore(
        [], memory_limit_bytes=5 * 48, scratch=path.parent, timeout_s=WAIT_S
    )
    refs = projections(recorded, store)
    kept = [ref.location.image.kept for ref in refs]  # type: ignore[attr-defined]
    assert store._arrays.spilled_bytes == 19 * 48
    check(store.load(refs), recorded, refs)
    assert list(path.parent.iterdir()) == []
    store.close()
    with pytest.raises(UnavailableError, match="not kept any more"):
        kept[-1].read()


@pytest.mark.parametrize("offset_s", [0.0, -EPICS_EPOCH_S])
def test_times_are_unix_seconds_whatever_epoch_the_detector_counts_from(
    path: Path, offset_s: float
) -> None:
    recorded = compose_scan("resource", path)
    with h5py.File(path, "r+") as file:
        file[f"{ATTRIBUTES}/NDArrayTimeStamp"][:] += 0.125 + offset_s
    batch = FrameStore([path.parent], timeout_s=WAIT_S).load(projections(recorded))
    expected = STARTED_S + 0.125 + np.arange(4, 9)
    np.testing.assert_allclose(batch.times_s, expected, rtol=0, atol=1e-6)


def test_a_clock_that_started_with_the_detector_is_not_believed(path: Path) -> None:
    recorded = compose_scan("resource", path)
    with h5py.File(path, "r+") as file:
        file[f"{ATTRIBUTES}/NDArrayTimeStamp"][:] = np.arange(9.0)
    batch = FrameStore([path.parent], timeout_s=WAIT_S).load(projections(recorded))
    np.testing.assert_array_equal(batch.times_s, STARTED_S + np.arange(4, 9))


def test_big_endian_frames_become_native(path: Path) -> None:
    recorded = compose_scan("resource", path)
    with h5py.File(path, "r+") as file:
        frames = file[DATASET][:]
        del file[DATASET]
        file[DATASET] = frames.astype(">u2")
    refs = projections(recorded)
    batch = FrameStore([path.parent], timeout_s=WAIT_S).load(refs)
    assert batch.pixels.dtype.isnative
    check(batch, recorded, refs)


def test_files_outside_the_roots_are_refused(path: Path) -> None:
    recorded = compose_scan("stream", path)
    store = FrameStore([path.parent / "elsewhere"], timeout_s=WAIT_S)
    with pytest.raises(InputError, match="outside the allowed roots"):
        store.load(projections(recorded))


def test_the_iocs_path_is_mapped(path: Path) -> None:
    recorded = compose_scan("fly", path)
    moved = path.parent / "here"
    moved.mkdir()
    path.rename(moved / path.name)
    store = FrameStore([moved], {str(path.parent): str(moved)}, timeout_s=WAIT_S)
    refs = projections(recorded)
    check(store.load(refs), recorded, refs)


def test_a_frame_that_never_came_to_disk_is_named(path: Path) -> None:
    recorded = compose_scan("resource", path)
    refs = projections(recorded)
    assert isinstance(refs[0].location, Location)
    path.unlink()
    store = FrameStore([path.parent], timeout_s=0.05)
    with pytest.raises(UnavailableError, match=f"row 8 of {DATASET} of file {path}"):
        store.load(refs)


def test_frames_of_different_shape_are_refused(path: Path) -> None:
    one = projections(compose_scan("event", path))
    other = projections(compose_scan("event", path, shape=(5, 5)))
    with pytest.raises(InputError, match="differ in shape"):
        FrameStore([]).load([one[0], other[1]])


def test_no_frames_are_refused() -> None:
    with pytest.raises(InputError, match="no frames"):
        FrameStore([]).load([])
