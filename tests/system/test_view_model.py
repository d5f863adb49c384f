"""The view model on a real Tiled server and a real publisher, without a window."""

import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any
from uuid import uuid4

import numpy as np
import pytest
from tiled.structures.core import Spec

from daiss_bluesky.core.errors import InputError
from daiss_bluesky.core.results import RAW_PATH, RECON_PATH, Result, Update
from daiss_bluesky.publishers.pacing import PacedPublisher
from daiss_bluesky.publishers.pva import PvaPublisher
from daiss_bluesky.publishers.tiled import TiledPublisher
from daiss_bluesky.publishers.tiled_http import TiledHttp
from daiss_bluesky.services.epics_environment import (
    EpicsPorts,
    client_environment,
    results_environment,
)
from daiss_bluesky.testing.publisher_contract import (
    VIEWS,
    make_final,
    make_result,
    make_update,
)
from daiss_bluesky.viewers.model.model import ViewModel
from daiss_bluesky.viewers.model.picture import Picture
from daiss_bluesky.viewers.model.query import Query
from daiss_bluesky.viewers.sources import stream
from daiss_bluesky.viewers.sources.pva import PvaPlace
from daiss_bluesky.viewers.sources.socket import NoStreamError, StreamServer
from tests.conftest import LIMIT_S, TiledServer, wait_until
from tests.docs.pages import blocks

pytestmark = pytest.mark.system

VIEWER = Path(__file__).with_name("viewer_process.py")
SIDE = 256


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[TiledServer]:
    """A server of these tests' own, which one of them kills."""
    root = tmp_path_factory.mktemp("viewed")
    (root / "raw").mkdir()
    server = TiledServer(root / "state", [root / "raw"])
    server.start()
    yield server
    server.close()


@pytest.fixture
def publisher(server: TiledServer) -> Iterator[TiledPublisher]:
    publisher = TiledPublisher(server.uri, server.api_key, server.results_dir)
    yield publisher
    publisher.shut_down()


@contextmanager
def _viewing(server: TiledServer, **options: Any) -> Iterator[ViewModel]:
    model = ViewModel(server.uri, options.pop("api_key", server.api_key), **options)
    try:
        yield model
    finally:
        model.close()


class _Window:
    """Takes pictures from the mailbox in a thread, as a window's timer does."""

    def __init__(self, model: ViewModel) -> None:
        self.pictures: list[Picture] = []
        self._model = model
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._look)

    def __enter__(self) -> "_Window":
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._ended.set()
        self._thread.join()

    def _look(self) -> None:
        while not self._ended.wait(0.01):
            self.pictures.extend(self._model.mailbox.take().values())

    def of(self, view: str) -> list[Picture]:
        """Give what a view showed of the result that was followed last."""
        pictures = list(self.pictures)
        uid = pictures[-1].result_uid if pictures else ""
        return [one for one in pictures if (one.view, one.result_uid) == (view, uid)]

    def shows(self, value: float) -> bool:
        """Tell whether all views show an update by now."""
        newest = {
            view: self.of(view)[-1].pixels[1, 1] for view in VIEWS if self.of(view)
        }
        return len(newest) == len(VIEWS) and set(newest.values()) == {value}


def _result() -> Result:
    return replace(make_result(), started_s=time.time())


def _update(number: int) -> Update:
    pixels = np.full((SIDE, SIDE), number, np.float32)
    return replace(make_update(number), views=dict.fromkeys(VIEWS, pixels))


def _grows(window: _Window) -> None:
    """See that nothing is shown twice, and nothing older after something newer."""
    for view in VIEWS:
        numbers = [one.number for one in window.of(view)]
        values = [float(one.pixels[1, 1]) for one in window.of(view)]
        assert numbers == sorted(set(numbers)), view
        assert values == sorted(set(values)), view


def test_pictures_are_pushed_and_say_what_they_are(
    server: TiledServer, publisher: TiledPublisher
) -> None:
    with _viewing(server) as model, _Window(model) as window:
        result = _result()
        publisher.open(result)
        for number in range(1, 6):
            publisher.write(make_update(number))
        wait_until(lambda: window.shows(5.0), "the last update")
        _grows(window)
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
    with _viewing(server) as late, _Window(late) as window:
        wait_until(lambda: window.shows(9.0), "what lies in the catalog")
        assert window.of("slice_xy")[0].number == 6


def test_views_that_grow_and_views_that_come_later(
    server: TiledServer, publisher: TiledPublisher
) -> None:
    def update(number: int, **shapes: tuple[int, int]) -> Update:
        views = {
            view: np.full(shape, number, np.float32) for view, shape in shapes.items()
        }
        return replace(make_update(number), views=views)

    with _viewing(server) as model, _Window(model) as window:
        publisher.open(_result())
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


