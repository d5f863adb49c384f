"""Three slices through one point."""

import pytest

from daiss_bluesky.viewers.model.orthogonal import (
    ACROSS,
    Point,
    crosshair,
    moved,
    volume_shape,
)

POINT = Point(z=3, y=5, x=7)


@pytest.mark.parametrize(
    ("view", "where"),
    [
        ("slice_xy", (5.5, 7.5)),
        ("slice_xz", (3.5, 7.5)),
        ("slice_yz", (3.5, 5.5)),
    ],
)
def test_a_crosshair_is_in_the_middle_of_its_element(
    view: str, where: tuple[float, float]
) -> None:
    assert crosshair(view, POINT) == where
    assert moved(view, *where, POINT) == POINT


def test_moving_changes_what_the_slice_shows_and_not_where_it_stands() -> None:
    for view, axis in ACROSS.items():
        there = moved(view, 0.9, 1.0, POINT)
        assert getattr(there, axis) == getattr(POINT, axis)
    assert moved("slice_xz", 0.9, 1.0, POINT) == Point(z=0, y=5, x=1)


def test_a_point_outside_is_brought_inside() -> None:
    assert Point(-1, 5, 99).within((4, 6, 8)) == Point(0, 5, 7)


def test_the_volume_is_known_from_two_slices() -> None:
    assert volume_shape({"slice_xy": (6, 8)}) is None
    shapes = {"slice_xy": (6, 8), "slice_xz": (4, 8)}
    assert volume_shape(shapes) == (4, 6, 8)
