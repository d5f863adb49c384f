"""`daiss status --watch` shows what is known, and a dash for what is not."""

import io
import json
import time
from collections.abc import Iterator

import pytest
from rich.console import Console

from daiss_bluesky.cli.status_watch import duration, status_table, watch
from daiss_bluesky.core.reconstruction import Progress
from daiss_bluesky.core.results import Final, Update
from daiss_bluesky.core.scan import Scan
from daiss_bluesky.services.control import ControlServer
from daiss_bluesky.services.control_address import ControlAddress
from daiss_bluesky.services.result_status import ResultStatus
from daiss_bluesky.services.status_board import StatusBoard
from tests.unit.services.running_scan import fresh_address


@pytest.fixture
def board() -> StatusBoard:
    return StatusBoard()


@pytest.fixture
def address(board: StatusBoard) -> Iterator[ControlAddress]:
    address = fresh_address()
    server = ControlServer(address, {}, board)
    yield address
    server.close()


def begin(board: StatusBoard) -> None:
    scan = Scan(run_uid="run", scan_id=7, sample="chalk", counts={"projection": 100})
    board.began("a", scan, "fbp")
    progress = Progress(
        frames_expected=100,
        frames_received=20,
        coverage=0.2,
        parameters={"center_px": 33.25, "center_source": "set"},
    )
    board.updated("a", Update(1, time.time(), progress, {}))


def test_one_line_of_json_for_each_change(
    board: StatusBoard, address: ControlAddress
) -> None:
    begin(board)
    output = io.StringIO()

    def go_on() -> bool:
        lines = output.getvalue().splitlines()
        if len(lines) == 2:
            board.ended("a", Final("complete", Progress(frames_received=100)))
            board.settled("a")
        return not lines or json.loads(lines[-1]).get("status") != "complete"

    watch(address, Console(file=output), json_lines=True, go_on=go_on)
    first, *others = [json.loads(line) for line in output.getvalue().splitlines()]
    assert first == {"connected": True}
    assert others[0]["frames_received"] == 20
    assert others[0]["eta_s"] is None
    assert others[-1]["status"] == "complete"


def test_a_table_that_says_when_nobody_answers(
    board: StatusBoard, address: ControlAddress
) -> None:
    begin(board)
    output = io.StringIO()
    console = Console(file=output, width=140, force_terminal=True, color_system=None)
    watch(
        address,
        console,
        json_lines=False,
        go_on=lambda: "chalk" not in output.getvalue(),
    )
    assert "does not answer" not in output.getvalue()
    assert "20/100" in output.getvalue()
    assert "center 33.25 px (set)" in output.getvalue()
    alone = io.StringIO()
    watch(
        fresh_address(),
        Console(file=alone, force_terminal=True, color_system=None),
        json_lines=False,
        go_on=lambda: "does not answer" not in alone.getvalue(),
    )


def test_what_is_not_known_is_a_dash() -> None:
    output = io.StringIO()
    unknown = ResultStatus("a", "b", frames_received=3)
    going = ResultStatus(
        "c", "d", time_s=10.0, frames_expected=100, frames_received=50, frames_per_s=0.5
    )
    Console(file=output, width=140).print(status_table([unknown, going], 10.0))
    lines = output.getvalue().splitlines()
    [first] = [line for line in lines if "3/-" in line]
    assert first.count(" - ") >= 5
    [second] = [line for line in lines if "50/100" in line]
    assert "1 min 40 s" in second
    assert "0.5/s" in second


@pytest.mark.parametrize(
    ("seconds", "said"),
    [
        (None, "-"),
        (0.0, "0 s"),
        (59.4, "59 s"),
        (61, "1 min 01 s"),
        (7260, "2 h 01 min"),
    ],
)
def test_durations(seconds: float | None, said: str) -> None:
    assert duration(seconds) == said