def _shows(window: _Window, view: str, pixels: Any) -> bool:
    shown = window.of(view)
    return bool(shown) and np.array_equal(shown[-1].pixels, pixels)


def test_runs_are_listed_whenever_they_came(server: TiledServer) -> None:
    http, uid = TiledHttp(server.uri, server.api_key), str(uuid4())
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
    with _viewing(server) as model:
        http.create(RAW_PATH, "container")
        http.create(f"{RAW_PATH}/{uid}", "container", metadata={"start": start})
        chalk = Query.parse("sample=chalk motors=rotation")
        wait_until(lambda: model.runs(chalk), "the run")
        assert model.runs(chalk)[0].status == "running"
        http.merge_metadata(f"{RAW_PATH}/{uid}", {"stop": stop})
        wait_until(lambda: model.runs(chalk)[0].status == "success", "its end")
        pushed = model.runs(chalk)
    with _viewing(server) as late:
        wait_until(lambda: late.runs(chalk), "the run in the catalog")
        assert late.runs(chalk) == pushed
        assert (pushed[0].scan_id, pushed[0].points) == (41, 3)
    http.close()


def test_the_reference_s_example(
    server: TiledServer, publisher: TiledPublisher, capsys: pytest.CaptureFixture[str]
) -> None:
    publisher.open(_result())
    publisher.write(make_update(1))
    publisher.close(make_final(9.0))
    [example] = blocks("python", page="docs/reference/view-model.md")
    text = example.text
    for shown, real in (
        ("http://127.0.0.1:8000", server.uri),
        ("the API key", server.api_key),
        ("z=64, y=128, x=128", "z=1, y=2, x=3"),
    ):
        assert shown in text
        text = text.replace(shown, real)
    names: dict[str, Any] = {}
    exec(text, names)
    assert names["slices"]["slice_xy"].shape == (6, 8)
    assert "running" in capsys.readouterr().out


def test_newer_results_are_counted_while_one_is_pinned(
    server: TiledServer, publisher: TiledPublisher
) -> None:
    with _viewing(server) as model, _Window(model) as window:
        first, second = _result(), _result()
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


