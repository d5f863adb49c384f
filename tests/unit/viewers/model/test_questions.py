"""Of questions that wait only the newest is answered."""

import threading
from concurrent.futures import CancelledError, Future

import pytest

from daiss_bluesky.viewers.model.questions import Questions

LIMIT_S = 30.0


def test_the_newest_waiting_question_wins() -> None:
    questions, begun, go = Questions("test"), threading.Event(), threading.Event()

    def slow() -> str:
        begun.set()
        assert go.wait(LIMIT_S)
        return "slow"

    first = questions.ask(slow)
    assert begun.wait(LIMIT_S)
    rest: list[Future[int]] = [questions.ask(lambda i=i: i) for i in range(5)]  # type: ignore[misc]
    go.set()
    assert first.result(LIMIT_S) == "slow"
    assert rest[-1].result(LIMIT_S) == 4
    assert [one.cancelled() for one in rest] == [True] * 4 + [False]
    questions.close()


def test_errors_come_out_of_the_answer() -> None:
    questions = Questions("test")
    with pytest.raises(ZeroDivisionError):
        questions.ask(lambda: 1 / 0).result(LIMIT_S)
    assert questions.ask(lambda: 2).result(LIMIT_S) == 2
    questions.close()
    with pytest.raises(CancelledError):
        questions.ask(lambda: 3).result(LIMIT_S)


def test_a_cancelled_question_is_not_asked() -> None:
    questions, begun, go = Questions("test"), threading.Event(), threading.Event()
    asked: list[int] = []

    def slow() -> None:
        begun.set()
        assert go.wait(LIMIT_S)

    first = questions.ask(slow)
    assert begun.wait(LIMIT_S)
    second = questions.ask(lambda: asked.append(1))
    assert second.cancel()
    go.set()
    first.result(LIMIT_S)
    questions.ask(lambda: asked.append(2)).result(LIMIT_S)
    assert asked == [2]
    questions.close()
