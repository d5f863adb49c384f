"""Bad input is refused in one sentence when the plan is made, not when it runs."""

import math
from typing import Any

import pytest

from daiss_bluesky.core.errors import InputError
from daiss_bluesky.plans.tomography import tomo_fly, tomo_scan
from tests.unit.plans.fake_station import FakeStation

REFUSED = [
    pytest.param({"angles": 0}, "at least 2 angles, not 0", id="zero-angles"),
    pytest.param({"angles": 1}, "at least 2 angles, not 1", id="one-angle"),
    pytest.param({"angles": -3}, "angles = -3", id="negative-angles"),
    pytest.param({"angles": 2.5}, "angles = 2.5", id="half-an-angle"),
    pytest.param({"exposure_s": 0}, "exposure_s = 0", id="zero-exposure"),
    pytest.param({"exposure_s": -1.0}, "exposure_s = -1.0", id="negative-exposure"),
    pytest.param({"exposure_s": math.nan}, "exposure_s = nan", id="nan-exposure"),
    pytest.param({"exposure_s": "long"}, "not a number", id="exposure-text"),
    pytest.param({"exposure_s": 1e4}, "at most 600 seconds", id="long-exposure"),
    pytest.param({"flats": 0}, "flats = 0", id="no-flats"),
    pytest.param({"darks": -1}, "darks = -1", id="negative-darks"),
    pytest.param({"start_deg": math.nan}, "start_deg = nan", id="nan-start"),
    pytest.param({"range_deg": 0.0}, "positive range", id="no-range"),
    pytest.param({"energy_kev": -20.0}, "energy_kev = -20.0", id="negative-energy"),
    pytest.param({"pixel_size_um": 0.0}, "pixel_size_um = 0.0", id="no-pixel"),
    pytest.param({"distance_mm": math.inf}, "distance_mm", id="infinite-distance"),
    pytest.param({"md": {"smaple": "x"}}, "unknown key 'smaple'", id="unknown-key"),
    pytest.param({"center_px": math.nan}, "center_px", id="nan-center"),
    pytest.param({"start_deg": 300.0}, "limits are -90 and 400", id="out-of-travel"),
]


@pytest.mark.parametrize("plan", [tomo_scan, tomo_fly])
@pytest.mark.parametrize(("wrong", "sentence"), REFUSED)
def test_bad_input_is_refused_when_called(
    plan: Any, wrong: dict[str, Any], sentence: str
) -> None:
    arguments = {"angles": 90, "exposure_s": 0.05} | wrong
    with pytest.raises(InputError, match=sentence) as error:
        plan(FakeStation(), **arguments)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize(
    ("listed", "sentence"),
    [
        pytest.param([], "not 0", id="none"),
        pytest.param([4.0], "not 1", id="one"),
        pytest.param([0.0, math.nan], r"angles_deg\[1\] = nan", id="nan"),
        pytest.param([3.0, 3.0], "all 2 angles are 3", id="all-the-same"),
        pytest.param([0.0, 500.0], "limits are -90 and 400", id="out-of-travel"),
    ],
)
def test_bad_list_of_angles_is_refused(listed: list[float], sentence: str) -> None:
    with pytest.raises(InputError, match=sentence):
        tomo_scan(FakeStation(), angles_deg=listed, exposure_s=0.05)


def test_unknown_order_is_refused_with_the_known_ones() -> None:
    with pytest.raises(InputError, match="golden, interlaced, sequential"):
        tomo_scan(FakeStation(), exposure_s=0.05, order="spiral")  # type: ignore[arg-type]


def test_fly_faster_than_the_motor_is_refused() -> None:
    with pytest.raises(InputError, match="turns at most 90"):
        tomo_fly(FakeStation(), 20, exposure_s=0.05)


@pytest.mark.parametrize(
    ("period_s", "sentence"),
    [
        pytest.param(0.02, "shorter than exposure and readout, 0.05 s", id="short"),
        pytest.param(math.nan, "period_s = nan", id="nan"),
        pytest.param(-1, "period_s = -1", id="negative"),
    ],
)
def test_fly_without_time_for_its_exposures_is_refused(
    period_s: float, sentence: str
) -> None:
    with pytest.raises(InputError, match=sentence):
        tomo_fly(FakeStation(), 720, exposure_s=0.05, period_s=period_s)


def test_fly_that_runs_out_of_travel_is_refused() -> None:
    station = FakeStation(rotation_limits_deg=(0.0, 360.0))
    with pytest.raises(InputError, match="limits are 0 and 360"):
        tomo_fly(station, 720, exposure_s=0.05)
