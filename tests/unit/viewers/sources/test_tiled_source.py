"""The source as a whole on a catalog in memory that pushes nothing."""

import logging
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
import pytest

from daiss_bluesky.core.errors import InputError, UnavailableError
from daiss_bluesky.viewers.model.history import History
from daiss_bluesky.viewers.model.intake import Intake
from daiss_bluesky.viewers.model.mailbox import Mailbox
from daiss_bluesky.viewers.sources import polling, tiled_source
from daiss_bluesky.viewers.sources.socket import NoStreamError
from daiss_bluesky.viewers.sources.tiled_reader import Array
from daiss_bluesky.viewers.sources.tiled_source import TiledSource
from tests.conftest import wait_until

METADATA = {
    "raw_uid": "run",
    "technique": "tomography",
    "status": "running",
    "started": 1.0,
}
SPECS = [{"name": "DaissReconstruction", "version": "1.0"}]


class _NoStream:
    """Stands in for a StreamServer."""

    uri = "http://nowhere"

    def __init__(self, error: Exception | None = None) -> None:
        self._error = error or NoStreamError("pushes nothing")

    def open(self, *_: object) -> "_NoStream":
        return self

    async def __aenter__(self) -> None:
        raise self._error

    async def __aexit__(self, *_: object) -> None:
        pass


class _Catalog:
    """Stands in for a TiledReader: one result with one view."""

    def __init__(self) -> None:
        self.http = _NoStream()
        self.trouble: Exception | None = None
        self.number = 0

    def _refuse(self) -> None:
        if self.trouble is not None:
            raise self.trouble

    def runs(self, *_: int) -> list[tuple[str, dict[str, Any]]]:
        self._refuse()
        return [("run", {"metadata": {"start": {"uid": "run", "scan_id": 4}}})]

    def results(self, *_: int) -> list[tuple[str, dict[str, Any]]]:
        self._refuse()
        return [("one", {"specs": SPECS, "metadata": METADATA})]

    def result(self, uid: str) -> dict[str, Any]:
        self._refuse()
        if uid != "one":
            raise InputError(f"there is no result {uid!r}")
        return METADATA

    def table(self, _: str) -> list[dict[str, Any]]:
        row = dict.fromkeys(
            ("frames_expected", "frames_received", "frames_used", "frames_missing"), 1
        )
        known = {"coverage": 0.5, "lag_s": 0.1, "quality": {}, "parameters": {}}
        n = self.number
        return [
            {"number": i, "time": float(i), **row, **known} for i in range(1, n + 1)
        ]

    def arrays(self, path: str) -> dict[str, Array]:
        known = Array((2, 2), np.dtype("<f4"))
        return {"slice_xy": known} if path.endswith("live") else {}

    def read(self, *_: object) -> Any:
        return np.full((2, 2), self.number, np.float32)


@pytest.fixture
def catalog() -> _Catalog:
    return _Catalog()


@pytest.fixture(autouse=True)
def _often(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("POLL_S", "FIRST_RETRY_S", "LONGEST_RETRY_S"):
        monkeypatch.setattr(polling, name, 0.01)


@contextmanager
def _running(
    catalog: _Catalog, stream: _NoStream | None = None
) -> Iterator[tuple[Intake, History]]:
    history = History()
    intake = Intake(Mailbox(), history.keep)
    server: Any = stream or _NoStream()
    reader: Any = catalog
    source = TiledSource(server, reader, intake)
    intake.on_choice = source.follow
    source.start()
    try:
        yield intake, history
    finally:
        source.close()
        assert "tiled-source" not in {one.name for one in threading.enumerate()}


def test_polled_pictures_come_once_each(catalog: _Catalog) -> None:
    with _running(catalog) as (intake, history):
        wait_until(lambda: intake.showing, "the newest result")
        for catalog.number in (1, 2, 3):
            n = catalog.number
            wait_until(lambda: len(history.of("slice_xy")) >= n, "a picture")  # noqa: B023
        assert [one.number for one in history.of("slice_xy")] == [1, 2, 3]
        assert intake.showing is not None
        assert intake.showing.honesty().frames_used == 1
        assert intake.connection().state == "connected"
        assert intake.connection().source == "polling"


def test_a_server_that_goes_away_and_comes_back(catalog: _Catalog) -> None:
    with _running(catalog) as (intake, _):
        wait_until(lambda: intake.connection().state == "connected", "the line")
        catalog.trouble = UnavailableError("Tiled does not answer")
        wait_until(lambda: intake.connection().state == "reconnecting", "a banner")
        assert intake.connection().message == "Tiled does not answer; reconnecting"
        catalog.trouble = None
        wait_until(lambda: intake.connection().state == "connected", "the line")


def test_nonsense_is_said_and_outlived(
    catalog: _Catalog, caplog: pytest.LogCaptureFixture
) -> None:
    catalog.trouble = KeyError("metadata")
    with (
        caplog.at_level(logging.ERROR, tiled_source.__name__),
        _running(catalog, _NoStream(KeyError("handshake"))) as (intake, _),
    ):
        wait_until(lambda: intake.connection().state == "refused", "a word on it")
        assert "answers nonsense: KeyError('metadata')" in intake.connection().message
        assert "is not understood" in caplog.text
        catalog.trouble = None
        wait_until(lambda: intake.connection().state == "connected", "the line")


def test_an_unknown_result(catalog: _Catalog) -> None:
    with _running(catalog) as (intake, _):
        intake.pinned = "other"
        intake.choose()
        wait_until(lambda: intake.showing and intake.showing.problem, "a word on it")
        assert intake.showing is not None
        assert intake.showing.problem == "there is no result 'other'"
