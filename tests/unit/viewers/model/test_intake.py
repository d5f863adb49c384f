"""What came by all lanes, as a window finds it."""

import time
from typing import Any

import numpy as np
import pytest

from daiss_bluesky.viewers.model.history import History
from daiss_bluesky.viewers.model.intake import Intake
from daiss_bluesky.viewers.model.mailbox import Mailbox

METADATA: dict[str, Any] = {
    "raw_uid": "run",
    "technique": "tomography",
    "status": "running",
    "started": 10.0,
    "scan_id": 7,
    "sample": "foam",
    "geometry": {"pixel_size_um": 1.3},
    "in_force": {"slices_zyx": [4, 5, 6]},
    "frames": {"expected": 20, "received": 3, "used": 2, "missing": 17},
    "coverage": 0.1,
}


def _row(number: int, time_s: float | None = None, **others: Any) -> dict[str, Any]:
    return {
        "number": number,
        "time": 1000.0 + number if time_s is None else time_s,
        "frames_expected": 20,
        "frames_received": number,
        "frames_used": number,
        "frames_missing": 20 - number,
        "coverage": number / 20,
        "lag_s": 0.25,
        "newest_angle_deg": 9.0 * number,
        "residual": float("nan"),
        "quality": {"gain": 2.0},
        "gain": 2.0,
        "parameters": {"center_px": 3.5, "slices_zyx": [4, 5, 6]},
    } | others


@pytest.fixture
def mailbox() -> Mailbox:
    return Mailbox()


@pytest.fixture
def history() -> History:
    return History()


@pytest.fixture
def intake(mailbox: Mailbox, history: History) -> Intake:
    found = Intake(mailbox, history.keep)
    found.result("one", METADATA)
    return found


def _send(intake: Intake, value: float, uid: str = "one", **others: Any) -> None:
    picture = np.full((6, 8), value, np.float32)
    settings: dict[str, Any] = {"published_s": time.time(), "lane": "push"} | others
    intake.picture(uid, "slice_xz", picture, **settings)


def test_a_picture_says_what_it_is(intake: Intake, mailbox: Mailbox) -> None:
    intake.rows("one", [_row(2)])
    _send(intake, 1.0, published_s=1003.0)
    picture = mailbox.take()["slice_xz"]
    assert (picture.number, picture.published_s, picture.place) == (3, 1003.0, 5)
    assert (picture.rows_along, picture.columns_along) == ("z", "x")
    assert picture.pixel_size_um == 1.3
    assert picture.facts == (("scan", "7"), ("sample", "foam"), ("angle", "18.00°"))
    assert not picture.pixels.flags.writeable


def test_pictures_of_others_are_left_out(intake: Intake, mailbox: Mailbox) -> None:
    _send(intake, 1.0, uid="other")
    assert mailbox.take() == {}


def test_the_same_pixels_again_are_no_news(intake: Intake, mailbox: Mailbox) -> None:
    _send(intake, 1.0)
    _send(intake, 1.0)
    assert mailbox.take()["slice_xz"].number == 1
    assert mailbox.overtaken == 0


def test_the_newest_result_is_followed_unless_one_is_pinned(
    intake: Intake, mailbox: Mailbox
) -> None:
    chosen: list[str] = []
    intake.on_choice = chosen.append
    _send(intake, 1.0)
    intake.result("two", METADATA | {"started": 20.0})
    assert chosen == ["two"]
    assert mailbox.take() == {}, "pictures of the one before"
    intake.pinned = "one"
    intake.choose()
    intake.result("three", METADATA | {"started": 30.0})
    assert chosen == ["two", "one"]
    intake.pinned = None
    intake.choose()
    assert chosen == ["two", "one", "three"]