def test_a_cut_line_is_mended_without_a_gap(
    server: TiledServer, publisher: TiledPublisher, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(stream, "FIRST_RETRY_S", 1.0)  # long enough to miss some
    with _viewing(server) as model, _Window(model) as window:
        publisher.open(_result())
        publisher.write(_update(1))
        wait_until(lambda: window.shows(1.0), "the first update")
        publisher.write(_update(2))
        wait_until(lambda: window.shows(2.0), "an update that is pushed for certain")
        _cut_all_streams(model)
        wait_until(lambda: model.connection().state == "reconnecting", "the cut")
        for number in range(3, 7):
            publisher.write(_update(number))
        wait_until(lambda: model.connection().state == "connected", "the line")
        publisher.write(_update(7))
        wait_until(lambda: window.shows(7.0), "the last update")
        for view in VIEWS:
            kept = [float(one.pixels[1, 1]) for one in model.history.of(view)]
            assert kept[-6:] == [2.0, 3.0, 4.0, 5.0, 6.0, 7.0], "replayed, each once"


def _cut_all_streams(model: ViewModel) -> None:
    source = model._source

    def cut() -> None:
        for one, _ in source._streams.values():
            if one._connection is not None:
                one._connection.transport.abort()

    source._loop.call_soon_threadsafe(cut)


def test_the_fast_lane_and_tiled_show_each_update_once(
    server: TiledServer, publisher: TiledPublisher
) -> None:
    ports = EpicsPorts.free()
    fast = PvaPublisher("VIEW:", environment=results_environment(ports))
    environment = client_environment(ports)
    place = PvaPlace(
        "VIEW:", {k: v for k, v in environment.items() if k.startswith("EPICS_PVA_")}
    )
    with _viewing(server, pva=place) as model, _Window(model) as window:
        result = _result()
        publisher.open(result)
        fast.open(result)
        number, after_first = 1, 0
        # Until some have come by the fast lane, and some more.
        while after_first < 3:
            fast.write(_update(number))
            publisher.write(_update(number))
            wait_until(lambda: window.shows(float(number)), "an update")  # noqa: B023
            after_first += after_first > 0 or _came_by_pva(model)
            number += 1
        fast.shut_down()
        last = number + 3
        for later in range(number, last + 1):
            publisher.write(_update(later))
        wait_until(lambda: window.shows(float(last)), "Tiled's own")
        _grows(window)


def _came_by_pva(model: ViewModel) -> bool:
    pva = model._pva
    return pva is not None and pva.wait_until_connected(VIEWS[0], 0.0)


def test_without_a_stream_pictures_are_asked_for(
    server: TiledServer, publisher: TiledPublisher, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Refusal:
        async def __aenter__(self) -> None:
            raise NoStreamError("pushes nothing")

        async def __aexit__(self, *_: object) -> None:
            pass

    monkeypatch.setattr(StreamServer, "open", lambda *_: Refusal())
    with _viewing(server) as model, _Window(model) as window:
        publisher.open(_result())
        for number in (1, 2):
            publisher.write(make_update(number))
            wait_until(lambda: window.shows(float(number)), "an update")  # noqa: B023
        _grows(window)
        connection = model.connection()
        assert (connection.state, connection.source) == ("connected", "polling")


def test_what_cannot_be_shown_is_said_in_one_sentence(
    server: TiledServer, publisher: TiledPublisher
) -> None:
    publisher.open(_result())
    recon = server.connect()[RECON_PATH]
    newer = recon.create_container(
        "newer", specs=[Spec("DaissReconstruction", "2.0")], metadata={"raw_uid": "run"}
    )
    damaged = recon.create_container(
        "damaged", specs=[Spec("DaissReconstruction", "1.0")], metadata={}
    )
    with _viewing(server) as model:
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
    with _viewing(server, api_key="wrong") as model:
        wait_until(lambda: model.connection().state == "refused", "a refusal")
        assert "refuses the API key" in model.connection().message


def test_what_is_too_large_to_be_pushed_is_asked_for_and_said(
    server: TiledServer, publisher: TiledPublisher
) -> None:
    with (
        _viewing(server, message_limit_bytes=100_000) as model,
        _Window(model) as window,
    ):
        publisher.open(_result())
        for number in range(1, 4):
            publisher.write(_update(number))
            wait_until(lambda: window.shows(float(number)), "an update")  # noqa: B023
        message = model.connection().message
        assert "above the limit of 0.1 MB: they are asked for." in message
        assert model.connection().state == "connected"


def test_a_stopped_viewer_slows_nothing_and_comes_back_to_the_newest(
    server: TiledServer, publisher: TiledPublisher
) -> None:
    viewer = subprocess.Popen(
        [sys.executable, str(VIEWER), server.uri],
        env=os.environ | {"TILED_API_KEY": server.api_key},
        stdout=subprocess.PIPE,
        text=True,
    )
    assert viewer.stdout is not None
    said = (json.loads(line) for line in viewer.stdout)
    try:
        publisher.open(_result())
        for number in range(1, 9):
            publisher.write(_update(number))
        before = _read_until(said, 8.0)
        viewer.send_signal(signal.SIGSTOP)
        began_s, number = time.monotonic(), 8
        # As many as a clock that stands still must notice, and none may wait.
        while number < 30 or time.monotonic() - began_s < 2.5:
            number += 1
            publisher.write(_update(number))
        viewer.send_signal(signal.SIGCONT)
        back = _read_until(said, float(number))
        publisher.write(_update(number + 1))
        after = _read_until(said, float(number + 1))
    finally:
        viewer.kill()
        viewer.communicate()
    shown = back["all"]["slice_xy"]
    assert shown == sorted(shown)
    assert len(shown) < number - 8, "what was missed is not made up for"
    assert after["held"] <= 4 * 2**20
    assert after["resident"] - before["resident"] < 32 * 2**20


def _read_until(said: Iterator[dict[str, Any]], value: float) -> dict[str, Any]:
    """Read what a viewer says until all its views show an update."""
    seen: dict[str, list[float]] = {view: [] for view in VIEWS}
    for one in said:
        for view, shown in one["values"].items():
            seen[view].append(shown)
        if all(values and values[-1] == value for values in seen.values()):
            return one | {"all": seen}
    raise AssertionError("the viewer ended")


def test_tiled_killed_in_mid_run_and_started_again(server: TiledServer) -> None:
    publisher = TiledPublisher(server.uri, server.api_key, server.results_dir)
    paced = PacedPublisher(publisher)
    with _viewing(server) as model, _Window(model) as window:
        paced.open(_result())
        number = 1
        paced.write(_update(number))
        wait_until(lambda: window.shows(1.0), "the first update")
        server.kill()
        wait_until(lambda: model.connection().state == "reconnecting", "the banner")
        assert server.uri in model.connection().message
        assert model.connection().message.endswith("; reconnecting")
        for number in range(2, 6):
            paced.write(_update(number))
        server.start()
        wait_until(lambda: model.connection().state == "connected", "the line")
        assert model.connection().message == ""
        wait_until(lambda: window.shows(5.0), "the newest update")
        for number in range(6, 9):
            paced.write(_update(number))
        wait_until(lambda: window.shows(8.0), "updates after it")
        _grows(window)
        paced.close(replace(make_final(9.0), views={}))
        wait_until(lambda: model.followed().finished, "the end of the result")
    publisher.shut_down()
