"""Rows of the progress table, through a restart of the reconstructor."""

from typing import Any

from daiss_bluesky.viewers.model.curves import Rows


def row(number: int, time: float, used: int = 0) -> dict[str, Any]:
    return {"number": number, "time": time, "frames_used": used}


def test_rows_that_come_again_or_late_change_nothing() -> None:
    rows = Rows()
    rows.add([row(1, 10.0), row(4, 13.0)])
    assert not rows.add([row(1, 10.0), row(2, 11.0)])
    assert list(rows.curves().number) == [1, 2, 4]
    assert rows.last_number == 4


def test_a_reconstruction_that_began_anew_is_told_by_a_number_that_comes_again() -> (
    None
):
    rows = Rows()
    rows.add([row(1, 10.0), row(4, 13.0)])
    assert rows.add([row(1, 20.0)])
    assert list(rows.curves().number) == [1]


def test_it_is_told_by_a_lower_number_that_comes_later() -> None:
    rows = Rows()
    rows.add([row(1, 10.0), row(40, 13.0)])
    assert rows.add([row(2, 20.0, used=150)])
    assert rows.newest is not None
    assert rows.newest["frames_used"] == 150
    assert list(rows.curves().number) == [2]
