"""Ctrl-C waits for the end of what must not be half done."""

import os
import signal
import threading

import pytest

from daiss_bluesky.services.interrupts import interrupts_held


def interrupt_me() -> None:
    os.kill(os.getpid(), signal.SIGINT)


def test_it_comes_after_the_block() -> None:
    reached: list[str] = []

    def impatient() -> None:
        with interrupts_held():
            interrupt_me()
            interrupt_me()
            reached.append("end")

    with pytest.raises(KeyboardInterrupt):
        impatient()
    assert reached == ["end"]
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


def test_an_error_in_the_block_is_raised() -> None:
    def failing() -> None:
        with interrupts_held():
            interrupt_me()
            raise ValueError("mine")

    with pytest.raises(ValueError, match="mine"):
        failing()
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


def test_blocks_may_lie_inside_one_another() -> None:
    reached: list[str] = []

    def nested() -> None:
        with interrupts_held():
            with interrupts_held():
                interrupt_me()
                reached.append("inner")
            reached.append("outer")

    with pytest.raises(KeyboardInterrupt):
        nested()
    assert reached == ["inner", "outer"]


def test_other_threads_need_nothing() -> None:
    reached = threading.Event()

    def work() -> None:
        with interrupts_held():
            reached.set()

    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    assert reached.is_set()
