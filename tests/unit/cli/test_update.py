"""`daiss update` and `%recon update` say what they want in one request."""

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from daiss_bluesky.cli.main import main
from daiss_bluesky.cli.recon_magic import ReconMagics
from daiss_bluesky.services.control_address import ControlAddress
from daiss_bluesky.services.control_client import ControlClient
from daiss_bluesky.services.exit_codes import REFUSED

ADDRESS = ControlAddress(7, 8)


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """The requests that were sent."""
    found: list[Any] = []

    def ask(_client: ControlClient, do: str, *, of: None = None, **given: Any) -> Any:
        found.append((do, given))
        return {"result_uid": "r7"}

    def of_state(_root: Path) -> ControlClient:
        return ControlClient(ADDRESS)

    monkeypatch.setattr(ControlClient, "ask", ask)
    monkeypatch.setattr(ControlClient, "of_state", of_state)
    return found


@pytest.fixture
def magics() -> Iterator[ReconMagics]:
    with ControlClient(ADDRESS) as client:
        yield ReconMagics(None, "", "", client)


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
    assert asked == [("update", {"update_probe": False, "refine_positions": True})]


def test_nothing_to_switch_is_refused(
    asked: list[Any],
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert run(monkeypatch) == REFUSED
    assert "say what to switch: --probe" in capsys.readouterr().err
    assert asked == []


def test_the_prompt_switches_too(
    asked: list[Any], magics: ReconMagics, capsys: pytest.CaptureFixture[str]
) -> None:
    magics.recon("update probe off")
    assert asked == [("update", {"update_probe": False})]
    for line in ("update", "update probe", "update beam on", "update probe of"):
        magics.recon(line)
        said = capsys.readouterr().out
        assert "one of object, probe, positions, then on or off" in said
    assert len(asked) == 1


def test_the_prompt_reruns_sets_and_aborts(
    asked: list[Any], magics: ReconMagics, capsys: pytest.CaptureFixture[str]
) -> None:
    magics.recon("set filter=hann zingers=False")
    magics.recon("rerun algorithm=sirt iterations=20")
    magics.recon("abort wrong sample")
    assert asked == [
        ("parameters", {"changes": {"filter": "hann", "zingers": False}}),
        ("rerun", {"parameters": {"algorithm": "sirt", "iterations": 20}}),
        ("abort", {"reason": "wrong sample"}),
    ]
    assert "result r7" in capsys.readouterr().out
    magics.recon("set filter")
    assert "%recon set filter: NAME=VALUE is expected" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("words", "request_"),
    [
        (("rerun", "filter=hann"), ("rerun", {"parameters": {"filter": "hann"}})),
        (("abort", "wrong sample"), ("abort", {"reason": "wrong sample"})),
    ],
)
def test_a_rerun_and_an_abort_are_one_request(
    asked: list[Any],
    monkeypatch: pytest.MonkeyPatch,
    words: tuple[str, ...],
    request_: Any,
) -> None:
    monkeypatch.setattr(sys, "argv", ["daiss", *words])
    with pytest.raises(SystemExit) as ended:
        main()
    assert ended.value.code == 0
    assert asked == [request_]


def test_a_word_that_is_no_parameter_is_refused(
    asked: list[Any],
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setattr(sys, "argv", ["daiss", "rerun", "filter"])
    with pytest.raises(SystemExit) as ended:
        main()
    assert ended.value.code == REFUSED
    assert "daiss rerun filter: NAME=VALUE is expected" in capsys.readouterr().err
    assert asked == []


def test_a_center_that_is_found_again_is_said(
    asked: list[Any],
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    for words in (["recenter"], ["recenter", "64.5"], ["recenter", "--json"]):
        monkeypatch.setattr(sys, "argv", ["daiss", *words])
        with pytest.raises(SystemExit):
            main()
    said = ["center_px: found again", "center_px: 64.5", '{"center_px": null}']
    assert capsys.readouterr().out.splitlines() == said
    assert len(asked) == 3
