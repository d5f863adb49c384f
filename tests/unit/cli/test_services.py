"""What `daiss up` tells: where every service can be reached."""

import json
from pathlib import Path

import pytest

from daiss_bluesky.cli import services
from daiss_bluesky.cli.fleet_plan import FleetPlan
from daiss_bluesky.core.resources import resource


def test_ports_are_told(
    tmp_path: Path, plans: list[FleetPlan], capsys: pytest.CaptureFixture[str]
) -> None:
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


def test_files_are_found_from_any_directory(
    tmp_path: Path, plans: list[FleetPlan], monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "pipeline.yml").write_text("algorithm: fbp")
    twin = resource("profiles/twin.yml").read_text()
    (tmp_path / "beamline.yml").write_text(twin)
    monkeypatch.chdir(tmp_path)
    state = tmp_path / "state"
    services.up(state=state, pipeline=[Path("pipeline.yml")], sample="phantom.json")
    services.up(state=state, beamline=Path("beamline.yml"))
    simulated, real = plans
    assert simulated.fleet.pipelines["tomography"] == tmp_path / "pipeline.yml"
    assert str(tmp_path / "phantom.json") in simulated.fleet.twin_arguments
    assert real.fleet.beamline == tmp_path / "beamline.yml"
