"""`daiss update` and `%recon update` say what they want in one request."""

import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from daiss_bluesky.cli import look, recon_magic
from daiss_bluesky.cli.main import REFUSED, main
from daiss_bluesky.cli.recon_magic import ReconMagics


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """The requests that were sent to port 7."""
    found: list[Any] = []

    def ask(port: int, do: str, **arguments: Any) -> None:
        found.append((port, do, arguments))

    for module in (look, recon_magic):
        monkeypatch.setattr(module, "ask", ask)
    fleet = SimpleNamespace(load=lambda state: SimpleNamespace(control=7))
    monkeypatch.setattr(look, "Fleet", fleet)
    return found


def run(monkeypatch: pytest.MonkeyPatch, *arguments: str) -> int | str | None:
    monkeypatch.setattr(sys, "argv", ["daiss", "update", *arguments])
    with pytest.raises(SystemExit) as ended:
        main()
    return ended.value.code


def test_only_what_is_named_is_switched(
    asked: list[Any], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    given = ("--no-probe", "--positions", "--state", str(tmp_path))
    assert run(monkeypatch, *given) == 0
    assert asked == [(7, "update", {"update_probe": False, "refine_positions": True})]


def test_nothing_to_switch_is_refused(
    asked: list[Any],
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert run(monkeypatch) == REFUSED
    assert "say what to switch: --probe" in capsys.readouterr().err
    assert asked == []


def test_the_prompt_switches_too(
    asked: list[Any], capsys: pytest.CaptureFixture[str]
) -> None:
    magics = ReconMagics(None, "", "", 7)
    magics.recon("update probe off")
    assert asked == [(7, "update", {"update_probe": False})]
    for line in ("update", "update probe", "update beam on", "update probe of"):
        magics.recon(line)
        said = capsys.readouterr().out
        assert "one of object, probe, positions, then on or off" in said
    assert len(asked) == 1
