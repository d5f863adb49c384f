"""Projections half a turn apart over each other."""

import numpy as np

from daiss_bluesky.viewers.model.half_turn import mirrored, red_cyan


def test_a_mirror_about_the_middle_turns_the_columns_round() -> None:
    pixels = np.arange(12, dtype=np.float32).reshape(3, 4)
    assert np.array_equal(mirrored(pixels, 2.0), pixels[:, ::-1])


def test_columns_that_are_not_there_are_not_known() -> None:
    found = mirrored(np.arange(8.0).reshape(2, 4), 1.5)
    assert np.array_equal(found[:, :3], [[2, 1, 0], [6, 5, 4]])
    assert np.isnan(found[:, 3]).all()


def test_between_columns_it_is_interpolated() -> None:
    line = np.array([[0.0, 2.0, 4.0, 6.0]])
    assert np.allclose(mirrored(line, 2.3)[0, 1:], [5.2, 3.2, 1.2])


def test_equal_pictures_are_gray_and_others_red_or_cyan() -> None:
    first = np.zeros((8, 8))
    second = np.zeros((8, 8))
    first[:, :4] = 1.0
    second[:4] = 1.0
    colors = red_cyan(first, second)
    assert colors.shape == (8, 8, 3)
    assert tuple(colors[0, 0]) == (255, 255, 255)
    assert tuple(colors[7, 7]) == (0, 0, 0)
    assert tuple(colors[7, 0]) == (255, 0, 0)
    assert tuple(colors[0, 7]) == (0, 255, 255)


def test_what_is_not_known_is_black() -> None:
    hole = np.full((4, 4), np.nan)
    assert not red_cyan(hole, hole).any()
