"""Over-scan and timing of a continuous rotation."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from daiss_bluesky.core.errors import InputError
from daiss_devices.fly_timing import LEAD_S, FlyTiming

timings = st.builds(
    FlyTiming,
    start_deg=st.floats(-180, 180),
    range_deg=st.floats(10, 360),
    n_angles=st.integers(2, 4000),
    exposure_s=st.floats(1e-4, 0.01),
    period_s=st.floats(0.01, 1.0),
    acceleration_s=st.floats(0.01, 2.0),
)


@given(timings)
def test_frames_reach_beyond_both_ends_and_step_evenly(timing: FlyTiming) -> None:
    angles = np.array(timing.angles_deg)
    assert len(angles) == timing.n_frames == timing.n_angles + 2 * timing.extra
    np.testing.assert_allclose(np.diff(angles), timing.step_deg, rtol=1e-6)
    assert angles[timing.extra] == pytest.approx(timing.start_deg, abs=1e-9)
    assert angles[0] < timing.start_deg
    assert angles[-1] >= timing.start_deg + timing.range_deg - 1e-9


@given(timings)
def test_the_range_stays_covered_when_the_camera_starts_off_time(
    timing: FlyTiming,
) -> None:
    off_deg = LEAD_S * timing.speed_deg_s
    first, last = timing.angles_deg[0], timing.angles_deg[-1]
    assert first + off_deg <= timing.start_deg + 1e-9
    end = timing.start_deg + timing.range_deg - timing.step_deg
    assert last - off_deg >= end - 1e-9


@given(timings)
def test_speed_is_constant_before_the_first_frame_and_past_the_last(
    timing: FlyTiming,
) -> None:
    assert timing.run_up_deg < timing.constant_from_deg < timing.first_exposure_deg
    ramp = timing.speed_deg_s * timing.acceleration_s / 2
    end_of_exposure = timing.angles_deg[-1] + timing.speed_deg_s * timing.exposure_s
    assert timing.run_out_deg - ramp > end_of_exposure
    assert timing.start_in_s(timing.first_exposure_deg) == pytest.approx(0)
    assert timing.start_in_s(timing.constant_from_deg) > 0


def test_an_exposure_must_fit_between_frames() -> None:
    with pytest.raises(InputError, match="longer than the"):
        FlyTiming(0, 180, 180, 0.05, 0.02, 0.1)
    assert math.isclose(FlyTiming(0, 180, 180, 0.05, 0.05, 0.1).speed_deg_s, 20)
