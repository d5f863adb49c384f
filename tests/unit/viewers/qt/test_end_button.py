"""Ending a reconstruction and making it once more, from the window."""

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest
from qtpy.QtWidgets import QApplication

from daiss_bluesky.viewers.model.followed import Followed
from daiss_bluesky.viewers.qt.end_button import EndButton
from daiss_bluesky.viewers.qt.errands import Errands
from tests.unit.viewers.qt.fake_feed import FakeReconstructor, pump

RUNNING = Followed(result_uid="result5", metadata={"status": "running"})
COMPLETE = replace(RUNNING, metadata={"status": "complete"})


class Pressed:
    """A button with who is asked and what was told."""

    def __init__(self) -> None:
        self.errands = Errands()
        self.reconstructor = FakeReconstructor()
        self.button = EndButton(self.reconstructor, self.errands)
        self.told: list[Any] = []
        self.button.said.connect(self.told.append)
        self.button.made_again.connect(lambda: self.told.append("again"))

    def asked(self) -> list[tuple[Any, ...]]:
        pump(lambda: not self.errands.busy())
        QApplication.processEvents()
        return self.reconstructor.asked


@pytest.fixture
def pressed(qt_app: Any) -> Iterator[Pressed]:
    pressed = Pressed()
    yield pressed
    pressed.errands.close()
    pressed.button.deleteLater()


def test_one_press_ends_nothing_and_the_second_does(pressed: Pressed) -> None:
    pressed.button.show_followed(RUNNING)
    assert pressed.button.text() == "End"
    pressed.button.click()
    assert pressed.button.text() == "Press again to end"
    assert pressed.asked() == []
    pressed.button.click()
    assert pressed.asked() == [("abort", "result5", "from the window")]
    assert pressed.button.text() == "End"


def test_a_press_long_ago_does_not_count(pressed: Pressed) -> None:
    pressed.button.show_followed(RUNNING)
    pressed.button.click()
    pressed.button._sure.setInterval(0)
    pump(lambda: pressed.button.text() == "End")
    pressed.button.click()
    assert pressed.asked() == []


def test_a_press_for_another_result_does_not_count(pressed: Pressed) -> None:
    pressed.button.show_followed(RUNNING)
    pressed.button.click()
    pressed.button.show_followed(replace(RUNNING, result_uid="result6"))
    pressed.button.click()
    assert pressed.asked() == []


def test_a_finished_one_is_made_again_and_followed(pressed: Pressed) -> None:
    pressed.button.show_followed(COMPLETE)
    assert pressed.button.text() == "Run again"
    pressed.button.click()
    assert pressed.asked() == [("rerun", "result5", {})]
    pump(lambda: "again" in pressed.told)
    assert "as soon as it begins" in pressed.told[0]


def test_a_refusal_is_said(pressed: Pressed) -> None:
    pressed.reconstructor.refuses = {"rerun"}
    pressed.button.show_followed(COMPLETE)
    pressed.button.click()
    pump(lambda: pressed.told)
    assert pressed.told == ["rerun is refused"]


@pytest.mark.parametrize("known", [True, False])
def test_without_a_reconstructor_or_a_result_there_is_nothing_to_press(
    pressed: Pressed, known: bool
) -> None:
    button = EndButton(pressed.reconstructor if known else None, pressed.errands)
    button.show_followed(Followed() if known else RUNNING)
    assert button.isHidden()
    button.deleteLater()
