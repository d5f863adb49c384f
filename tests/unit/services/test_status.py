"""Status of results: in order, whole for late joiners, never held up by slow ones."""

import time
from collections.abc import Iterator
from typing import Any

import pytest
import zmq

from daiss_bluesky.core.errors import InputError, UnavailableError
from daiss_bluesky.core.reconstruction import Progress
from daiss_bluesky.core.results import Final, Update
from daiss_bluesky.core.scan import Scan
from daiss_bluesky.core.wire import unpack
from daiss_bluesky.services.control import ControlServer
from daiss_bluesky.services.control_address import ControlAddress
from daiss_bluesky.services.control_follower import StatusFollower
from daiss_bluesky.services.result_status import ResultStatus
from daiss_bluesky.services.status_board import MAX_RESULTS, StatusBoard
from tests.conftest import wait_until
from tests.unit.services.running_scan import fresh_address


def scan_of(uid: str, n: int = 100) -> Scan:
    return Scan(run_uid=uid, scan_id=7, sample="chalk", counts={"projection": n})


def update(number: int, received: int) -> Update:
    progress = Progress(frames_expected=100, frames_received=received)
    return Update(number, time.time(), progress, {})


@pytest.fixture
def board() -> StatusBoard:
    return StatusBoard()


@pytest.fixture
def address() -> ControlAddress:
    return fresh_address()


@pytest.fixture
def server(address: ControlAddress, board: StatusBoard) -> Iterator[ControlServer]:
    server = ControlServer(address, {}, board)
    yield server
    server.close()


@pytest.fixture
def follower(address: ControlAddress) -> Iterator[StatusFollower]:
    with StatusFollower(address) as follower:
        yield follower


def read_until(follower: StatusFollower, uid: str, number: int) -> list[int]:
    """Read until an update of a result has come; gives the numbers on the way."""
    seen: list[int] = []

    def there() -> bool:
        seen.extend(one.number for one in follower.read(0.2) if one.result_uid == uid)
        return bool(seen) and seen[-1] >= number

    wait_until(there, f"update {number}")
    return seen


@pytest.mark.usefixtures("server")
def test_a_late_joiner_gets_what_is_there_and_then_what_is_new(
    board: StatusBoard, follower: StatusFollower
) -> None:
    board.began("a", scan_of("run-a"), "fbp")
    board.updated("a", update(1, 10))
    board.began("b", scan_of("run-b"), "fbp")
    assert [one.result_uid for one in follower.read(5.0)] == ["a", "b"]
    assert follower.results["a"].number == 1
    assert follower.connected
    for number in range(2, 30):
        board.updated("b", update(number, number))
    seen = read_until(follower, "b", 29)
    assert seen == sorted(set(seen))
    assert follower.read(0.0) == []


@pytest.mark.usefixtures("server")
def test_who_does_not_read_holds_up_nobody_and_finds_the_newest(
    board: StatusBoard, follower: StatusFollower, address: ControlAddress
) -> None:
    board.began("a", scan_of("run-a"), "fbp")
    follower.read(5.0)
    with StatusFollower(address) as quick:
        quick.read(5.0)
        for number in range(1, 600):
            board.updated("a", update(number, number))
            if number % 50 == 0:
                read_until(quick, "a", number)
        read_until(quick, "a", 599)
    assert read_until(follower, "a", 599)[-1] == 599


def test_another_instance_is_found_and_nothing_comes_twice(
    board: StatusBoard, follower: StatusFollower, address: ControlAddress
) -> None:
    first = ControlServer(address, {}, board)
    board.began("a", scan_of("run-a"), "fbp")
    follower.read(5.0)
    first.close()
    assert follower.read(0.1) == []
    again = StatusBoard()
    again.began("a", scan_of("run-a"), "fbp")
    again.updated("a", update(4, 40))
    second = ControlServer(address, {}, again)
    assert read_until(follower, "a", 4) == [4]
    assert follower.read(0.3) == []
    second.close()
    wait_until(lambda: not follower.read(0.2) and not follower.connected, "silence")


class Slow(StatusBoard):
    """Sends nothing of what it knows until it may."""

    sends = False

    def news(self) -> list[tuple[bytes, bytes]]:
        return super().news() if self.sends else []


