"""The view model on a real Tiled server and a real publisher, without a window."""

import time
from dataclasses import replace
from pathlib import Path
from typing import Any
from uuid import uuid4

import numpy as np
import pytest
from tiled.structures.core import Spec

from daiss_bluesky.core.errors import InputError
from daiss_bluesky.core.results import RAW_PATH, RECON_PATH, Update
from daiss_bluesky.publishers.tiled import TiledPublisher
from daiss_bluesky.publishers.tiled_http import TiledHttp
from daiss_bluesky.testing.publisher_contract import (
    make_final,
    make_update,
)
from daiss_bluesky.viewers.model.query import Query
from tests.conftest import LIMIT_S, TiledServer, wait_until
from tests.docs.pages import blocks
from tests.system.viewed_result import Window, assert_grows, running_result, viewing

pytestmark = pytest.mark.system

VIEWER = Path(__file__).with_name("viewer_process.py")


def test_pictures_are_pushed_and_say_what_they_are(
    tiled_server: TiledServer, publisher: TiledPublisher
) -> None:
    with viewing(tiled_server) as model, Window(model) as window:
        result = running_result()
        publisher.open(result)
        for number in range(1, 6):
            publisher.write(make_update(number))
        wait_until(lambda: window.shows(5.0), "the last update")
        assert_grows(window)
        picture = window.of("slice_xy")[-1]
        assert picture.result_uid == result.uid
        assert picture.value_at(0, 1) == -1.0, "not transposed"
        assert picture.shape == (6, 8)
        assert ("sample", "grain") in picture.facts
        assert abs(time.time() - picture.published_s) < LIMIT_S
        wait_until(lambda: model.curves().number.tolist() == [1, 2, 3, 4, 5], "rows")
        honesty = model.honesty()
        assert (honesty.frames_used, honesty.frames_expected) == (5, 20)
        assert honesty.parameters == {"center_px": 3.5}
        connection = model.connection()
        assert (connection.state, connection.source) == ("connected", "push")
        publisher.close(make_final(9.0))
        wait_until(lambda: model.followed().finished, "the end of the result")
        wait_until(lambda: "volume" in model.followed().arrays, "the volume")
        volume = np.arange(4 * 6 * 8, dtype=np.float32).reshape(4, 6, 8)
        slices = model.slices(1, 2, 3).result(LIMIT_S)
        np.testing.assert_array_equal(slices["slice_xy"].pixels, volume[1])
        np.testing.assert_array_equal(slices["slice_xz"].pixels, volume[:, 2])
        np.testing.assert_array_equal(slices["slice_yz"].pixels, volume[:, :, 3])
        np.testing.assert_array_equal(model.array("volume").result(LIMIT_S), volume)
        with pytest.raises(InputError, match="z = 4: the volume has 0 to 3"):
            model.slices(4, 0, 0).result(LIMIT_S)
        with pytest.raises(InputError, match="there is no run"):
            model.sinogram(0).result(LIMIT_S)
    with viewing(tiled_server) as late, Window(late) as window:
        wait_until(lambda: window.shows(9.0), "what lies in the catalog")
        assert window.of("slice_xy")[0].number == 6


def test_views_that_grow_and_views_that_come_later(
    tiled_server: TiledServer, publisher: TiledPublisher
) -> None:
    def update(number: int, **shapes: tuple[int, int]) -> Update:
        views = {
            view: np.full(shape, number, np.float32) for view, shape in shapes.items()
        }
        return replace(make_update(number), views=views)

    with viewing(tiled_server) as model, Window(model) as window:
        publisher.open(running_result())
        steps = [
            update(1, map=(4, 5)),
            update(2, map=(4, 5), object_phase=(8, 9)),
            update(3, map=(6, 7), object_phase=(8, 11)),
            update(4, map=(6, 7), object_phase=(10, 11), probe=(3, 3)),
        ]
        for step in steps:
            publisher.write(step)
            for view, pixels in step.views.items():
                wait_until(lambda: _shows(window, view, pixels), view)  # noqa: B023
        numbers = [one.number for one in window.of("object_phase")]
        assert numbers == sorted(set(numbers))


