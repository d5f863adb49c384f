"""Slices for a page: checked by Tiled's own door, cut by the reconstructor."""

import asyncio
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import msgpack
import numpy as np
import pytest
from fastapi import FastAPI, HTTPException, Request

from daiss_bluesky.services.control_client import ControlClient
from daiss_bluesky.services.state import STATE_VARIABLE
from daiss_bluesky.viewers.web.router import router
from tests.unit.services.running_scan import RESULT, Served

WHOLE = {"rows": [0, 32], "columns": [0, 32]}
PART = {"rows": [3, 9], "columns": [20, 40], "step": 2}
WANTED = {
    "uid": RESULT,
    "zyx": [5, 20, 12],
    "windows": {"slice_xy": [WHOLE, PART], "slice_yz": [PART]},
    "api_key": "right",
}


@pytest.fixture(scope="module")
def served() -> Iterator[Served]:
    served = Served()
    yield served
    served.close()


@pytest.fixture
def state(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv(STATE_VARIABLE, str(tmp_path))
    return tmp_path


@pytest.fixture
def known(state: Path, served: Served) -> None:
    """The state directory names the reconstructor."""
    served.tell(state)


def ask(wanted: dict[str, Any] | str) -> httpx.Response:
    app = FastAPI()
    app.include_router(router, prefix="/custom")

    @app.get("/api/v1/metadata/recon/{uid}")
    async def metadata(uid: str, request: Request) -> str:
        if request.headers.get("authorization") != "Apikey right":
            raise HTTPException(401, "no")
        return uid

    async def post() -> httpx.Response:
        transport = httpx.ASGITransport(app)
        content = wanted if isinstance(wanted, str) else json.dumps(wanted)
        async with httpx.AsyncClient(transport=transport, base_url="http://s") as http:
            return await http.post("/custom/daiss/slices", content=content)

    return asyncio.run(post())


def test_they_are_windows_of_the_reconstructors(known: None, served: Served) -> None:
    answer = ask(WANTED)
    assert answer.headers["cache-control"] == "no-store"
    found = {
        name: [np.frombuffer(w["data"], "<f4").reshape(w["shape"]) for w in windows]
        for name, windows in msgpack.unpackb(answer.content).items()
    }
    with ControlClient(served.address) as client:
        expected = client.slices(5, 20, 12)
    assert found.keys() == {"slice_xy", "slice_yz"}
    whole, part = found["slice_xy"]
    np.testing.assert_array_equal(whole, expected["slice_xy"])
    np.testing.assert_array_equal(part, whole[3:9:2, 20::2])
    [part] = found["slice_yz"]
    np.testing.assert_array_equal(part, expected["slice_yz"][3:9:2, 20::2])


@pytest.mark.parametrize("key", ["", "wrong"])
def test_who_may_not_read_the_result_gets_none(known: None, key: str) -> None:
    assert ask(WANTED | {"api_key": key}).status_code == 401


def test_a_voxel_outside_is_refused(known: None) -> None:
    answer = ask(WANTED | {"zyx": [5, 2000, 12]})
    assert answer.status_code == 400
    assert "2000" in answer.text


def test_a_result_that_nobody_makes_has_none(known: None) -> None:
    answer = ask(WANTED | {"uid": "another"})
    assert answer.status_code == 404
    assert answer.text == "another is not being reconstructed"


def test_without_a_reconstructor_there_are_none(state: Path) -> None:
    answer = ask(WANTED)
    assert answer.status_code == 404
    assert "no services were started" in answer.text


@pytest.mark.parametrize(
    "wrong",
    [
        "",
        "[]",
        WANTED | {"zyx": [1, 2]},
        WANTED | {"zyx": [-1, 2, 3]},
        WANTED | {"windows": {"slice_xy": [PART | {"step": 0}]}},
        WANTED | {"windows": {"slice_xy": [PART | {"rows": [-3, 4]}]}},
        WANTED | {"windows": {"slice_xy": [PART] * 3}},
        WANTED | {"windows": {"slice_zz": [PART]}},
        WANTED | {"uid": "../../x"},
        WANTED | {"uid": "a?b"},
        WANTED | {"more": 1},
    ],
)
def test_what_asks_for_no_slices_is_refused(wrong: dict[str, Any] | str) -> None:
    assert ask(wrong).status_code == 400
