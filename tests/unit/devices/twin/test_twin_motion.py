"""Trapezoids and switches: positions at any time, exact."""

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from daiss_devices.twin.motion import Axis, Switch, trapezoid

FINITE = st.floats(-500, 500)
POSITIVE = st.floats(0.1, 100)


def test_long_move_cruises_at_its_speed() -> None:
    axis = Axis()
    axis.move(100.0, 90.0, speed=30.0, acceleration=300.0)
    # ramps of 0.1 s and 1.5 degrees each, 87 degrees at 30 degrees a second
    assert axis.end_s == pytest.approx(100 + 0.2 + 87 / 30)
    assert axis.position_at(100.05) == pytest.approx(0.5 * 300 * 0.05**2)
    assert axis.position_at(100.1) == pytest.approx(1.5)
    assert axis.velocity_at(101.0) == pytest.approx(30)
    assert axis.position_at(101.0) == pytest.approx(1.5 + 30 * 0.9)
    assert axis.position_at(1e9) == 90


def test_short_move_never_reaches_its_speed() -> None:
    profile = trapezoid(0.0, 0.0, 1.0, speed=100.0, acceleration=4.0)
    assert profile.end_s == pytest.approx(1.0)
    assert profile.at(0.5).velocity_at(0.5) == pytest.approx(2.0)


@given(start=FINITE, target=FINITE, speed=POSITIVE, acceleration=POSITIVE)
@example(start=0.0, target=5e-324, speed=1.0, acceleration=0.5)
def test_every_move_is_continuous_and_arrives(
    start: float, target: float, speed: float, acceleration: float
) -> None:
    axis = Axis(start)
    axis.move(0.0, target, speed, acceleration)
    times = np.linspace(-0.1, axis.end_s + 0.1, 400)
    positions = np.array([axis.position_at(t) for t in times])
    step_s = times[1] - times[0]
    assert np.abs(np.diff(positions)).max() <= speed * step_s * (1 + 1e-6) + 1e-6
    assert positions[0] == start
    assert positions[-1] == target
    low, high = sorted((start, target))
    assert positions.min() >= low - 1e-6
    assert positions.max() <= high + 1e-6


def test_new_target_in_mid_move_first_slows_down() -> None:
    axis = Axis()
    axis.move(0.0, 100.0, 10.0, 100.0)
    before = axis.position_at(2.0)
    axis.move(2.0, 0.0, 10.0, 100.0)
    assert axis.position_at(2.0) == pytest.approx(before)
    assert axis.velocity_at(2.0) == pytest.approx(10.0)
    assert axis.position_at(2.1) == pytest.approx(before + 0.5)
    assert axis.position_at(axis.end_s) == 0.0


def test_stop_rests_a_braking_distance_further() -> None:
    axis = Axis()
    axis.move(0.0, 100.0, 10.0, 100.0)
    here = axis.position_at(3.0)
    axis.stop(3.0, 100.0)
    assert axis.target == pytest.approx(here + 0.5)
    assert axis.end_s == pytest.approx(3.1)


def test_the_past_stays_known_after_later_moves() -> None:
    """A frame computed late still sees the motion it was exposed in."""
    axis = Axis()
    axis.move(0.0, 10.0, 10.0, 100.0)
    middle = axis.position_at(0.5)
    axis.move(5.0, -10.0, 10.0, 100.0)
    axis.stop(5.2, 100.0)
    assert axis.position_at(0.5) == middle
    assert axis.position_at(3.0) == 10.0


def test_stop_at_rest_changes_nothing() -> None:
    axis = Axis(4.0)
    axis.stop(1.0, 100.0)
    assert (axis.target, axis.end_s) == (4.0, 1.0)


def test_switch_knows_the_part_of_a_span_it_was_on() -> None:
    switch = Switch()
    switch.turn(10.0, True)
    switch.turn(12.0, False)
    assert not switch.on_at(9.9)
    assert switch.on_at(10.0)
    assert switch.fraction_on(8.0, 9.0) == 0
    assert switch.fraction_on(9.0, 11.0) == pytest.approx(0.5)
    assert switch.fraction_on(10.5, 11.5) == 1
    assert switch.fraction_on(11.0, 15.0) == pytest.approx(0.25)
    assert switch.fraction_on(11.0, 11.0) == 1
