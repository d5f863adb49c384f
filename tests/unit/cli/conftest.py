"""What tests of several commands need."""

import pytest

from daiss_bluesky.cli import services
from daiss_bluesky.cli.fleet import Fleet
from daiss_bluesky.cli.fleet_plan import FleetPlan


@pytest.fixture
def plans(monkeypatch: pytest.MonkeyPatch) -> list[FleetPlan]:
    """What would have been started."""
    plans: list[FleetPlan] = []

    def start(plan: FleetPlan, _console: object) -> Fleet:
        plans.append(plan)
        return plan.fleet

    monkeypatch.setattr(services, "start_fleet", start)
    return plans