def test_what_a_snapshot_told_does_not_come_again(
    follower: StatusFollower, address: ControlAddress
) -> None:
    board = Slow()
    server = ControlServer(address, {}, board)
    board.began("a", scan_of("run-a"), "fbp")
    assert [one.result_uid for one in follower.read(5.0)] == ["a"]
    board.sends = True
    board.began("b", scan_of("run-b"), "fbp")
    seen: list[str] = []

    def there() -> bool:
        seen.extend(one.result_uid for one in follower.read(0.2))
        return "b" in seen

    wait_until(there, "b")
    assert seen == ["b"]
    server.close()


@pytest.mark.usefixtures("server")
def test_a_plain_subscriber_may_keep_the_newest_only(
    board: StatusBoard, address: ControlAddress
) -> None:
    with zmq.Context() as context, context.socket(zmq.SUB) as socket:
        socket.setsockopt(zmq.CONFLATE, 1)
        socket.setsockopt(zmq.SUBSCRIBE, b"status a ")
        socket.connect(f"tcp://127.0.0.1:{address.status}")
        board.began("a", scan_of("run-a"), "fbp")
        numbers: list[int] = []

        def newest() -> bool:
            board.updated("a", update(len(numbers) + 1, 1))
            if socket.poll(100):
                message: Any = unpack(socket.recv().split(b" ", 2)[2])
                numbers.append(message["result"]["number"])
            return len(numbers) > 2

        wait_until(newest, "three messages")
    assert numbers == sorted(numbers)


def test_what_ended_is_told_once_it_is_published(board: StatusBoard) -> None:
    with pytest.raises(UnavailableError, match="no run is being reconstructed"):
        board.status()
    board.began("a", scan_of("run-a"), "fbp")
    board.ended("a", Final("incomplete", Progress(frames_received=5), "too few"))
    held = board.status("run-a")
    assert (held.status, held.message) == ("running", "the end is being published")
    board.settled("a")
    assert (board.status().status, board.status().message) == ("incomplete", "too few")
    with pytest.raises(InputError, match="no result and no run 'x'"):
        board.status("x")


def test_old_results_are_forgotten_and_running_ones_are_not(board: StatusBoard) -> None:
    board.began("first", scan_of("run"), "fbp")
    for number in range(MAX_RESULTS + 5):
        board.began(f"r{number}", scan_of(f"run{number}"), "fbp")
        board.settled(f"r{number}")
    known = {one["result_uid"] for one in board.snapshot()["results"]}
    assert "first" in known
    assert len(known) <= MAX_RESULTS + 1
    assert "r0" not in known


@pytest.mark.parametrize(
    ("changes", "now_s", "eta_s"),
    [
        ({}, 100.0, 40.0),
        ({}, 102.0, 38.0),
        ({}, 104.0, None),  # nothing has come for longer than the rate lets expect
        ({"frames_per_s": None}, 100.0, None),
        ({"frames_expected": None}, 100.0, None),
        ({"status": "complete"}, 100.0, None),
        ({"frames_received": 100}, 100.0, 0.0),
    ],
)
def test_the_time_left_is_told_where_it_is_known(
    changes: dict[str, Any], now_s: float, eta_s: float | None
) -> None:
    status = ResultStatus(
        **{
            "result_uid": "a", "raw_uid": "b", "time_s": 100.0, "frames_per_s": 2.0,
            "frames_expected": 100, "frames_received": 20, **changes,
        }
    )  # fmt: skip
    found = status.eta_s(now_s)
    assert found is None if eta_s is None else found == pytest.approx(eta_s)


def test_frames_that_are_read_again_do_not_count_as_arriving(
    board: StatusBoard, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = [1000.0]
    monkeypatch.setattr(time, "time", lambda: now[0])
    board.began("a", scan_of("run-a"), "fbp")
    rates = []
    for received in (10, 20, 30, 5, 25, 40):
        now[0] += 1.0
        board.updated("a", update(received, received))
        rates.append(board.status().frames_per_s)
    assert rates[0] is None
    assert rates[1:3] == [10.0, 10.0]
    assert rates[3:5] == [None, None]
    assert rates[5] == pytest.approx(30 / 5)
