"""Which plans are at the prompt."""

import inspect
from types import SimpleNamespace
from typing import Any

import pytest

from daiss_bluesky.cli.session import bind_plans
from tests.unit.plans.fake_ptychography import FakePtychography
from tests.unit.plans.fake_station import FakeStation

TOMOGRAPHY = {"tomo_scan", "tomo_fly"}
PTYCHOGRAPHY = {"ptycho_grid", "ptycho_spiral", "ptycho_points", "ptycho_fly"}


@pytest.mark.parametrize(
    ("ptychography", "names"),
    [
        pytest.param(None, TOMOGRAPHY, id="tomography"),
        pytest.param(FakePtychography(), TOMOGRAPHY | PTYCHOGRAPHY, id="both"),
    ],
)
def test_plans_are_those_of_the_station(ptychography: Any, names: set[str]) -> None:
    station = SimpleNamespace(tomography=FakeStation(), ptychography=ptychography)
    plans = bind_plans(station)
    assert set(plans) == names
    for name, plan in plans.items():
        assert plan.__name__ == name
        assert plan.__doc__
        assert "station" not in inspect.signature(plan).parameters


def test_a_ptychography_plan_is_bound_to_the_piezo_stage() -> None:
    piezo = FakePtychography()
    plans = bind_plans(SimpleNamespace(ptychography=piezo))
    plan = plans["ptycho_points"]([(0.0, 0.0), (1.0, 1.0)], exposure_s=0.1)
    moved = {m.obj.name for m in plan if m.command == "stop" and m.obj is not None}
    assert {"piezo_y", "piezo_x"} <= moved
