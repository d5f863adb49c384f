"""What is read from Tiled, and what is refused of it."""

import io
import json
from typing import Any

import httpx
import numpy as np
import pyarrow as pa
import pytest

from daiss_bluesky.core.errors import InputError, UnavailableError
from daiss_bluesky.core.reconstruction import Progress
from daiss_bluesky.publishers.progress_table import progress_row
from daiss_bluesky.publishers.tiled_http import TiledHttp
from daiss_bluesky.viewers.sources.tiled_reader import (
    Array,
    TiledReader,
    check_result,
    documents_of,
    pixels_of,
    rows_of,
)

GOOD: dict[str, Any] = {
    "specs": [{"name": "DaissReconstruction", "version": "1.0"}],
    "metadata": {"raw_uid": "run", "technique": "tomography", "status": "running"},
}


def _reader(
    answer: httpx.Response | Exception,
) -> tuple[TiledReader, list[httpx.Request]]:
    asked: list[httpx.Request] = []

    def handle(request: httpx.Request) -> httpx.Response:
        asked.append(request)
        if isinstance(answer, Exception):
            raise answer
        return answer

    http = TiledHttp("http://127.0.0.1:1", "key")
    http._client.close()
    http._client = httpx.Client(
        base_url=f"{http.uri}/api/v1", transport=httpx.MockTransport(handle)
    )
    return TiledReader(http), asked


def test_a_result_is_checked() -> None:
    assert check_result("one", GOOD) is GOOD["metadata"]
    newer = GOOD | {"specs": [{"name": "DaissReconstruction", "version": "1.7"}]}
    assert check_result("one", newer) is GOOD["metadata"]


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"specs": []}, "'one' is no DaissReconstruction"),
        (
            {"specs": [{"name": "DaissReconstruction", "version": "2.0"}]},
            "result one is of DaissReconstruction 2.0; this viewer reads 1.0",
        ),
        (
            {"specs": [{"name": "DaissReconstruction", "version": None}]},
            "result one is of DaissReconstruction None; this viewer reads 1.0",
        ),
        (
            {"metadata": {"raw_uid": "run"}},
            "result one is damaged: it says no technique and no status",
        ),
        ({"metadata": None}, "result one is damaged"),
    ],
)
def test_a_result_is_refused(changes: dict[str, Any], sentence: str) -> None:
    with pytest.raises(InputError, match=sentence.replace(".", r"\.")):
        check_result("one", GOOD | changes)


def test_rows_of_progress() -> None:
    progress = Progress(
        frames_received=3, quality={"gain": 2.0}, parameters={"center_px": 4.5}
    )
    [row] = rows_of(progress_row(7, 1000.5, progress, 1001.0))
    assert (row["number"], row["time"], row["frames_received"]) == (7, 1000.5, 3)
    assert row["frames_expected"] is None
    assert row["frames_missing"] is None
    assert row["gain"] == 2.0
    assert row["parameters"] == {"center_px": 4.5}
    assert np.isnan(row["lag_s"])


def test_rows_that_are_none() -> None:
    with pytest.raises(InputError, match="damaged"):
        rows_of(b"no Arrow file")


def test_columns_that_the_index_adds_are_left_out() -> None:
    sink = io.BytesIO()
    table = pa.table({"number": [1], "__index_level_0__": [0]})
    with pa.ipc.new_file(sink, table.schema) as writer:
        writer.write_table(table)
    [row] = rows_of(sink.getvalue())
    assert set(row) == {"number", "quality", "parameters"}


def test_documents_in_a_list_and_whole() -> None:
    selected = {"start": {"uid": "a", "user": None}, "stop": None, "tomography": {}}
    assert documents_of(selected) == ({"uid": "a"}, None)
    whole = {
        "start": {"uid": "a", "tomography": {"sample": "x", "center_px": None}},
        "stop": {"exit_status": "success"},
    }
    start, stop = documents_of(whole)
    assert start == {"uid": "a", "tomography": {"sample": "x"}}
    assert stop == {"exit_status": "success"}


def test_pixels_that_are_too_few() -> None:
    with pytest.raises(InputError, match=r"map is damaged: 7 bytes are no \(2, 2\)"):
        pixels_of(b"1234567", np.dtype("<f4"), (2, 2), "map")


def test_a_part_of_an_array() -> None:
    volume = np.arange(24, dtype="<f4").reshape(2, 3, 4)
    part = volume[1, 1:3, ::2]
    reader, asked = _reader(httpx.Response(200, content=part.tobytes()))
    known = Array(volume.shape, volume.dtype)
    found = reader.read("recon/a/volume", known, (1, slice(1, 3), slice(None, None, 2)))
    np.testing.assert_array_equal(found, part)
    assert asked[0].url.params["slice"] == "1,1:3,::2"
    assert asked[0].url.path == "/api/v1/array/full/recon/a/volume"


def test_an_empty_catalog_has_no_runs_and_no_progress() -> None:
    reader, _ = _reader(httpx.Response(404))
    assert reader.runs() == []
    assert reader.results() == []
    assert reader.arrays("recon/a/live") == {}
    assert reader.table("recon/a/progress") == []


def test_runs_are_asked_for_newest_first_without_what_is_long() -> None:
    found = {"id": "a", "attributes": {"metadata": {"start": {"uid": "a"}}}}
    reader, asked = _reader(httpx.Response(200, text=json.dumps({"data": [found]})))
    assert reader.runs(offset=100, limit=50) == [("a", found["attributes"])]
    params = asked[0].url.params
    assert (params["sort"], params["page[offset]"], params["page[limit]"]) == (
        "-",
        "100",
        "50",
    )
    assert "angles_deg" not in params["select_metadata"]


@pytest.mark.parametrize(
    ("answer", "kind", "sentence"),
    [
        (httpx.Response(401), InputError, "refuses the API key"),
        (httpx.Response(404), InputError, "there is no result 'one'"),
        (httpx.Response(502), UnavailableError, "failed with 502"),
        (httpx.ConnectError("no"), UnavailableError, "does not answer"),
    ],
)
def test_what_goes_wrong_is_one_sentence(
    answer: httpx.Response | Exception, kind: type[Exception], sentence: str
) -> None:
    reader, _ = _reader(answer)
    with pytest.raises(kind, match=sentence):
        reader.result("one")
