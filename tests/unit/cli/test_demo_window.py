"""The window beside a demo."""

import sys
from pathlib import Path

import psutil
import pytest
from rich.console import Console

from daiss_bluesky.cli.demo.window import view_command, window

QUIET = Console(quiet=True)


def place(folder: Path) -> str:
    return str(folder / "closed")


def writes(folder: Path) -> list[str]:
    code = (
        "import sys, time, pathlib; time.sleep(0.3); pathlib.Path(sys.argv[1]).touch()"
    )
    return [sys.executable, "-c", code, place(folder)]


def test_the_demo_waits_until_the_window_is_closed(tmp_path: Path) -> None:
    with window(writes(tmp_path), QUIET):
        assert not Path(place(tmp_path)).exists()
    assert Path(place(tmp_path)).exists()


def test_a_demo_that_fails_closes_the_window() -> None:
    before = psutil.Process().children()
    with (
        pytest.raises(KeyboardInterrupt),
        window([sys.executable, "-c", "import time; time.sleep(1000)"], QUIET),
    ):
        raise KeyboardInterrupt
    assert [one for one in psutil.Process().children() if one not in before] == []


def test_without_a_window_nothing_is_waited_for() -> None:
    with window(None, QUIET):
        pass


def test_the_window_is_that_of_the_demo(tmp_path: Path) -> None:
    assert view_command(tmp_path)[-3:] == ["view", "--state", str(tmp_path)]
