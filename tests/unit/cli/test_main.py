"""The command line: how it refuses, and how it takes Ctrl-C."""

import json
import os
import sys
from pathlib import Path

import pytest

from daiss_bluesky.cli import app as app_module
from daiss_bluesky.cli.fleet import Fleet
from daiss_bluesky.cli.main import main
from daiss_bluesky.core.errors import InputError
from daiss_bluesky.services.exit_codes import INTERRUPTED, REFUSED

COMMANDS = (
    "demo", "up", "down", "status", "twin", "shell", "reconstruct", "center",
    "doctor",
)  # fmt: skip


def run(monkeypatch: pytest.MonkeyPatch, *arguments: str) -> int | str | None:
    monkeypatch.setattr(sys, "argv", ["daiss", *arguments])
    with pytest.raises(SystemExit) as ended:
        main()
    return ended.value.code


@pytest.mark.parametrize("command", ["down", "status", "shell"])
def test_what_needs_services_says_that_there_are_none(
    command: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    tmp_path: Path,
) -> None:
    assert run(monkeypatch, command, "--state", str(tmp_path)) == REFUSED
    said = capsys.readouterr()
    assert said.out == ""
    assert said.err == (f"error: no services were started in {tmp_path} (daiss up)\n")
    assert not list(tmp_path.iterdir())


def test_a_damaged_list_of_services(
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    tmp_path: Path,
) -> None:
    (tmp_path / "services.json").write_text("{")
    assert run(monkeypatch, "status", "--state", str(tmp_path)) == REFUSED
    assert "services is damaged" in capsys.readouterr().err
    with pytest.raises(InputError):
        Fleet.load(tmp_path)


@pytest.mark.parametrize(("before", "after"), [(None, "passive"), ("active",) * 2])
def test_threads_that_wait_sleep_unless_told_otherwise(
    before: str | None, after: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    name = "OMP_WAIT_POLICY"
    monkeypatch.setenv(name, "restored at the end")
    monkeypatch.delenv(name)
    if before is not None:
        monkeypatch.setenv(name, before)
    assert run(monkeypatch, "--help") == 0
    assert os.environ[name] == after


def test_every_command_is_there(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(monkeypatch, "--help") == 0
    said = capsys.readouterr().out
    for name in [
        "demo",
        "up",
        "down",
        "status",
        "twin",
        "shell",
        "reconstruct",
        "center",
        "doctor",
    ]:
        assert f"  {name} " in said


def test_ctrl_c_is_quiet(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def interrupted() -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(app_module, "app", interrupted)
    assert run(monkeypatch, "demo") == INTERRUPTED
    said = capsys.readouterr()
    assert (said.out, said.err) == ("", "")


def test_doctor_looks_at_a_place_where_nothing_runs(
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    tmp_path: Path,
) -> None:
    monkeypatch.setattr(
        sys, "argv", ["daiss", "doctor", "--json", "--state", str(tmp_path)]
    )
    with pytest.raises(SystemExit):
        main()
    answer = json.loads(capsys.readouterr().out)
    subjects = {one["subject"] for one in answer["findings"]}
    assert subjects >= {"packages", "services", "EPICS", "disk", "memory", "GPU"}
    assert answer["wrong"] == sum(
        one["verdict"] == "wrong" for one in answer["findings"]
    )
