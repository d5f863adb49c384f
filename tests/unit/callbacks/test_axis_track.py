"""Monitored readings: waited for, interpolated, believed where none is lost."""

import threading

import numpy as np
import pytest
from numpy.typing import NDArray

from daiss_bluesky.core.errors import UnavailableError
from daiss_callbacks.axis_track import AxisTrack, NewestTime

SHORT_S = 0.01


def track_with(*seq_nums: int, bridge: bool) -> AxisTrack:
    """Make a track that went from 0 by 10 with each second."""
    track = AxisTrack("row", bridge=bridge)
    for n in seq_nums:
        track.add("m", n, float(n), 10.0 * n)
    return track


def values_at(
    track: AxisTrack, times_s: list[float], timeout_s: float = SHORT_S
) -> NDArray[np.float64]:
    values = track.values_at(times_s, timeout_s)
    assert values is not None
    return values


def test_a_steady_axis_is_interpolated_past_a_lost_reading() -> None:
    track = track_with(1, 2, 4, bridge=True)
    np.testing.assert_allclose(values_at(track, [1.5, 3.0]), [15.0, 30.0])


def test_where_a_reading_is_lost_nothing_is_known() -> None:
    track = track_with(2, 3, 5, 6, bridge=False)
    with pytest.raises(UnavailableError, match="monitored row readings"):
        values_at(track, [2.5, 4.0])
    np.testing.assert_allclose(values_at(track, [2.5, 5.0]), [25.0, 50.0])
    track.complete({"m": 8, "primary": 100})
    found = values_at(track, [1.0, 2.0, 2.5, 4.0, 5.5, 6.5])
    expected = [np.nan, 20.0, 25.0, np.nan, 55.0, np.nan]
    np.testing.assert_allclose(found, expected)


def test_a_late_reading_closes_the_gap() -> None:
    track = track_with(1, 3, bridge=False)
    with pytest.raises(UnavailableError):
        values_at(track, [1.5])
    track.add("m", 2, 2.0, 40.0)
    np.testing.assert_allclose(values_at(track, [1.5]), [25.0])


def test_promised_readings_that_all_got_lost_leave_nothing_known() -> None:
    track = AxisTrack("row", bridge=False)
    track.expect("m")
    track.complete({"m": 3})
    np.testing.assert_array_equal(values_at(track, [1.0]), [np.nan])


def test_readings_that_are_promised_are_waited_for_before_any_is_announced() -> None:
    track = AxisTrack("row", bridge=False, promised=True)
    found: list[NDArray[np.float64]] = []
    asking = threading.Thread(
        target=lambda: found.append(values_at(track, [1.5], timeout_s=60.0))
    )
    asking.start()
    track.expect("m")
    for n in (2, 1):
        track.add("m", n, float(n), 10.0 * n)
    asking.join(60.0)
    np.testing.assert_allclose(found[0], [15.0])


def test_a_promise_that_is_not_kept_costs_one_wait() -> None:
    track = AxisTrack("row", bridge=False, promised=True)
    assert track.values_at([1.0], SHORT_S) is None
    assert track.values_at([1.0], 3600.0) is None


def test_readings_in_any_order_are_interpolated_between_their_neighbors() -> None:
    rng = np.random.default_rng(2)
    times_s = np.sort(rng.uniform(0.0, 10.0, 50))
    values = rng.normal(size=50)
    track = AxisTrack("row", bridge=False)
    for n in rng.permutation(50):
        track.add("m", int(n) + 1, times_s[n], values[n])
    track.complete({"m": 50})
    for asked in ([-1.0, 0.1], [3.0, 3.1, 3.2], [9.0, 11.0], [12.0], [times_s[7]]):
        expected = np.interp(asked, times_s, values)
        np.testing.assert_allclose(values_at(track, asked), expected)


def test_an_axis_at_rest_is_known_from_the_others_going_on() -> None:
    run = NewestTime()
    row = AxisTrack("row", bridge=False, run=run)
    column = AxisTrack("column", bridge=False, run=run)
    row.add("row_monitor", 1, 0.0, 7.0)
    with pytest.raises(UnavailableError):
        values_at(row, [5.0])
    column.add("column_monitor", 1, 6.0, 1.0)
    np.testing.assert_allclose(values_at(row, [5.0]), [7.0])
