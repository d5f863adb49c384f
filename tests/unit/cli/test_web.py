"""What `daiss web` says and opens."""

import json
import stat
import webbrowser
from pathlib import Path

import pytest
from typer.testing import CliRunner

from daiss_bluesky.cli import view, web
from daiss_bluesky.cli.app import app
from daiss_bluesky.core.errors import UnavailableError
from daiss_bluesky.viewers.web.address import page_uri

URI = "http://127.0.0.1:8000"
KEY = "0123456789abcdef"


@pytest.fixture(autouse=True)
def _facility(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TILED_API_KEY", KEY)
    monkeypatch.setattr(view, "refuse_server", lambda uri: None)


def run(*arguments: str) -> str:
    result = CliRunner().invoke(app, ["web", "--tiled-uri", URI, *arguments])
    assert result.exit_code == 0, result.output
    return result.stdout.strip()


def test_address_is_told_without_the_key() -> None:
    assert run() == f"{URI}/custom/daiss/   its key: in TILED_API_KEY"
    assert json.loads(run("--json")) == {
        "page": f"{URI}/custom/daiss/",
        "key": "in TILED_API_KEY",
    }


def test_key_is_told_when_asked_for_where_nobody_logs_it() -> None:
    assert run("--with-key") == f"{URI}/custom/daiss/#key={KEY}"


def test_browser_is_opened_by_a_file_only_the_user_reads(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    opened: list[str] = []

    def remember(uri: str) -> bool:
        opened.append(uri)
        return True

    monkeypatch.setattr(webbrowser, "open", remember)
    assert KEY not in run("--open", "--state", str(tmp_path))
    [address] = opened
    assert KEY not in address
    door = Path(address.removeprefix("file://"))
    assert f"url={URI}/custom/daiss/#key={KEY}" in door.read_text()
    assert stat.S_IMODE(door.stat().st_mode) == 0o600


def test_without_a_browser_it_says_what_to_do(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(webbrowser, "open", lambda uri: False)
    with pytest.raises(UnavailableError, match="--with-key"):
        web.open_browser(URI, tmp_path)


def test_page_of_one_result_is_named_in_the_query() -> None:
    found = page_uri(f"{URI}/api/v1", "a-b", "k")
    assert found == f"{URI}/custom/daiss/?result=a-b#key=k"
