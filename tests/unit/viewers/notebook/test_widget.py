"""The widget of a notebook: no key in what is saved, a picture in what is shown."""

import json
import subprocess
import sys
from typing import Any

import pytest

from daiss_bluesky.core.errors import InputError, UnavailableError
from daiss_bluesky.viewers.notebook import widget
from daiss_bluesky.viewers.notebook.server import ResultServer
from daiss_bluesky.viewers.notebook.widget import ResultWidget, follow

KEY = "key-that-is-in-no-file"
PNG = b"\x89PNG picture"


@pytest.fixture
def shown(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, Any]]:
    """What is displayed, and displayed anew."""
    found: list[tuple[str, Any]] = []
    for name in ("display", "update_display"):
        monkeypatch.setattr(
            widget, name, lambda data, *, name=name, **_: found.append((name, data))
        )
    return found


@pytest.fixture
def one(monkeypatch: pytest.MonkeyPatch) -> ResultWidget:
    monkeypatch.setattr(widget, "OFFERS_S", ())
    return ResultWidget(ResultServer("http://127.0.0.1:9", KEY), result_uid="r1")


def test_the_key_is_in_no_state_and_no_output(
    one: ResultWidget, shown: list[tuple[str, Any]]
) -> None:
    one._ipython_display_()
    state = {name: str(value) for name, value in one.get_state().items()}
    assert KEY not in json.dumps(state)
    assert KEY not in repr(one) + repr(one._repr_mimebundle_()) + repr(shown)


def test_the_key_is_sent_to_who_asks(
    one: ResultWidget, monkeypatch: pytest.MonkeyPatch
) -> None:
    sent: list[Any] = []
    monkeypatch.setattr(one, "send", sent.append)
    one._hear(one, {"want": "key"}, [])
    one._hear(one, {"want": "all"}, [])
    assert sent == [{"api_key": KEY}]


def test_the_last_picture_is_put_beside_the_widget_once(
    one: ResultWidget, shown: list[tuple[str, Any]]
) -> None:
    one.set_state({"snapshot": memoryview(PNG), "status": "running", "shown_uid": "r1"})
    assert shown == []
    one.set_state({"snapshot": memoryview(PNG + b"2"), "status": "complete"})
    one.set_state({"snapshot": memoryview(PNG + b"3")})
    [(name, data)] = shown
    assert name == "update_display"
    assert data["image/png"].startswith(PNG)
    assert "application/vnd.jupyter.widget-view+json" in data


def test_frozen_it_is_a_picture_alone(
    one: ResultWidget, shown: list[tuple[str, Any]]
) -> None:
    with pytest.raises(UnavailableError, match="no picture yet"):
        one.freeze()
    one.set_state({"snapshot": memoryview(PNG)})
    one.freeze()
    [(_, data)] = shown
    assert data.keys() == {"image/png", "text/plain"}


def test_bad_input_is_refused() -> None:
    with pytest.raises(InputError, match="height = 3"):
        follow(uri="http://127.0.0.1:9", api_key="k", height=3)
    with pytest.raises(UnavailableError, match="does not answer"):
        follow(uri="http://127.0.0.1:9", api_key="k")


def test_importing_the_package_imports_nothing_heavy() -> None:
    code = (
        "import sys, daiss_bluesky\n"
        "heavy = {'anywidget', 'IPython', 'numpy', 'tiled'} & set(sys.modules)\n"
        "print(sorted(heavy), callable(daiss_bluesky.follow))"
    )
    told = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    )
    assert told.stdout.strip() == "[] True"
