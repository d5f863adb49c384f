"""Work off the GUI thread."""

import logging
import threading
from collections.abc import Iterator
from functools import partial
from typing import Any

import pytest

from daiss_bluesky.core.errors import InputError
from daiss_bluesky.viewers.qt.errands import Errands
from tests.unit.viewers.qt.fake_feed import pump


@pytest.fixture
def errands(qt_app: Any) -> Iterator[Errands]:
    errands = Errands()
    yield errands
    errands.close()


def test_work_is_done_elsewhere_and_told_here(errands: Errands) -> None:
    told: list[Any] = []
    errands.send(
        "one",
        threading.get_ident,
        lambda found: told.append((found, threading.get_ident())),
    )
    pump(lambda: told)
    [(worker, here)] = told
    assert worker != here == threading.get_ident()


def test_of_what_waits_only_the_newest_is_done(errands: Errands) -> None:
    go, told, done = threading.Event(), list[int](), list[int]()

    def work(n: int) -> int:
        go.wait(10)
        done.append(n)
        return n

    for n in range(20):
        errands.send("look", partial(work, n), told.append)
    go.set()
    pump(lambda: told[-1:] == [19])
    assert done[-1] == 19
    assert len(done) <= 2
    pump(lambda: not errands.busy())


def test_a_refusal_is_told_by_name(errands: Errands) -> None:
    refused: list[tuple[str, str]] = []
    errands.refused.connect(lambda name, sentence: refused.append((name, sentence)))

    def refuse() -> None:
        raise InputError("no such row")

    errands.send("sinogram", refuse, lambda _: None)
    pump(lambda: refused)
    assert refused == [("sinogram", "no such row")]


def test_a_failure_is_logged_and_stops_nothing(
    errands: Errands, caplog: pytest.LogCaptureFixture
) -> None:
    told: list[str] = []

    def fail() -> None:
        raise RuntimeError("broken")

    with caplog.at_level(logging.ERROR):
        errands.send("one", fail, lambda _: None)
        pump(lambda: "an errand of the window failed" in caplog.text)
    pump(lambda: not errands.busy())
    errands.send("one", lambda: "whole", told.append)
    pump(lambda: told == ["whole"])


def test_nothing_is_told_after_closing(errands: Errands) -> None:
    go, began, told = threading.Event(), threading.Event(), list[str]()

    def work() -> str:
        began.set()
        go.wait(10)
        return "late"

    errands.send("one", work, told.append)
    assert began.wait(10)
    errands.close()
    go.set()
    pump(lambda: not errands.busy())
    assert told == []