def _shows(window: Window, view: str, pixels: Any) -> bool:
    shown = window.of(view)
    return bool(shown) and np.array_equal(shown[-1].pixels, pixels)


def test_runs_are_listed_whenever_they_came(tiled_server: TiledServer) -> None:
    http, uid = TiledHttp(tiled_server.uri, tiled_server.api_key), str(uuid4())
    start = {
        "uid": uid,
        "scan_id": 41,
        "time": time.time(),
        "plan_name": "tomo_scan",
        "num_points": 3,
        "motors": ["rotation"],
        "tomography": {"sample": "chalk", "angles_deg": [0.0, 60.0, 120.0]},
    }
    stop = {"exit_status": "success", "num_events": {"primary": 3}}
    with viewing(tiled_server) as model:
        http.create(RAW_PATH, "container")
        http.create(f"{RAW_PATH}/{uid}", "container", metadata={"start": start})
        chalk = Query.parse("sample=chalk motors=rotation")
        wait_until(lambda: model.runs(chalk), "the run")
        assert model.runs(chalk)[0].status == "running"
        http.merge_metadata(f"{RAW_PATH}/{uid}", {"stop": stop})
        wait_until(lambda: model.runs(chalk)[0].status == "success", "its end")
        pushed = model.runs(chalk)
    with viewing(tiled_server) as late:
        wait_until(lambda: late.runs(chalk), "the run in the catalog")
        assert late.runs(chalk) == pushed
        assert (pushed[0].scan_id, pushed[0].points) == (41, 3)
    http.close()


def test_the_reference_s_example(
    tiled_server: TiledServer,
    publisher: TiledPublisher,
    capsys: pytest.CaptureFixture[str],
) -> None:
    publisher.open(running_result())
    publisher.write(make_update(1))
    publisher.close(make_final(9.0))
    [example] = blocks("python", page="docs/reference/view-model.md")
    text = example.text
    for shown, real in (
        ("http://127.0.0.1:8000", tiled_server.uri),
        ("the API key", tiled_server.api_key),
        ("z=64, y=128, x=128", "z=1, y=2, x=3"),
    ):
        assert shown in text
        text = text.replace(shown, real)
    names: dict[str, Any] = {}
    exec(text, names)
    assert names["slices"]["slice_xy"].shape == (6, 8)
    assert "running" in capsys.readouterr().out


def test_newer_results_are_counted_while_one_is_pinned(
    tiled_server: TiledServer, publisher: TiledPublisher
) -> None:
    with viewing(tiled_server) as model, Window(model) as window:
        first, second = running_result(), running_result()
        publisher.open(first)
        publisher.write(make_update(1))
        wait_until(lambda: model.followed().result_uid == first.uid, "the first")
        model.follow(first.uid)
        publisher.open(second)
        wait_until(lambda: model.behind == 1, "news of the second")
        publisher.write(make_update(2))
        assert model.followed().result_uid == first.uid
        model.follow(None)
        wait_until(lambda: window.shows(2.0), "the second's pictures")
        assert model.followed().result_uid == second.uid
        assert model.behind == 0


def test_what_cannot_be_shown_is_said_in_one_sentence(
    tiled_server: TiledServer, publisher: TiledPublisher
) -> None:
    publisher.open(running_result())
    recon = tiled_server.connect()[RECON_PATH]
    newer = recon.create_container(
        "newer", specs=[Spec("DaissReconstruction", "2.0")], metadata={"raw_uid": "run"}
    )
    damaged = recon.create_container(
        "damaged", specs=[Spec("DaissReconstruction", "1.0")], metadata={}
    )
    with viewing(tiled_server) as model:
        for uid, sentence in (
            ("unheard-of", "there is no result 'unheard-of'"),
            (newer.item["id"], "this viewer reads 1.0"),
            (damaged.item["id"], "is damaged: it says no raw_uid"),
        ):
            model.follow(uid)
            wait_until(lambda: model.followed().problem, f"a word on {uid}")
            assert sentence in model.followed().problem
    for one in (newer, damaged):
        one.delete(recursive=True)
    with viewing(tiled_server, api_key="wrong") as model:
        wait_until(lambda: model.connection().state == "refused", "a refusal")
        assert "refuses the API key" in model.connection().message
