"""The newest picture wins, whichever way it came."""

from daiss_bluesky.viewers.model.order import FAST_LANE_S, Order


def test_pushed_pictures_are_of_the_update_after_the_last_row() -> None:
    order = Order()
    assert order.accept("slice_xy", "push", None, 0.0) == 1
    order.last_row = 1
    assert order.accept("slice_xy", "push", None, 0.5) == 2
    order.last_row = 7  # updates in between were overtaken
    assert order.accept("slice_xy", "push", None, 1.0) == 8


def test_what_lay_in_the_catalog_is_of_the_newest_row() -> None:
    order = Order(last_row=5)
    assert order.accept("map", "push", None, 0.0, fetched=True) == 5
    assert order.accept("map", "push", None, 0.1) == 6


def test_numbers_grow_though_a_row_is_late() -> None:
    order = Order(last_row=3)
    numbers = [order.accept("map", "push", None, 0.1 * i) for i in range(3)]
    assert numbers == [4, 5, 6]


def test_the_slow_lane_does_not_take_a_picture_back() -> None:
    order = Order()
    assert order.accept("slice_xy", "pva", 5, 0.0) == 5
    order.last_row = 3
    assert order.accept("slice_xy", "push", None, 0.1) is None
    order.last_row = 5
    assert order.accept("slice_xy", "push", None, 0.2) == 6
    assert order.accept("slice_xy", "pva", 6, 0.3) is None
    assert order.accept("slice_xy", "pva", 7, 0.4) == 7


def test_the_slow_lane_goes_on_where_the_fast_one_ends() -> None:
    order = Order(last_row=2)
    assert order.accept("slice_xy", "pva", 9, 0.0) == 9
    assert order.accept("slice_xy", "push", None, FAST_LANE_S + 1) == 10


def test_views_are_apart() -> None:
    order = Order()
    assert order.accept("slice_xy", "pva", 5, 0.0) == 5
    assert order.accept("slice_xz", "push", None, 0.0) == 1
