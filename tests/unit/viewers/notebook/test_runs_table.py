"""Runs as a table: searched, safe to show, newest first."""

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from daiss_bluesky.core.errors import InputError, UnavailableError
from daiss_bluesky.viewers.notebook import runs_table
from daiss_bluesky.viewers.notebook.runs_table import RunsTable, runs
from daiss_bluesky.viewers.notebook.server import ResultServer

SERVER: dict[str, Any] = {"uri": "http://127.0.0.1:9", "api_key": "k"}


def run_of(number: int, **more: Any) -> tuple[str, dict[str, Any]]:
    start: dict[str, Any] = {
        "uid": f"run{number}",
        "scan_id": number,
        "time": 1e9 + number,
    }
    start |= {"plan_name": "tomo_scan", "sample_name": "chalk", **more}
    metadata = {"start": start, "stop": {"exit_status": "success"}}
    return f"run{number}", {"metadata": {"selected": metadata}}


class Reader:
    """A catalog of 150 runs, of which the newest has a result."""

    asked: list[int]

    def __init__(self, _http: object) -> None:
        self.asked = []

    def runs(self, offset: int = 0) -> list[Any]:
        self.asked.append(offset)
        found = [run_of(n) for n in range(150, 1, -1)]
        found.append(run_of(1, sample_name="<b>shale</b>"))
        return found[offset : offset + 100]

    def results(self, offset: int = 0) -> list[Any]:
        result: dict[str, Any] = {
            "raw_uid": "run150",
            "technique": "tomography",
            "algorithm": "fbp",
        }
        result |= {"status": "complete", "started": 5.0}
        return [] if offset else [("result1", {"metadata": result})]


@pytest.fixture(autouse=True)
def _catalog(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(runs_table, "TiledReader", Reader)


def test_the_newest_come_first_with_their_results() -> None:
    found = runs(**SERVER, limit=3)
    assert [run.scan_id for run in found] == [150, 149, 148]
    assert len(found[:2]) == 2
    assert "fbp complete" in repr(found)
    assert repr(found).splitlines()[0].split()[0] == "scan"


def test_a_sample_is_found_on_a_later_page_and_shown_as_text() -> None:
    found = runs(**SERVER, sample="shale")
    assert [run.uid for run in found] == ["run1"]
    assert "&lt;b&gt;shale&lt;/b&gt;" in found._repr_html_()
    assert "<b>" not in found._repr_html_()
    assert runs(**SERVER, sample="basalt")._repr_html_() == "<p>no run is like that</p>"


def test_since_takes_a_date_or_how_long_ago() -> None:
    at = datetime.fromtimestamp(1e9 + 149, UTC)
    assert [run.scan_id for run in runs(**SERVER, since=at)] == [150, 149]
    assert len(runs(**SERVER, since=at.isoformat())) == 2
    assert len(runs(**SERVER, since=timedelta(days=1))) == 0
    assert isinstance(runs(**SERVER, since="2001-01-01"), RunsTable)
    with pytest.raises(InputError, match="since = 'yesterday': an ISO date"):
        runs(**SERVER, since="yesterday")


def test_status_and_words_choose() -> None:
    assert [run.uid for run in runs("tomo_scan", **SERVER, status="complete")] == [
        "run150"
    ]
    assert len(runs("plan_name=tomo_fly", **SERVER)) == 0


def test_the_server_of_the_state_directory_is_found(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DAISS_STATE", str(tmp_path))
    monkeypatch.delenv("TILED_API_KEY", raising=False)
    with pytest.raises(UnavailableError, match="no services were started"):
        ResultServer.find(None, None)
    (tmp_path / "services.json").write_text(json.dumps({"tiled_uri": "http://a:1/"}))
    (tmp_path / "api_key").write_text("secret")
    found = ResultServer.find(None, None)
    assert (found.uri, found.api_key) == ("http://a:1", "secret")
    assert "secret" not in repr(found)
    with pytest.raises(InputError, match="needs its API key"):
        ResultServer.find("http://b:2", None)
    with pytest.raises(InputError, match="is expected"):
        ResultServer.find("b:2", "k")
