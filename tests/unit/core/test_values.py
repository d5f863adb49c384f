"""Scans, batches, messages and pipeline files: what enters, what is refused."""

from datetime import UTC, datetime
from pathlib import Path

import msgpack
import numpy as np
import pytest

from daiss_bluesky.core import wire
from daiss_bluesky.core.errors import InputError
from daiss_bluesky.core.frames import Batch
from daiss_bluesky.core.pipeline import Pipeline, read_pipeline
from daiss_bluesky.core.registry import ALGORITHMS, find
from daiss_bluesky.core.results import result_uid
from daiss_bluesky.core.scan import START_KEY, SampleMetadata, Scan


def batch(n: int, **changed: object) -> Batch:
    values = {
        "kind": "projection",
        "stream": "primary",
        "indices": np.arange(n),
        "angles_rad": np.zeros(n),
        "times_s": np.zeros(n),
        "pixels": np.zeros((n, 2, 3)),
    }
    return Batch(**values | changed)  # type: ignore[arg-type]


def test_a_batch_selects_its_frames() -> None:
    chosen = batch(5).select(np.array([1, 3]))
    assert [key.index for key in chosen.keys] == [1, 3]
    assert len(chosen) == 2


@pytest.mark.parametrize(
    ("changed", "sentence"),
    [
        ({"pixels": np.zeros((2, 3))}, "frame, row, column"),
        ({"angles_rad": np.zeros(4)}, "3 frames but angles_rad"),
        ({"kind": "bright"}, "unknown frame kind 'bright'"),
    ],
)
def test_a_batch_refuses_what_does_not_belong_together(
    changed: dict[str, object], sentence: str
) -> None:
    with pytest.raises(InputError, match=sentence):
        batch(3, **changed)


def test_a_scan_reads_the_start_document_of_our_plans() -> None:
    record = {"angles_deg": [0.0, 90.0], "counts": {"projection": 2}, "sample": "rock"}
    scan = Scan.from_start({"uid": "u", "scan_id": 3, START_KEY: record})
    assert (scan.n_projections, scan.sample, scan.scan_id) == (2, "rock", 3)
    assert scan.planned_angles_rad == pytest.approx([0, np.pi / 2])


def test_a_scan_reads_the_start_document_of_other_plans() -> None:
    scan = Scan.from_start({"uid": "u", "num_points": 7, "motors": ("theta",)})
    assert (scan.n_projections, scan.rotation_key) == (7, "theta")
    assert scan.planned_angles_rad is None


@pytest.mark.parametrize(
    ("values", "sentence"),
    [
        pytest.param({"smaple": "x"}, "unknown key 'smaple' in metadata", id="key"),
        pytest.param({"energy_kev": -1}, "energy_kev = -1 in metadata", id="energy"),
        pytest.param({"pixel_size_um": float("nan")}, "pixel_size_um = nan", id="nan"),
    ],
)
def test_metadata_refuses_by_name(values: dict[str, object], sentence: str) -> None:
    with pytest.raises(InputError, match=sentence):
        SampleMetadata.parse(values, "metadata")


def test_messages_keep_arrays_and_plain_values() -> None:
    sent = {
        "image": np.arange(6, dtype=np.uint16).reshape(2, 3),
        "names": np.array(["a", "bc"]),
        "number": np.float32(1.5),
        "when": datetime(2026, 1, 2, tzinfo=UTC),
        "nested": [1, {"k": None}],
    }
    got = wire.unpack(wire.pack(sent))
    assert np.array_equal(got["image"], sent["image"])  # type: ignore[arg-type]
    assert got["image"].dtype == np.uint16
    assert got["names"].tolist() == ["a", "bc"]
    assert (got["number"], got["nested"]) == (1.5, [1, {"k": None}])
    assert got["when"] == "2026-01-02T00:00:00+00:00"


def test_a_file_name_that_is_no_text_travels_in_writing() -> None:
    assert wire.unpack(wire.pack({"path": "\udcff.h5"})) == {"path": "\\udcff.h5"}


def test_what_could_not_be_read_is_not_sent() -> None:
    with pytest.raises(TypeError, match=r"the key \(1, 2\)"):
        wire.pack({"nested": [{(1, 2): 3}]})


@pytest.mark.parametrize("dtype", ["|O", "f4, (", "08", None])
def test_messages_carry_no_objects(dtype: str | None) -> None:
    with pytest.raises(TypeError, match="dtype object"):
        wire.pack(np.array([object()]))
    forged = msgpack.packb(msgpack.ExtType(1, msgpack.packb([dtype, [1]]) + b"x" * 8))
    with pytest.raises(InputError, match="not a message"):
        wire.unpack(forged)


@pytest.mark.parametrize("data", [b"", b"\xc1", b"\x81", b"hello world"])
def test_damaged_messages_are_refused(data: bytes) -> None:
    with pytest.raises(InputError):
        wire.unpack(data)


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("algorithmm: fbp", "unknown key 'algorithmm'"),
        ("update_period_s: 0", "update_period_s = 0"),
        ("[1, 2]", "must hold keys and values"),
        ("a: [", "is not YAML"),
    ],
)
def test_pipeline_files_refuse_by_name(
    tmp_path: Path, text: str, sentence: str
) -> None:
    path = tmp_path / "pipeline.yml"
    path.write_text(text)
    with pytest.raises(InputError, match=sentence):
        read_pipeline(path)


def test_a_result_has_the_same_name_after_a_restart() -> None:
    pipeline = Pipeline(parameters={"filter": "ramp"})
    again = Pipeline(parameters={"filter": "ramp"}, update_period_s=2.0)
    other = Pipeline(parameters={"filter": "hann"})
    assert result_uid("run", pipeline.digest) == result_uid("run", again.digest)
    assert result_uid("run", pipeline.digest) != result_uid("run", other.digest)


def test_an_unknown_algorithm_names_the_known_ones() -> None:
    with pytest.raises(InputError, match=r"unknown algorithm 'fpb' \(known: .*fbp"):
        find(ALGORITHMS, "fpb")
