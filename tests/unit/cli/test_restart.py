"""`daiss restart`: what has ended, or what is named."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from daiss_bluesky.cli import restart, services
from daiss_bluesky.cli.fleet import Fleet
from daiss_bluesky.cli.fleet_plan import FleetPlan
from daiss_bluesky.cli.restart import restart as run_restart
from daiss_bluesky.cli.service_specs import spec_of
from daiss_bluesky.core.errors import InputError, UnavailableError
from daiss_bluesky.services import launcher
from daiss_bluesky.services.launcher import ServiceSpec, started


@pytest.fixture
def fleet(tmp_path: Path, plans: list[FleetPlan]) -> Fleet:
    """A fleet of which the proxy has ended; the others are this process."""
    services.up(state=tmp_path, size=64, json_output=True)
    fleet = plans[0].fleet
    gone = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
    pids = {"proxy": gone.pid}
    for spec in plans[0].specs:
        pid = pids.get(spec.name, os.getpid())
        fleet = fleet.with_service(started(spec.name, pid, "", spec.address))
    gone.communicate()
    fleet.save()
    return fleet


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch, capsys: Any, fleet: Fleet) -> list[Any]:
    """What is stopped, then what is started."""
    told: list[Any] = []

    def stop(chosen: list[launcher.Service]) -> list[str]:
        told.append([one.name for one in chosen])
        return []

    def start(known: Fleet, specs: list[ServiceSpec], _: object) -> Fleet:
        assert known == fleet
        told.append({spec.name: spec.address for spec in specs})
        return known

    monkeypatch.setattr(launcher, "stop", stop)
    monkeypatch.setattr(restart, "start_services", start)
    capsys.readouterr()
    return told


def test_what_has_ended_starts_at_its_old_address(
    fleet: Fleet, asked: list[Any], capsys: pytest.CaptureFixture[str]
) -> None:
    run_restart(state=fleet.state, json_output=True)
    addresses = {one.name: one.address for one in fleet.services}
    assert asked == [["proxy"], {"proxy": addresses["proxy"]}]
    assert json.loads(capsys.readouterr().out) == {"started": ["proxy"], "killed": []}


def test_what_is_named_starts_anew_in_the_order_of_services(
    fleet: Fleet, asked: list[Any]
) -> None:
    run_restart(["reconstructor", "twin"], state=fleet.state)
    assert asked[0] == ["twin", "reconstructor"]
    assert list(asked[1]) == asked[0]


def test_the_twin_is_what_it_was(fleet: Fleet) -> None:
    spec = spec_of(Fleet.load(fleet.state), "twin")
    assert " ".join(spec.arguments).endswith("--sample porous-grain --size 64")


def test_an_unknown_service_is_refused_with_those_there_are(fleet: Fleet) -> None:
    with pytest.raises(InputError, match=r"'reconstruct'.*reconstructor"):
        run_restart(["reconstruct"], state=fleet.state)


def test_where_nothing_was_started_it_says_so(tmp_path: Path) -> None:
    with pytest.raises(UnavailableError, match="daiss up"):
        run_restart(state=tmp_path / "empty")
