"""What `daiss view` refuses before Qt would abort."""

import socket
import sys
from pathlib import Path
from typing import Any

import pytest

from daiss_bluesky.cli import view
from daiss_bluesky.core.errors import InputError, UnavailableError


@pytest.fixture(autouse=True)
def _no_screen(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("DISPLAY", "WAYLAND_DISPLAY", "QT_QPA_PLATFORM", "QT_API"):
        monkeypatch.delenv(name, raising=False)


def test_without_a_screen_it_says_so() -> None:
    with pytest.raises(UnavailableError, match="DISPLAY is not set"):
        view.refuse_blind()


def test_a_display_where_nobody_is_is_named(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(view, "X_SOCKETS", tmp_path)
    monkeypatch.setenv("DISPLAY", ":87.0")
    with pytest.raises(UnavailableError, match="DISPLAY=:87"):
        view.refuse_blind()


def test_a_display_that_listens_is_taken(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(view, "X_SOCKETS", tmp_path)
    monkeypatch.setenv("DISPLAY", ":3")
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(str(tmp_path / "X3"))
        server.listen()
        view.refuse_blind()


def test_a_display_elsewhere_is_taken_as_it_is() -> None:
    assert view.display_answers("hutch:10.0")


def test_a_platform_without_a_screen_needs_none(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("QT_QPA_PLATFORM", "offscreen")
    view.refuse_blind()


def test_without_qt_it_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(view, "find_spec", lambda _: None)
    with pytest.raises(UnavailableError, match=r"daiss-bluesky\[view\]"):
        view.refuse_blind()


@pytest.mark.skipif(sys.version_info >= view.COUNTS_WELL, reason="it counts well here")
def test_pyside6_is_refused_where_it_aborts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("QT_API", "pyside6")
    monkeypatch.setenv("QT_QPA_PLATFORM", "offscreen")
    monkeypatch.setattr(view, "version", lambda _: "6.12.0")
    with pytest.raises(UnavailableError, match=r"Python 3\.12"):
        view.refuse_blind()
    monkeypatch.setattr(view, "version", lambda _: "6.11.3")
    view.refuse_blind()


def test_dark_and_light_exclude_each_other() -> None:
    with pytest.raises(InputError, match="choose one"):
        view.view(dark=True, light=True)


def test_a_window_that_closes_before_it_opens_is_refused() -> None:
    with pytest.raises(InputError, match="--close-after"):
        view.view(close_after_s=0.0)


class Results(dict[str, Any]):
    """A container that finds by the value of a key."""

    def search(self, query: Any) -> list[str]:
        key, value = query.key, query.value
        return [uid for uid, metadata in self.items() if metadata[key] == value]


CLIENT = {
    "recon": Results(
        first={"raw_uid": "run1", "scan_id": 1},
        again={"raw_uid": "run1", "scan_id": 1},
        other={"raw_uid": "run2", "scan_id": 2},
    )
}


@pytest.mark.parametrize(
    ("wanted", "found"),
    [("first", "first"), ("run1", "again"), ("2", "other")],
)
def test_a_result_is_found_by_any_of_its_names(wanted: str, found: str) -> None:
    assert view.find_uid(CLIENT, wanted) == found


def test_an_unknown_run_is_one_sentence() -> None:
    with pytest.raises(InputError, match="--run 77"):
        view.find_uid(CLIENT, "77")
    with pytest.raises(InputError, match="no reconstruction yet"):
        view.find_uid({}, "77")