def test_a_row_corrects_which_slice_its_picture_is(
    intake: Intake, mailbox: Mailbox, history: History
) -> None:
    intake.rows("one", [_row(1)])
    _send(intake, 1.0)
    assert mailbox.take()["slice_xz"].place == 5
    intake.rows("one", [_row(2, parameters={"slices_zyx": [4, 9, 6]})])
    corrected = mailbox.take()["slice_xz"]
    assert (corrected.place, corrected.number) == (9, 2)
    assert [one.place for one in history.of("slice_xz")] == [9]
    _send(intake, 2.0, lane="pva", number=3, place=11)
    assert mailbox.take()["slice_xz"].place == 11
    intake.rows("one", [_row(3, parameters={"slices_zyx": [4, 10, 6]})])
    assert mailbox.take() == {}, "this lane knew it itself"


def test_honesty_is_of_the_newest_row(intake: Intake) -> None:
    assert intake.showing is not None
    assert intake.showing.honesty().frames_received == 3
    intake.rows("one", [_row(5), _row(4)])
    found = intake.showing.honesty()
    assert (found.frames_used, found.lag_s, found.published_s) == (5, 0.25, 1005.0)
    assert found.quality == {"gain": 2.0}
    assert found.parameters["center_px"] == 3.5
    intake.result("one", METADATA | {"status": "complete"})
    assert intake.showing.honesty().status == "complete"


def test_curves_have_each_number_once(intake: Intake) -> None:
    assert intake.showing is not None
    intake.rows("one", [_row(1), _row(4)])
    first = intake.showing.curves()
    intake.rows("one", [_row(4)])
    assert intake.showing.curves() is first
    intake.rows("one", [_row(3)])
    curves = intake.showing.curves()
    assert curves.number.tolist() == [1, 3, 4]
    assert curves.columns["frames_used"].tolist() == [1.0, 3.0, 4.0]
    assert curves.columns["gain"].tolist() == [2.0, 2.0, 2.0]
    assert "residual" not in curves.columns


def test_a_reconstruction_that_began_anew_is_shown_on(
    intake: Intake, mailbox: Mailbox, history: History
) -> None:
    intake.rows("one", [_row(1), _row(2)])
    _send(intake, 9.0, lane="pva", number=9)
    _send(intake, 1.0, lane="pva", number=1)
    assert mailbox.take()["slice_xz"].number == 9
    intake.rows("one", [_row(1, time_s=2000.0)])
    _send(intake, 2.0, lane="pva", number=2)
    assert mailbox.take()["slice_xz"].number == 10, "numbers grow all the same"
    assert intake.showing is not None
    assert intake.showing.curves().number.tolist() == [1]
    assert [one.number for one in history.of("slice_xz")] == [9, 10]


def test_history_is_bounded_and_keeps_the_newest() -> None:
    history = History(limit_bytes=1000)
    mailbox = Mailbox()
    intake = Intake(mailbox, history.keep)
    intake.result("one", METADATA)
    for value in range(20):
        _send(intake, float(value))
    assert history.held_bytes <= 1000
    kept = history.of("slice_xz")
    assert [one.number for one in kept] == [16, 17, 18, 19, 20]
    at_17 = history.at("slice_xz", 17)
    assert at_17 is not None
    assert at_17.value_at(0, 0) == 16.0
    assert history.at("slice_xz", 3) is None
    assert mailbox.overtaken == 19
    intake.picture("one", "map", np.ones((30, 30), np.float32), None, "push")
    assert [len(history.of(view)) for view in ("slice_xz", "map")] == [1, 1]


def test_the_line(intake: Intake) -> None:
    assert intake.connection().state == "connecting"
    intake.line("connected", "push")
    since_s = intake.connection().since_s
    intake.line("connected", "push")
    assert intake.connection().since_s == since_s
    intake.heard("pva")
    found = intake.connection()
    assert (found.source, found.messages_per_s) == ("pva", 0.2)
    age_s = found.age_s(time.time())
    assert age_s is not None
    assert age_s < 60
    intake.line("reconnecting", "push", "the server went away; reconnecting")
    assert intake.connection().message.startswith("the server")
