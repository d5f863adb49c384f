"""The view model when lines are cut, slow, or without a push."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from daiss_bluesky.publishers.pacing import PacedPublisher
from daiss_bluesky.publishers.pva import PvaPublisher
from daiss_bluesky.publishers.tiled import TiledPublisher
from daiss_bluesky.services.epics_environment import (
    EpicsPorts,
    client_environment,
    results_environment,
)
from daiss_bluesky.testing.publisher_contract import (
    VIEWS,
    make_final,
    make_update,
)
from daiss_bluesky.viewers.model.model import ViewModel
from daiss_bluesky.viewers.sources import stream
from daiss_bluesky.viewers.sources.pva import PvaPlace
from daiss_bluesky.viewers.sources.socket import NoStreamError, StreamServer
from tests.conftest import TiledServer, wait_until
from tests.system.viewed_result import (
    Window,
    assert_grows,
    flat_update,
    running_result,
    viewing,
)

pytestmark = pytest.mark.system

VIEWER = Path(__file__).with_name("viewer_process.py")


def test_a_cut_line_is_mended_without_a_gap(
    tiled_server: TiledServer,
    publisher: TiledPublisher,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(stream, "FIRST_RETRY_S", 1.0)  # long enough to miss some
    with viewing(tiled_server) as model, Window(model) as window:
        publisher.open(running_result())
        publisher.write(flat_update(1))
        wait_until(lambda: window.shows(1.0), "the first update")
        publisher.write(flat_update(2))
        wait_until(lambda: window.shows(2.0), "an update that is pushed for certain")
        _cut_all_streams(model)
        wait_until(lambda: model.connection().state == "reconnecting", "the cut")
        for number in range(3, 7):
            publisher.write(flat_update(number))
        wait_until(lambda: model.connection().state == "connected", "the line")
        publisher.write(flat_update(7))
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
    tiled_server: TiledServer, publisher: TiledPublisher
) -> None:
    ports = EpicsPorts.free()
    fast = PvaPublisher("VIEW:", environment=results_environment(ports))
    environment = client_environment(ports)
    place = PvaPlace(
        "VIEW:", {k: v for k, v in environment.items() if k.startswith("EPICS_PVA_")}
    )
    with viewing(tiled_server, pva=place) as model, Window(model) as window:
        result = running_result()
        publisher.open(result)
        fast.open(result)
        number, after_first = 1, 0
        # Until some have come by the fast lane, and some more.
        while after_first < 3:
            fast.write(flat_update(number))
            publisher.write(flat_update(number))
            wait_until(lambda: window.shows(float(number)), "an update")  # noqa: B023
            after_first += after_first > 0 or _came_by_pva(model)
            number += 1
        fast.shut_down()
        last = number + 3
        for later in range(number, last + 1):
            publisher.write(flat_update(later))
        wait_until(lambda: window.shows(float(last)), "Tiled's own")
        assert_grows(window)


def _came_by_pva(model: ViewModel) -> bool:
    pva = model._pva
    return pva is not None and pva.wait_until_connected(VIEWS[0], 0.0)


def test_without_a_stream_pictures_are_asked_for(
    tiled_server: TiledServer,
    publisher: TiledPublisher,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    class Refusal:
        async def __aenter__(self) -> None:
            raise NoStreamError("pushes nothing")

        async def __aexit__(self, *_: object) -> None:
            pass

    monkeypatch.setattr(StreamServer, "open", lambda *_: Refusal())
    with viewing(tiled_server) as model, Window(model) as window:
        publisher.open(running_result())
        for number in (1, 2):
            publisher.write(make_update(number))
            wait_until(lambda: window.shows(float(number)), "an update")  # noqa: B023
        assert_grows(window)
        connection = model.connection()
        assert (connection.state, connection.source) == ("connected", "polling")


def test_what_is_too_large_to_be_pushed_is_asked_for_and_said(
    tiled_server: TiledServer, publisher: TiledPublisher
) -> None:
    with (
        viewing(tiled_server, message_limit_bytes=100_000) as model,
        Window(model) as window,
    ):
        publisher.open(running_result())
        for number in range(1, 4):
            publisher.write(flat_update(number))
            wait_until(lambda: window.shows(float(number)), "an update")  # noqa: B023
        message = model.connection().message
        assert "above the limit of 0.1 MB: they are asked for." in message
        assert model.connection().state == "connected"


def test_a_stopped_viewer_slows_nothing_and_comes_back_to_the_newest(
    tiled_server: TiledServer, publisher: TiledPublisher
) -> None:
    viewer = subprocess.Popen(
        [sys.executable, str(VIEWER), tiled_server.uri],
        env=os.environ | {"TILED_API_KEY": tiled_server.api_key},
        stdout=subprocess.PIPE,
        text=True,
    )
    assert viewer.stdout is not None
    said = (json.loads(line) for line in viewer.stdout)
    try:
        publisher.open(running_result())
        for number in range(1, 9):
            publisher.write(flat_update(number))
        before = _read_until(said, 8.0)
        viewer.send_signal(signal.SIGSTOP)
        began_s, number = time.monotonic(), 8
        # As many as a clock that stands still must notice, and none may wait.
        while number < 30 or time.monotonic() - began_s < 2.5:
            number += 1
            publisher.write(flat_update(number))
        viewer.send_signal(signal.SIGCONT)
        back = _read_until(said, float(number))
        publisher.write(flat_update(number + 1))
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


def test_tiled_killed_in_mid_run_and_started_again(
    own_tiled_server: TiledServer,
) -> None:
    own_tiled_server.start()
    publisher = own_tiled_server.publisher()
    paced = PacedPublisher(publisher)
    with viewing(own_tiled_server) as model, Window(model) as window:
        paced.open(running_result())
        number = 1
        paced.write(flat_update(number))
        wait_until(lambda: window.shows(1.0), "the first update")
        own_tiled_server.kill()
        wait_until(lambda: model.connection().state == "reconnecting", "the banner")
        assert own_tiled_server.uri in model.connection().message
        assert model.connection().message.endswith("; reconnecting")
        for number in range(2, 6):
            paced.write(flat_update(number))
        own_tiled_server.start()
        wait_until(lambda: model.connection().state == "connected", "the line")
        assert model.connection().message == ""
        wait_until(lambda: window.shows(5.0), "the newest update")
        for number in range(6, 9):
            paced.write(flat_update(number))
        wait_until(lambda: window.shows(8.0), "updates after it")
        assert_grows(window)
        paced.close(replace(make_final(9.0), views={}))
        wait_until(lambda: model.followed().finished, "the end of the result")
