"""Rows, their frames and their ends in a flight."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from daiss_bluesky.core.errors import InputError
from daiss_devices.raster_flight import LEAD_S, RasterFlight


@st.composite
def flights(draw: st.DrawFn) -> RasterFlight:
    step_um = draw(st.floats(0.01, 10))
    exposure_s = draw(st.floats(1e-4, 0.5))
    return RasterFlight(
        rows_um=[step_um * i for i in range(draw(st.integers(1, 6)))],
        columns_um=[step_um * (i - 3) for i in range(draw(st.integers(2, 40)))],
        exposure_s=exposure_s,
        period_s=exposure_s + draw(st.floats(0, 0.1)),
        acceleration_s=draw(st.floats(0.001, 0.5)),
    )


@given(flights())
def test_every_row_is_covered_beyond_both_ends_by_even_steps(
    flight: RasterFlight,
) -> None:
    assert len(flight.positions_um) == flight.n_frames
    for number, leg in enumerate(flight.legs):
        columns = np.array(leg.columns_um)
        assert len(columns) == flight.images
        way = 1 if number % 2 == 0 else -1
        np.testing.assert_allclose(np.diff(columns), way * flight.step_um, rtol=1e-6)
        late_um = LEAD_S * flight.speed_um_s * (1 - 1e-6)
        assert columns.min() <= flight.columns_um[0] - late_um
        assert columns.max() >= flight.columns_um[-1] + late_um


@given(flights())
def test_the_stage_has_its_speed_when_exposures_begin_and_end(
    flight: RasterFlight,
) -> None:
    ramp_um = flight.speed_um_s * flight.acceleration_s / 2
    half_um = flight.speed_um_s * flight.exposure_s / 2
    for number, leg in enumerate(flight.legs):
        way = 1 if number % 2 == 0 else -1
        run_up = way * (leg.columns_um[0] - leg.run_up_um)
        run_out = way * (leg.run_out_um - leg.columns_um[-1])
        assert run_up > ramp_um + half_um
        assert run_out > ramp_um + half_um
        # After its ramp it goes on at constant speed until the first exposure begins.
        flown_um = (flight.start_s - flight.acceleration_s) * flight.speed_um_s
        assert run_up == pytest.approx(ramp_um + flown_um + half_um)


def test_the_ends_of_the_travel_are_told() -> None:
    flight = RasterFlight([0.0, 1.0, 2.0], [0.0, 1.0, 2.0], 0.01, 0.01, 0.1)
    reach = np.array(flight.reach_um)
    assert (reach[:, 0].min(), reach[:, 0].max()) == (0.0, 2.0)
    for leg in flight.legs:
        assert leg.run_up_um in reach[:, 1]
        assert leg.run_out_um in reach[:, 1]


def test_what_cannot_be_flown_is_refused() -> None:
    with pytest.raises(InputError, match="longer than the"):
        RasterFlight([0.0], [0.0, 1.0], 0.05, 0.02, 0.1)
    with pytest.raises(InputError, match="rows of at least 2 columns"):
        RasterFlight([0.0, 1.0], [0.0], 0.01, 0.02, 0.1)
