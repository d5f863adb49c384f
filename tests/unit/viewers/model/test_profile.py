"""Profiles against the elements they go through."""

import csv
import io
from typing import Any

import numpy as np
import pytest

from daiss_bluesky.core.errors import InputError
from daiss_bluesky.viewers.model.profile import (
    Line,
    Profile,
    across_picture,
    along_line,
    to_csv,
)

PIXELS = np.random.default_rng(3).normal(size=(40, 50))


def test_a_line_along_a_row_gives_its_elements() -> None:
    distance, values = along_line(PIXELS, Line(7.5, 3.5, 7.5, 30.5))
    assert np.allclose(values, PIXELS[7, 3:31])
    assert np.allclose(distance, np.arange(28))


def test_a_slanted_line_on_a_plane_is_straight() -> None:
    rows, columns = np.mgrid[:40, :50] + 0.5
    plane = 3 * rows - 2 * columns
    line = Line(5, 6, 30, 41, width_px=5)
    distance, values = along_line(plane, line)
    part = distance / line.length_px
    expected = 3 * (5 + 25 * part) - 2 * (6 + 35 * part)
    assert np.allclose(values, expected)
    assert distance[-1] == pytest.approx(np.hypot(25, 35))


def test_the_width_is_averaged() -> None:
    _, values = along_line(PIXELS, Line(10.5, 0.5, 10.5, 49.5, width_px=3))
    assert np.allclose(values, PIXELS[9:12].mean(axis=0))


def test_outside_is_missing_and_holes_are_left_out() -> None:
    _, values = along_line(PIXELS, Line(5.5, -10.5, 5.5, 9.5))
    assert np.isnan(values[:10]).all()
    assert np.allclose(values[11:], PIXELS[5, :10])
    holed = PIXELS.copy()
    holed[4] = np.nan
    _, values = along_line(holed, Line(5.5, 0.5, 5.5, 9.5, width_px=3))
    assert np.allclose(values, holed[5:7, :10].mean(axis=0))


@pytest.mark.parametrize(
    ("kind", "expected"),
    [("horizontal", PIXELS[12]), ("vertical", PIXELS[:, 12])],
)
def test_rows_and_columns_are_the_elements(kind: str, expected: Any) -> None:
    distance, values = across_picture(PIXELS, kind, 12.9)
    assert np.array_equal(values, expected)
    assert distance[0] == 0.5
    _, wide = across_picture(
        PIXELS if kind == "horizontal" else PIXELS.T, "horizontal", 12.5, 3
    )
    around = PIXELS if kind == "horizontal" else PIXELS.T
    assert np.allclose(wide, around[11:14].mean(axis=0))


def test_what_is_no_profile_is_refused() -> None:
    with pytest.raises(InputError, match=r"width 0\.5 px"):
        Line(0, 0, 1, 1, width_px=0.5)
    with pytest.raises(InputError, match="profile direction 'diagonal'"):
        across_picture(PIXELS, "diagonal", 3)
    assert np.isnan(across_picture(PIXELS, "horizontal", -5)[1]).all()


def test_csv_holds_every_digit() -> None:
    profile = Profile("row, 12", np.arange(3.0), np.array([0.1, np.pi, np.nan]), 0.65)
    rows = list(csv.DictReader(io.StringIO(to_csv([profile, profile]))))
    assert len(rows) == 6
    assert rows[1]["profile"] == "row, 12"
    assert float(rows[1]["value"]) == np.pi
    assert (float(rows[1]["distance"]), rows[1]["unit"]) == (0.65, "µm")


def test_a_line_keeps_its_place_on_a_finer_picture() -> None:
    assert Line(1, 2, 3, 4).scaled(2, 3) == Line(2, 6, 6, 12)
