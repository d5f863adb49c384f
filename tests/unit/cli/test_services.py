"""What `daiss up` tells: where every service can be reached."""

import json
from pathlib import Path

import pytest

from daiss_bluesky.cli import services
from daiss_bluesky.cli.fleet import Fleet
from daiss_bluesky.cli.fleet_plan import FleetPlan


def test_ports_are_told(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    plans: list[FleetPlan] = []

    def start(plan: FleetPlan, _console: object) -> Fleet:
        plans.append(plan)
        return plan.fleet

    monkeypatch.setattr(services, "start_fleet", start)
    services.up(state=tmp_path, size=64, json_output=True)
    [plan] = plans
    told = json.loads(capsys.readouterr().out)
    fleet = plan.fleet
    assert told == {
        "state": str(tmp_path),
        "tiled_uri": fleet.tiled_uri,
        "proxy_in": fleet.proxy_in,
        "proxy_out": fleet.proxy_out,
        "control": fleet.control,
        "control_status": fleet.control_status,
        "control_key": str(tmp_path / "control_key"),
    }
    shown = {spec.name: spec.address for spec in plan.specs}
    assert str(fleet.control) in shown["reconstructor"]
    assert {str(fleet.proxy_in), f"{fleet.proxy_out}"} < set(
        shown["proxy"].replace(",", "").split()
    )
    assert shown["tiled"] == fleet.tiled_uri
